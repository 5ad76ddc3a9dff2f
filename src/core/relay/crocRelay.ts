/**
 * The relay of croc's own protocol, on the same TCP ports as the lanes: croc clients are told apart by their
 * first bytes (docs/croc.md, "The relay"). It hides nothing from the relay; what the two
 * clients say to each other afterwards is encrypted by them.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import type { RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import { answerCrocClient } from '../pake/crocRelay.js';
import { CROC_SALT_BYTES, crocRelayKey, openCroc, sealCroc } from '../wire/crocSeal.js';
import { addressKey } from './address.js';
import { CrocRooms } from './crocRooms.js';
import type { CrocRoomsParts } from './crocRooms.js';
import { CrocSocket } from './crocSocket.js';

/** The password of a croc relay unless its operator set another. */
export const DEFAULT_CROC_PASSWORD = 'pass123';
/** Bytes of a room's name; croc's have 64 and a number. */
const MAX_ROOM_BYTES = 256;

/** What a croc relay needs. */
export interface CrocRelayParts extends CrocRoomsParts {
  readonly random: RandomBytes;
  readonly password: string;
  /** The TCP ports, in order. */
  readonly ports: readonly number[];
}

/** Lets croc clients in and staples them. */
export class CrocRelay {
  readonly #parts: CrocRelayParts;
  readonly #rooms: CrocRooms;
  #pending = 0;

  constructor(parts: CrocRelayParts) {
    this.#parts = parts;
    this.#rooms = new CrocRooms(parts);
  }

  /** Bytes that came into staples so far. */
  get bytes(): number {
    return this.#rooms.bytes;
  }

  /** Rooms with somebody in it. */
  get rooms(): number {
    return this.#rooms.size;
  }

  /** Rooms with two in it. */
  get stapled(): number {
    return this.#rooms.stapled;
  }

  /**
   * Takes a client on port number `index`. Never rejects.
   *
   * @param head - what it has sent so far
   */
  async accept(socket: Socket, index: number, head: Uint8Array): Promise<void> {
    const { clock, limits, onEvent } = this.#parts;
    if (this.#pending >= limits.crocPending) {
      onEvent({ kind: 'limited', limit: 'crocPending' });
      socket.destroy();
      return;
    }
    this.#pending += 1;
    const client = new CrocSocket(socket, head);
    const cancel = clock.after(limits.identifyMs, () => {
      onEvent({ kind: 'limited', limit: 'identifyMs' });
      client.fail(new CrocError('timed_out'));
    });
    try {
      await this.#introduce(client, socket, index);
    } catch {
      // croc's protocol has no words for what went wrong before there is a key.
      socket.end();
      socket.destroySoon();
    } finally {
      cancel();
      this.#pending -= 1;
    }
  }

  async #introduce(client: CrocSocket, socket: Socket, index: number): Promise<void> {
    const first = await client.read();
    if (first.equals(Buffer.from('ping'))) {
      client.send(Buffer.from('pong'));
      socket.end();
      return;
    }
    const { random } = this.#parts;
    const answer = answerCrocClient(first, random);
    client.send(answer.message);
    const salt = await client.read();
    if (salt.length !== CROC_SALT_BYTES) throw new CrocError('protocol_error');
    const key = crocRelayKey(answer.key, salt);
    const say = (text: string): void => client.send(sealCroc(key, Buffer.from(text), random));
    const hear = async (): Promise<string> => openCroc(key, await client.read()).toString();

    if (!samePassword(await hear(), this.#parts.password)) {
      say('bad password');
      socket.end();
      return;
    }
    say(`${this.#banner(index)}|||${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`);
    this.#enter(client, socket, `${index} ${await hear()}`, say);
  }

  #enter(client: CrocSocket, socket: Socket, name: string, say: (text: string) => void): void {
    const address = addressKey(socket.remoteAddress ?? '');
    if (address === undefined || Buffer.byteLength(name) > MAX_ROOM_BYTES)
      throw new CrocError('protocol_error');
    const entry = this.#rooms.check(name, address);
    say(entry);
    if (entry === 'ok') this.#rooms.enter(name, socket, client.release());
    else socket.end();
  }

  /** The ports for data: all but the one that was dialled, which is the one for control. */
  #banner(index: number): string {
    const { ports } = this.#parts;
    const others = ports.filter((_, other) => other !== index);
    return (others.length > 0 ? others : ports).join(',');
  }
}

function samePassword(given: string, wanted: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text.trim()).digest();
  return timingSafeEqual(hash(given), hash(wanted));
}
