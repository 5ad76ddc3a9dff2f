/**
 * One lane: a TCP connection to a port of the relay, sealed at one end and opened at the other.
 * The socket reads straight into the opener's buffer.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { deferred } from '../async.js';
import type { RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import type { Role } from '../types.js';
import { RecordType } from '../wire/control.js';
import {
  LANE_SALT_BYTES,
  PREAMBLE_BYTES,
  decodePreamble,
  encodePreamble,
  laneKey,
} from '../wire/keys.js';
import type { LaneSecrets } from '../wire/keys.js';
import { Opener, Sealer } from '../wire/record.js';
import { Admission } from './admission.js';

/** Sealed bytes that may wait in one socket before `send` makes its caller wait. */
const HIGH_WATER_BYTES = 256 * 1024;

/** Where one lane connects and who it says it is. */
export interface LaneAddress {
  readonly index: number;
  readonly address: string;
  readonly port: number;
  readonly localAddress?: string;
  readonly channel: string;
  readonly uuid: string;
}

/** Who listens to a lane. Every call names the lane by its index. */
export interface LaneListener {
  /** A record that opened. A promise given back holds back the lane until it settles. */
  onRecord(lane: number, plaintext: Buffer): Promise<void> | undefined;
  /** The peer's authenticated end. */
  onEnd(lane: number): void;
  /** The lane is of no use any more: cut, tampered with, or broken by the peer. */
  onLost(lane: number, error: CrocError): void;
}

/** `broken`: the peer broke a rule; nothing it sends counts any more, but it can still be told. */
type Phase = 'admission' | 'admitted' | 'preamble' | 'records' | 'ended' | 'broken';

/** One lane. */
export class LaneConnection {
  readonly index: number;
  /** When bytes last came in, on the clock of `performance.now()`; now while we hold them back ourselves. */
  get lastHeardMs(): number {
    return this.#held > 0 ? performance.now() : this.#lastHeardMs;
  }
  /** When something was last sent. */
  lastSentMs = performance.now();

  readonly #socket: Socket;
  readonly #admission: Admission;
  readonly #closed = deferred<undefined>();
  readonly #scratch = Buffer.allocUnsafeSlow(4096);
  #early: Buffer = Buffer.alloc(0);
  #phase: Phase = 'admission';
  #listener: LaneListener | undefined;
  #keys: { readonly secrets: LaneSecrets; readonly peer: Role } | undefined;
  #sealer: Sealer | undefined;
  #opener: Opener | undefined;
  #lastHeardMs = performance.now();
  #held = 0;
  #finished = false;

  private constructor(where: LaneAddress) {
    this.index = where.index;
    this.#admission = new Admission(where);
    this.#socket = connect({
      host: where.address,
      port: where.port,
      ...(where.localAddress === undefined ? {} : { localAddress: where.localAddress }),
      allowHalfOpen: true,
      noDelay: true,
      onread: {
        buffer: () => this.#opener?.space() ?? this.#scratch,
        callback: (count, buffer) => this.#onBytes(count, buffer),
      },
    });
    // While the peer's disk stalls, one ping after another may wait for room.
    this.#socket.setMaxListeners(0);
    this.#socket.on('connect', () => {
      this.#socket.write(this.#admission.line);
    });
    this.#socket.on('error', (cause) => this.#lose(cause));
    this.#socket.on('end', () => this.#onFin());
    this.#socket.on('close', () => {
      this.#lose(undefined);
      this.#closed.resolve(undefined);
    });
  }

  /**
   * Connects and waits until the relay admits us.
   *
   * @throws CrocError `relay_port_blocked`, `relay_silent`, `not_a_relay`, or what the relay answers
   */
  static async open(
    where: LaneAddress,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<LaneConnection> {
    const lane = new LaneConnection(where);
    const timer = setTimeout(() => lane.#admission.timeOut(), timeoutMs);
    const onAbort = (): void => lane.#admission.abort(signal);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      lane.#early = await lane.#admission.answer;
      lane.#phase = 'admitted';
      return lane;
    } catch (error) {
      lane.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Resolves when the socket is closed. */
  get closed(): Promise<undefined> {
    return this.#closed.promise;
  }

  /** Sends our preamble and begins to read the peer's stream. */
  start(role: Role, secrets: LaneSecrets, random: RandomBytes, listener: LaneListener): void {
    const salt = random(LANE_SALT_BYTES);
    this.#sealer = new Sealer(laneKey(secrets, role, this.index, salt));
    this.#keys = { secrets, peer: role === 'sender' ? 'recipient' : 'sender' };
    this.#listener = listener;
    this.#phase = 'preamble';
    if (this.#socket.destroyed) queueMicrotask(() => this.#lose(undefined));
    this.#socket.write(encodePreamble(salt));
    const early = this.#early;
    this.#early = Buffer.alloc(0);
    if (early.length > 0) this.#guard(() => this.#take(early));
    this.#socket.resume();
  }

  /**
   * Seals one record and sends it.
   *
   * @param parts - plaintext in pieces; free to be reused when this returns its promise
   * @returns resolves when there is room for more
   * @throws CrocError `connection_lost` when the lane goes away meanwhile
   */
  async send(parts: readonly Uint8Array[]): Promise<void> {
    if (!this.#sealer || this.#finished || this.#socket.destroyed)
      throw new CrocError('connection_lost', { detail: `lane ${this.index}` });
    this.lastSentMs = performance.now();
    const socket = this.#socket;
    socket.cork();
    for (const piece of this.#sealer.seal(parts)) socket.write(piece);
    socket.uncork();
    if (socket.writableLength < HIGH_WATER_BYTES) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (): void => {
        socket.off('drain', settle);
        socket.off('close', settle);
        if (socket.destroyed)
          reject(new CrocError('connection_lost', { detail: `lane ${this.index}` }));
        else resolve();
      };
      socket.on('drain', settle);
      socket.on('close', settle);
    });
  }

  /** Sends the authenticated end of our direction; the connection stays. Does nothing the second time. */
  sayEnd(): void {
    if (this.#finished || !this.#sealer || this.#socket.destroyed) return;
    for (const piece of this.#sealer.seal([Buffer.of(RecordType.end)])) this.#socket.write(piece);
    this.#finished = true;
  }

  /** Sends the end if that is still to do, and half-closes. */
  end(): void {
    this.sayEnd();
    if (this.#finished && !this.#socket.writableEnded) this.#socket.end();
  }

  /** Closes at once. Nobody is told of it as a loss. */
  destroy(): void {
    this.#listener = undefined;
    this.#phase = 'ended';
    this.#socket.destroy();
  }

  /** Node asks for the next buffer right after this, so `buffer` may be older than the opener. */
  #onBytes(count: number, buffer: Uint8Array): boolean {
    this.#lastHeardMs = performance.now();
    if (this.#phase === 'broken') return true;
    this.#guard(() => {
      if (buffer !== this.#scratch) this.#deliver(this.#opener?.filled(count) ?? []);
      else if (this.#opener) this.#deliver(this.#opener.push(buffer.subarray(0, count)));
      else this.#take(Buffer.from(buffer.subarray(0, count)));
    });
    const early = this.#phase === 'admission' || this.#phase === 'admitted';
    return !(this.#held > 0 || (early && this.#admission.settled));
  }

  /** Takes bytes that come before the first record. */
  #take(bytes: Buffer): void {
    if (this.#phase === 'admission' && !this.#admission.settled) {
      this.#admission.push(bytes);
      return;
    }
    this.#early = Buffer.concat([this.#early, bytes]);
    if (this.#phase !== 'preamble' || this.#early.length < PREAMBLE_BYTES || !this.#keys) return;
    const salt = decodePreamble(this.#early.subarray(0, PREAMBLE_BYTES));
    const rest = this.#early.subarray(PREAMBLE_BYTES);
    this.#early = Buffer.alloc(0);
    this.#opener = new Opener(laneKey(this.#keys.secrets, this.#keys.peer, this.index, salt));
    this.#phase = 'records';
    this.#deliver(this.#opener.push(rest));
  }

  #deliver(records: readonly Buffer[]): void {
    for (const record of records) {
      if (this.#phase !== 'records')
        throw new CrocError('protocol_error', { detail: 'a record after the end' });
      if (record[0] === RecordType.end) {
        this.#phase = 'ended';
        this.#listener?.onEnd(this.index);
        continue;
      }
      const wait = this.#listener?.onRecord(this.index, record);
      if (wait) this.#hold(wait);
    }
  }

  /** Reads nothing more until `wait` settles: this is the back-pressure from disk to peer. */
  #hold(wait: Promise<void>): void {
    this.#held += 1;
    void wait.finally(() => {
      this.#held -= 1;
      this.#lastHeardMs = performance.now();
      if (this.#held === 0 && !this.#socket.destroyed) this.#socket.resume();
    });
  }

  /** Takes what the peer sent; a breach of the rules breaks the lane. */
  #guard(take: () => void): void {
    try {
      take();
    } catch (thrown) {
      this.#break(CrocError.from(thrown));
    }
  }

  #break(error: CrocError): void {
    this.#phase = 'broken';
    this.#opener = undefined;
    this.#admission.fail(error);
    this.#listener?.onLost(this.index, error);
  }

  #onFin(): void {
    if (this.#phase !== 'ended' && this.#phase !== 'broken') this.#lose(undefined);
  }

  /** The connection is gone. */
  #lose(cause: unknown): void {
    const error = new CrocError('connection_lost', { detail: `lane ${this.index}`, cause });
    this.#admission.fail(error);
    const listener = this.#listener;
    if (!listener) return;
    this.#listener = undefined;
    this.#socket.destroy();
    if (this.#phase !== 'ended' && this.#phase !== 'broken') listener.onLost(this.index, error);
  }
}
