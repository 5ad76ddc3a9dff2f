/** Every open socket of a relay, counted against its limits. */
import type { Socket } from 'node:net';
import type { AddressResolver } from './address.js';
import { addressKey } from './address.js';
import type { RelayEvent } from './events.js';
import { Counter } from './limits.js';
import type { RelayLimits } from './limits.js';
import type { Refusal } from './answers.js';

/** When to come back after a limit on sockets, seconds. */
const RETRY_SECONDS = 10;
/** Sockets above the limit that are still told why; further ones are cut without a word. */
const MAX_REFUSED = 64;

/** Counts sockets, and can close them all. */
export class Sockets {
  readonly #open = new Set<Socket>();
  readonly #refused = new Set<Socket>();
  readonly #addresses = new Counter();
  readonly #limits: RelayLimits;
  readonly #resolver: AddressResolver;
  readonly #onEvent: (event: RelayEvent) => void;

  /** @param onEvent - told of sockets that are cut without a word */
  constructor(
    limits: RelayLimits,
    resolver: AddressResolver,
    onEvent: (event: RelayEvent) => void = () => undefined,
  ) {
    this.#limits = limits;
    this.#resolver = resolver;
    this.#onEvent = onEvent;
  }

  /**
   * Takes a socket in.
   * @returns nothing when it is within the limits, else what to tell it; or `cut` when it was
   *   destroyed, because too many have to be told already or its peer has gone
   */
  admit(socket: Socket): Refusal | 'cut' | undefined {
    socket.on('error', ignore); // what is wrong shows in `close`
    const peer = socket.remoteAddress;
    const key = peer === undefined ? undefined : addressKey(peer);
    if (peer === undefined || key === undefined) return cut(socket);
    const over = this.#overLimit(peer, key);
    if (over === undefined) {
      this.#open.add(socket);
      this.#addresses.add(key);
      socket.once('close', () => {
        this.#open.delete(socket);
        this.#addresses.remove(key);
      });
      return undefined;
    }
    if (this.#refused.size >= MAX_REFUSED) {
      this.#onEvent({ kind: 'limited', limit: over });
      return cut(socket);
    }
    this.#refused.add(socket);
    socket.once('close', () => this.#refused.delete(socket));
    const code = over === 'sockets' ? 'relay_full' : 'rate_limited';
    return { ok: false, code, retryAfterSeconds: RETRY_SECONDS, limit: over };
  }

  /** Sockets that are open. */
  get open(): number {
    return this.#open.size;
  }

  /** Bytes that wait for peers to read them. */
  get bufferedBytes(): number {
    let bytes = 0;
    for (const socket of this.#open) bytes += socket.writableLength;
    return bytes;
  }

  /** Destroys all of them. */
  close(): void {
    for (const socket of [...this.#open, ...this.#refused]) socket.destroy();
  }

  #overLimit(peer: string, key: string): 'sockets' | 'socketsPerAddress' | undefined {
    if (this.#open.size >= this.#limits.sockets) return 'sockets';
    const many = this.#addresses.of(key) >= this.#limits.socketsPerAddress;
    return many && !this.#resolver.isProxy(peer) ? 'socketsPerAddress' : undefined;
  }
}

function cut(socket: Socket): 'cut' {
  socket.destroy();
  return 'cut';
}

function ignore(): void {
  // An error is always followed by `close`.
}
