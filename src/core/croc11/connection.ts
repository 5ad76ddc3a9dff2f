/** One connection to a croc relay: the relay lets us into a room, then frames pass to and from the peer. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { abortReason, deferred } from '../async.js';
import type { Deferred } from '../async.js';
import type { RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import { CrocRelayExchange } from '../pake/crocRelay.js';
import { CrocFrameReader, encodeCrocFrame } from '../wire/crocFrame.js';
import { CROC_SALT_BYTES, crocRelayKey, openCroc, sealCroc } from '../wire/crocSeal.js';

/** Bytes of a frame, at most, as croc has it. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** Ports for data that we would use, at most. */
const MAX_DATA_PORTS = 16;
/** Whole frames that may wait for somebody to read them before the socket is paused. */
const MAX_QUEUED = 16;
/** Frames of the peer that may come before the relay's answer about the room. */
const MAX_EARLY = 4;
/** Bytes that may wait in the socket before `send` makes its caller wait. */
const HIGH_WATER_BYTES = 256 * 1024;

/** Where to connect, and as what. */
export interface CrocAddress {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
  /** The relay's password. */
  readonly password: string;
  readonly room: string;
  /** Connecting and being let in, milliseconds. */
  readonly timeoutMs: number;
}

/** A connection that is in its room. */
export class CrocConnection {
  /** The relay's ports for data, as it says them; the first 16. */
  ports: readonly number[] = [];
  /** Our address as the relay sees it. */
  ownAddress = '';
  readonly #socket: Socket;
  readonly #reader = new CrocFrameReader(MAX_BODY_BYTES);
  readonly #queue: Buffer[] = [];
  readonly #closed = deferred<undefined>();
  #wanted: Deferred<Buffer> | undefined;
  #over: CrocError | undefined;

  private constructor(where: CrocAddress) {
    const { host, port, localAddress } = where;
    const from = localAddress === undefined ? {} : { localAddress };
    this.#socket = connect({ host, port, ...from, noDelay: true });
    this.#socket.on('data', (bytes) => this.#onData(bytes));
    this.#socket.on('error', (cause) => this.fail(new CrocError('connection_lost', { cause })));
    this.#socket.on('close', () => {
      this.fail(new CrocError('connection_lost'));
      this.#closed.resolve(undefined);
    });
  }

  /**
   * Connects and enters the room.
   *
   * @throws CrocError `relay_unreachable`, `relay_silent`, `not_a_relay`, `relay_password` (a wrong one),
   *   `role_taken` (the room is full), `rate_limited`, or why `signal` fired
   */
  static async open(
    where: CrocAddress,
    random: RandomBytes,
    signal: AbortSignal,
  ): Promise<CrocConnection> {
    const connection = new CrocConnection(where);
    const timer = setTimeout(() => connection.fail(new CrocError('relay_silent')), where.timeoutMs);
    const onAbort = (): void => connection.fail(abortReason(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await connection.#enter(where, random);
      return connection;
    } catch (thrown) {
      connection.destroy();
      throw explained(CrocError.from(thrown), where);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Resolves when the socket is closed. */
  get closed(): Promise<undefined> {
    return this.#closed.promise;
  }

  /** The next body that is not one of the relay's signs of life. Ask again only when this has settled. */
  read(): Promise<Buffer> {
    const wanted = deferred<Buffer>();
    this.#wanted = wanted;
    this.#serve();
    return wanted.promise;
  }

  /** Sends one body; resolves when there is room for more. @throws CrocError `connection_lost` */
  async send(body: Uint8Array): Promise<void> {
    if (this.#over !== undefined) throw this.#over;
    const socket = this.#socket;
    socket.write(encodeCrocFrame(body));
    if (socket.writableLength < HIGH_WATER_BYTES) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (): void => {
        socket.off('drain', settle).off('close', settle);
        if (socket.destroyed) reject(this.#over ?? new CrocError('connection_lost'));
        else resolve();
      };
      socket.on('drain', settle).on('close', settle);
    });
  }

  /** Ends every wait with `error`; the first one counts. */
  fail(error: CrocError): void {
    this.#over ??= error;
    this.#serve();
  }

  /** Lets what was sent leave, and closes. */
  end(): void {
    this.#socket.end();
  }

  /** Closes at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  async #enter({ password, room }: CrocAddress, random: RandomBytes): Promise<void> {
    const exchange = new CrocRelayExchange(random);
    await this.send(exchange.message);
    const sessionKey = exchange.finish(await this.read());
    const salt = random(CROC_SALT_BYTES);
    await this.send(salt);
    const key = crocRelayKey(sessionKey, salt);
    const say = (text: string): Promise<void> =>
      this.send(sealCroc(key, Buffer.from(text), random));
    const hear = async (): Promise<string> => openCroc(key, await this.read()).toString();
    await say(password);
    const banner = await hear();
    const [ports = '', address] = banner.split('|||');
    if (address === undefined) throw new CrocError('relay_password');
    this.ownAddress = address;
    this.ports = ports
      .split(',')
      .filter((port) => /^\d{1,5}$/.test(port))
      .map(Number)
      .filter((port) => port > 0 && port < 65_536)
      .slice(0, MAX_DATA_PORTS);
    await say(room);
    const entry = await this.#entryAnswer(key);
    if (entry === 'ok') return;
    if (entry === 'room full') throw new CrocError('role_taken');
    throw new CrocError(entry === 'rate limited' ? 'rate_limited' : 'not_a_relay');
  }

  /**
   * The relay's answer about the room. croc's relay joins two clients before it tells the second one, so what
   * the first one has said already may come ahead of the answer; it is kept.
   */
  async #entryAnswer(key: Uint8Array): Promise<string> {
    const early: Buffer[] = [];
    while (early.length < MAX_EARLY) {
      const body = await this.read();
      try {
        const answer = openCroc(key, body).toString();
        this.#queue.unshift(...early);
        return answer;
      } catch {
        early.push(body);
      }
    }
    throw new CrocError('not_a_relay');
  }

  #onData(bytes: Buffer): void {
    this.#reader.push(bytes);
    try {
      for (let body = this.#reader.next(); body !== undefined; body = this.#reader.next()) {
        const isSignOfLife = body.length === 1 && body[0] === 1;
        if (!isSignOfLife) this.#queue.push(body);
      }
    } catch (error) {
      this.fail(CrocError.from(error));
    }
    if (this.#queue.length > MAX_QUEUED) this.#socket.pause();
    this.#serve();
  }

  #serve(): void {
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    const body = this.#queue.shift();
    if (body === undefined && this.#over === undefined) return;
    this.#wanted = undefined;
    if (body === undefined) wanted.reject(this.#over);
    else wanted.resolve(body);
    if (this.#queue.length === 0 && this.#socket.isPaused()) this.#socket.resume();
  }
}

/** What a failure on the way into a room means: before there is a peer it is about the relay. */
function explained(error: CrocError, { host, port }: CrocAddress): CrocError {
  const detail = `${host}:${port}`;
  switch (error.code) {
    case 'connection_lost':
      return new CrocError('relay_unreachable', { detail, cause: error });
    case 'relay_silent':
      return new CrocError('relay_silent', { detail });
    case 'protocol_error':
    case 'key_exchange_failed':
    case 'tampered':
      return new CrocError('not_a_relay', { detail, cause: error });
    default:
      return error;
  }
}
