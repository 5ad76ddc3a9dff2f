/**
 * A party of a channel that follows the protocol only as far as a test wants: it can lie, stay silent
 * or vanish at any point. It shares the codecs with the product, nothing else.
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { systemClock } from '../../src/core/edges.js';
import { RelayClient } from '../../src/core/channel/relayClient.js';
import {
  answerExchange,
  confirmations,
  startExchange,
  transcriptHash,
} from '../../src/core/pake/channel.js';
import type { JoinAnswer } from '../../src/core/wire/http.js';
import type { Role } from '../../src/core/types.js';
import { unpackControl } from '../../src/core/wire/compressed.js';
import { RecordType, decodeControl, encodeControl } from '../../src/core/wire/control.js';
import type { ControlMessage, ControlOf } from '../../src/core/wire/control.js';
import { encodeDataHead } from '../../src/core/wire/data.js';
import type { Piece } from '../../src/core/wire/data.js';
import {
  PREAMBLE_BYTES,
  decodePreamble,
  encodePreamble,
  laneKey,
} from '../../src/core/wire/keys.js';
import type { LaneSecrets } from '../../src/core/wire/keys.js';
import { Opener, Sealer } from '../../src/core/wire/record.js';

const never = new AbortController().signal;
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** One lane of a raw peer. */
export class RawLane {
  readonly socket: Socket;
  readonly sealer: Sealer;
  readonly messages: ControlMessage[] = [];
  /** The types of all records that came. */
  readonly types: number[] = [];
  ended = false;
  closed = false;
  #early = Buffer.alloc(0);
  #opener: Opener | undefined;
  #wake: (() => void)[] = [];

  constructor(socket: Socket, index: number, role: Role, secrets: LaneSecrets) {
    this.socket = socket;
    const salt = randomBytes(32);
    this.sealer = new Sealer(laneKey(secrets, role, index, salt));
    const peer = role === 'sender' ? 'recipient' : 'sender';
    socket.on('data', (bytes: Buffer) => {
      let rest = bytes;
      if (!this.#opener) {
        this.#early = Buffer.concat([this.#early, bytes]);
        if (this.#early.length < PREAMBLE_BYTES) return;
        const peerSalt = decodePreamble(this.#early.subarray(0, PREAMBLE_BYTES)).salt;
        this.#opener = new Opener(laneKey(secrets, peer, index, peerSalt));
        rest = this.#early.subarray(PREAMBLE_BYTES);
      }
      for (const record of this.#opener.push(rest)) {
        this.types.push(record[0] ?? 0);
        if (record[0] === RecordType.end) this.ended = true;
        const control = record[0] === RecordType.packed ? unpackControl(record) : record;
        const message = control[0] === RecordType.control ? decodeControl(control) : undefined;
        if (message) this.messages.push(message);
      }
      this.#notify();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.#notify();
    });
    socket.write(encodePreamble({ salt, again: false }));
  }

  send(...parts: Uint8Array[]): void {
    this.socket.write(Buffer.concat(this.sealer.seal(parts)));
  }
  say(message: ControlMessage): void {
    this.send(encodeControl(message));
  }
  hello(features: string[] = []): void {
    this.say({ t: 'hello', version: 1, oldest: 1, features });
  }
  data(pieces: readonly Piece[], bytes: Uint8Array): void {
    this.send(encodeDataHead(pieces), bytes);
  }
  end(): void {
    this.send(Buffer.of(RecordType.end));
    this.socket.end();
  }

  /** Waits for a message of one type. */
  async until<T extends ControlMessage['t']>(type: T): Promise<ControlOf<T>> {
    for (;;) {
      const found = this.messages.find((message): message is ControlOf<T> => message.t === type);
      if (found) return found;
      if (this.closed) throw new Error(`closed before "${type}": ${JSON.stringify(this.messages)}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** Waits for the end record. */
  async untilEnded(): Promise<void> {
    while (!this.ended) {
      if (this.closed) throw new Error('closed before the end record');
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** Waits until the socket is closed. */
  async untilClosed(): Promise<void> {
    while (!this.closed) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** A party of a channel. */
export class RawPeer {
  readonly relay: RelayClient;
  lanes: RawLane[] = [];
  member: JoinAnswer | undefined;

  constructor(url: string, localAddress?: string) {
    const options = { url, clock: systemClock, answerMs: 5000 };
    this.relay = new RelayClient(
      localAddress === undefined ? options : { ...options, localAddress },
    );
  }

  get lane(): RawLane {
    const [lane] = this.lanes;
    if (!lane) throw new Error('no lanes');
    return lane;
  }

  async join(role: Role, channel?: string): Promise<JoinAnswer> {
    this.member = await this.relay.join(role, channel, 'p256', never);
    return this.member;
  }

  /** Joins as sender and gives x. @returns the code and what completes the exchange */
  async openAsSender(secret: string): Promise<{ code: string; meet: () => Promise<void> }> {
    const member = await this.join('sender');
    const { channel, curve } = member;
    const exchange = startExchange({ curve, channel, secret }, randomBytes);
    await this.relay.update({ x: base64(exchange.x) }, never);
    const meet = async (): Promise<void> => {
      let answer = await this.relay.wait(0, never);
      while (answer.y === undefined) answer = await this.relay.wait(answer.version, never);
      const y = Buffer.from(answer.y, 'base64');
      const key = exchange.finish(y);
      await this.relay.update({ h_k: base64(confirmations(key).h_k) }, never);
      await this.connect('sender', {
        key,
        transcript: transcriptHash(channel, curve, exchange.x, y),
      });
    };
    return { code: `${channel}-${secret}`, meet };
  }

  /** Joins as recipient and goes as far as open lanes. */
  async meetAsRecipient(code: string): Promise<void> {
    const channel = code.slice(0, code.indexOf('-'));
    const secret = code.slice(channel.length + 1);
    const { curve } = await this.join('recipient', channel);
    let answer = await this.relay.wait(0, never);
    while (answer.x === undefined) answer = await this.relay.wait(answer.version, never);
    const x = Buffer.from(answer.x, 'base64');
    const { y, key } = answerExchange({ curve, channel, secret }, x, randomBytes);
    answer = await this.relay.update(
      { y: base64(y), hh_k: base64(confirmations(key).hh_k) },
      never,
    );
    while (answer.h_k === undefined) answer = await this.relay.wait(answer.version, never);
    await this.connect('recipient', { key, transcript: transcriptHash(channel, curve, x, y) });
  }

  async connect(role: Role, secrets: LaneSecrets): Promise<void> {
    const { member } = this;
    if (!member) throw new Error('not joined');
    const { channel, uuid } = member;
    this.lanes = await Promise.all(
      member.ports.map(async (port, index) => {
        const socket = connect(port, this.relay.address);
        socket.write(`${JSON.stringify({ channel, uuid })}\n`);
        const answer = await new Promise<Buffer>((resolve, reject) => {
          socket.once('data', resolve);
          socket.once('error', reject);
        });
        const newline = answer.indexOf(10);
        if (!answer.subarray(0, newline).includes('"ok":true')) throw new Error(answer.toString());
        const lane = new RawLane(socket, index, role, secrets);
        if (answer.length > newline + 1) socket.emit('data', answer.subarray(newline + 1));
        return lane;
      }),
    );
  }

  /** Vanishes: every socket is cut, nothing is said. */
  vanish(): void {
    for (const lane of this.lanes) lane.socket.destroy();
    this.relay.dispose();
  }
}
