/**
 * One connection of a lane: TCP to a port of the relay, sealed at one end and opened at the other.
 * The socket reads straight into the opener's buffer.
 */
import type { OnReadOpts } from 'node:net';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { deferred } from '../async.js';
import { CrocError } from '../errors.js';
import type { Role } from '../types.js';
import {
  PREAMBLE_BYTES,
  decodePreamble,
  encodePreamble,
  laneKey,
  laneKeyAgain,
} from '../wire/keys.js';
import type { LaneSecrets, Preamble } from '../wire/keys.js';
import { release } from '../wire/memory.js';
import { Opener, Sealer } from '../wire/record.js';
import { Admission } from './admission.js';

/** Sealed bytes that may wait in one socket before `room` makes its caller wait. */
const HIGH_WATER_BYTES = 256 * 1024;
/** After how long without traffic TCP itself asks whether the relay is still there, milliseconds. */
const KEEP_ALIVE_MS = 10_000;

/** Where one lane connects and who it says it is. */
export interface LaneAddress {
  readonly index: number;
  readonly address: string;
  readonly port: number;
  /** Said to the relay where the port alone does not tell. */
  readonly lane?: number;
  readonly localAddress?: string;
  readonly channel: string;
  readonly uuid: string;
}

/** Who listens to a connection. Every call names the connection. */
export interface ConnectionListener {
  /** The peer's preamble is there: from now on records may be written. */
  onPreamble(from: LaneConnection): void;
  /**
   * A record that opened. A promise given back holds back the connection until it settles. Then, or at
   * once without one, the record's memory is freed.
   */
  onRecord(from: LaneConnection, plaintext: Buffer): Promise<void> | undefined;
  /** The peer, or the relay, has half-closed: nothing more comes. */
  onFin(from: LaneConnection): void;
  /** The connection is gone. */
  onLost(from: LaneConnection, error: CrocError): void;
  /**
   * The other side takes this for another connection of the lane than we do.
   * @param again - to it, it is not the first one
   */
  onMismatch(from: LaneConnection, again: boolean): void;
  /** The peer broke a rule; nothing it sends counts any more, but it can still be told. */
  onBroken(from: LaneConnection, error: CrocError): void;
}

/** What a connection is sealed with. */
export interface ConnectionKeys {
  readonly role: Role;
  readonly secrets: LaneSecrets;
  /** Of our direction, fresh. */
  readonly preamble: Preamble;
}

/** Opens a connection whose bytes go into the buffers of `onread`. The stream tells `connect`. */
export type Dial = (where: LaneAddress, onread: OnReadOpts) => Duplex;

/** Connects by TCP. */
export const dialTcp: Dial = (where, onread) =>
  connect({
    host: where.address,
    port: where.port,
    ...(where.localAddress === undefined ? {} : { localAddress: where.localAddress }),
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
    onread,
  });

type Phase = 'admission' | 'admitted' | 'preamble' | 'records' | 'broken' | 'over';

/** One connection of a lane. */
export class LaneConnection {
  readonly index: number;
  /** When bytes last came in, on the clock of `performance.now()`; now while we hold them back ourselves. */
  get lastHeardMs(): number {
    return this.#held > 0 ? performance.now() : this.#lastHeardMs;
  }
  /** When something was last sent. */
  lastSentMs = performance.now();
  /** How long it took to connect, milliseconds: a round trip, and the wait behind what was on its way. */
  connectMs = Infinity;

  readonly #socket: Duplex;
  readonly #admission: Admission;
  /** Resolves when we have said who we are: from now on `start` is of use. */
  readonly entered: Promise<void>;
  #admitted: Promise<void> = Promise.resolve();
  readonly #closed = deferred<undefined>();
  readonly #scratch = Buffer.allocUnsafeSlow(4096);
  #early: Buffer = Buffer.alloc(0);
  #phase: Phase = 'admission';
  #listener: ConnectionListener | undefined;
  #keys: ConnectionKeys | undefined;
  #sealer: Sealer | undefined;
  #opener: Opener | undefined;
  #lastHeardMs = performance.now();
  #held = 0;
  #fin = false;

  private constructor(where: LaneAddress, dial: Dial, entering: Promise<unknown>) {
    this.index = where.index;
    this.#admission = new Admission(where);
    this.#socket = dial(where, {
      buffer: () => this.#opener?.space() ?? this.#scratch,
      callback: (count, buffer) => this.#onBytes(count, buffer),
    });
    // While the peer's disk stalls, one sign of life after another may wait for room.
    this.#socket.setMaxListeners(0);
    const dialledMs = performance.now();
    const connected = new Promise<void>((resolve) => {
      this.#socket.once('connect', () => {
        this.connectMs = performance.now() - dialledMs;
        resolve();
      });
    });
    this.entered = Promise.all([connected, entering]).then(() => {
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
   * Begins to connect. Whoever calls this looks at `admitted`.
   *
   * @param timeoutMs - until the relay admits us, from when we may enter on
   * @param entering - resolves when we may say who we are
   */
  static dial(
    where: LaneAddress,
    timeoutMs: number,
    signal: AbortSignal,
    dial: Dial = dialTcp,
    entering: Promise<unknown> = Promise.resolve(),
  ): LaneConnection {
    const connection = new LaneConnection(where, dial, entering);
    connection.#admitted = connection.#admit(timeoutMs, signal, entering);
    return connection;
  }

  /**
   * Connects and waits until the relay admits us.
   *
   * @param timeoutMs - for that
   * @throws CrocError as `admitted`
   */
  static async open(
    where: LaneAddress,
    timeoutMs: number,
    signal: AbortSignal,
    dial: Dial = dialTcp,
  ): Promise<LaneConnection> {
    const connection = LaneConnection.dial(where, timeoutMs, signal, dial);
    await connection.admitted;
    return connection;
  }

  /**
   * Resolves when the relay has admitted us; else the connection is closed. Before that nobody else is told of its loss.
   *
   * Rejects with a CrocError: `relay_port_blocked`, `relay_silent`, `not_a_relay`, or what the relay answers.
   */
  get admitted(): Promise<void> {
    return this.#admitted;
  }

  async #admit(timeoutMs: number, signal: AbortSignal, entering: Promise<unknown>): Promise<void> {
    const admission = this.#admission;
    let timer: NodeJS.Timeout | undefined;
    void entering.then(() => {
      if (!admission.settled) timer = setTimeout(() => admission.timeOut(), timeoutMs);
    });
    const onAbort = (): void => admission.abort(signal);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await admission.answer;
    } catch (error) {
      this.destroy();
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

  /**
   * Sends our preamble and begins to read the peer's stream; the relay need not have admitted us yet. On the first
   * connection of a lane records may be written at once; on a later one only when the peer's preamble is there, which
   * the first record from it shows.
   */
  start(keys: ConnectionKeys, listener: ConnectionListener): void {
    this.#keys = keys;
    this.#listener = listener;
    if (this.#phase === 'admitted') this.#phase = 'preamble';
    const { role, secrets, preamble } = keys;
    if (!preamble.again)
      this.#sealer = new Sealer(laneKey(secrets, role, this.index, preamble.salt));
    if (this.#socket.destroyed) queueMicrotask(() => this.#lose(undefined));
    else if (this.#fin) queueMicrotask(() => this.#onFin());
    this.#socket.write(encodePreamble(preamble));
    const early = this.#early;
    this.#early = Buffer.alloc(0);
    if (early.length > 0) this.#guard(() => this.#take(early));
    this.#socket.resume();
  }

  /** Whether everything that was written has left for the kernel. */
  get drained(): boolean {
    return this.#socket.writableLength === 0;
  }

  /**
   * Seals one record and sends it; on a connection that is gone, into the void.
   *
   * @param parts - plaintext in pieces; free to be reused when this returns
   */
  write(parts: readonly Uint8Array[]): void {
    const socket = this.#socket;
    if (!this.#sealer || socket.destroyed || socket.writableEnded) return;
    this.lastSentMs = performance.now();
    socket.cork();
    for (const piece of this.#sealer.seal(parts)) socket.write(piece, () => release(piece));
    socket.uncork();
  }

  /** Undefined when there is room for more; else resolves when there is, or when the connection is gone. */
  room(): Promise<void> | undefined {
    const socket = this.#socket;
    if (socket.writableLength < HIGH_WATER_BYTES || socket.destroyed) return undefined;
    return new Promise((resolve) => {
      const settle = (): void => {
        socket.off('drain', settle);
        socket.off('close', settle);
        resolve();
      };
      socket.on('drain', settle);
      socket.on('close', settle);
    });
  }

  /** Half-closes: what was written still leaves. */
  finish(): void {
    if (!this.#socket.writableEnded) this.#socket.end();
  }

  /** Closes at once. Nobody is told of it as a loss. */
  destroy(): void {
    this.#listener = undefined;
    this.#phase = 'over';
    this.#socket.destroy();
  }

  /** Node asks for the next buffer right after this, so `buffer` may be older than the opener. */
  #onBytes(count: number, buffer: Uint8Array): boolean {
    this.#lastHeardMs = performance.now();
    if (this.#phase === 'broken' || this.#phase === 'over') return true;
    this.#guard(() => {
      if (buffer !== this.#scratch) this.#deliver(this.#opener?.filled(count) ?? []);
      else if (this.#opener) this.#deliver(this.#opener.push(buffer.subarray(0, count)));
      else this.#take(Buffer.from(buffer.subarray(0, count)));
    });
    return !(this.#held > 0 || this.#phase === 'admitted');
  }

  /** Takes bytes that come before the first record. */
  #take(bytes: Buffer): void {
    let stream: Buffer | undefined = bytes;
    if (this.#phase === 'admission') {
      stream = this.#admission.push(bytes);
      if (stream === undefined) return;
      this.#phase = this.#keys ? 'preamble' : 'admitted';
    }
    this.#early = Buffer.concat([this.#early, stream]);
    if (this.#phase !== 'preamble' || this.#early.length < PREAMBLE_BYTES || !this.#keys) return;
    const theirs = decodePreamble(this.#early.subarray(0, PREAMBLE_BYTES));
    const rest = this.#early.subarray(PREAMBLE_BYTES);
    this.#early = Buffer.alloc(0);
    if (theirs.again !== this.#keys.preamble.again) {
      this.#listener?.onMismatch(this, theirs.again);
      return;
    }
    this.#opener = new Opener(this.#agree(this.#keys, theirs.salt));
    this.#phase = 'records';
    this.#listener?.onPreamble(this);
    this.#deliver(this.#opener.push(rest));
  }

  /** The key of the peer's direction; on a later connection also ours, which takes both salts. */
  #agree({ role, secrets, preamble }: ConnectionKeys, theirs: Uint8Array): Uint8Array {
    const peer: Role = role === 'sender' ? 'recipient' : 'sender';
    if (!preamble.again) return laneKey(secrets, peer, this.index, theirs);
    const ours = preamble.salt;
    const writing = { writer: ours, reader: theirs };
    this.#sealer = new Sealer(laneKeyAgain(secrets, role, this.index, writing));
    return laneKeyAgain(secrets, peer, this.index, { writer: theirs, reader: ours });
  }

  #deliver(records: readonly Buffer[]): void {
    for (const record of records) {
      const wait = this.#listener?.onRecord(this, record);
      if (wait) this.#hold(wait.finally(() => release(record)));
      else release(record);
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
    this.#listener?.onBroken(this, error);
  }

  #onFin(): void {
    this.#fin = true;
    this.#admission.fail(new CrocError('connection_lost', { detail: `lane ${this.index}` }));
    if (this.#isOpen) this.#listener?.onFin(this);
  }

  /** Whether its end is for the listener to hear of: the relay has admitted us, and no rule was broken. */
  get #isOpen(): boolean {
    return this.#phase !== 'broken' && this.#phase !== 'admission';
  }

  /** The connection is gone. */
  #lose(cause: unknown): void {
    const error = new CrocError('connection_lost', { detail: `lane ${this.index}`, cause });
    this.#admission.fail(error);
    const listener = this.#listener;
    this.#listener = undefined;
    this.#socket.destroy();
    if (this.#isOpen) listener?.onLost(this, error);
  }
}
