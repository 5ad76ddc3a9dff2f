/** What a relay allows, and the counters that hold it to that. */

import { MAX_REQUEST_BYTES } from '../wire/http.js';

/** Every limit of a relay. Each has a default and becomes an operator's setting. */
export interface RelayLimits {
  /** Channels at once, in all. Above: `relay_full`. */
  readonly channels: number;
  /** Channels at once that one address opened. Above: `rate_limited`. */
  readonly channelsPerAddress: number;
  /** Joins a minute from one address, refused ones too. Above: `rate_limited`. */
  readonly joinsPerMinute: number;
  /** Joins a minute into one channel. Above: `rate_limited`. */
  readonly joinsPerMinutePerChannel: number;
  /** Wrong channels, codes and passwords of one address that are free; each one more doubles a wait. */
  readonly failedJoins: number;
  /** The longest wait after a wrong channel, code or password, milliseconds. */
  readonly failedJoinMs: number;
  /** Sockets at once on all ports. Above: `relay_full`. */
  readonly sockets: number;
  /** Sockets at once from one address, listed proxies excepted. Above: `rate_limited`. */
  readonly socketsPerAddress: number;
  /** Requests that one party may have held at once; one more answers the oldest. */
  readonly heldPerParty: number;
  /** How long a request with `since` is held, milliseconds. */
  readonly holdMs: number;
  /** How long a lane may take for its first line, milliseconds. */
  readonly identifyMs: number;
  /** How long an HTTP request's head may take, milliseconds. */
  readonly headMs: number;
  /** How long a whole HTTP request may take to arrive, milliseconds. */
  readonly requestMs: number;
  /** How long an HTTP connection stays open between two requests, milliseconds. */
  readonly keepAliveMs: number;
  /** Bytes of an HTTP request's body. Above: `too_large`. */
  readonly requestBytes: number;
  /** How long a channel lives without a request or a byte, milliseconds. */
  readonly idleMs: number;
  /** How long a channel lives at most, data or no data, milliseconds. */
  readonly lifeMs: number;
  /** How often idle channels are looked for, milliseconds. */
  readonly sweepMs: number;
  /** Bytes that may pass in one channel; 0: any number. Above: the channel ends, `transfer_limit`. */
  readonly bytesPerChannel: number;
  /** Bytes a second that may pass in one channel; 0: any number. Above: its lanes are read later. */
  readonly bytesPerSecond: number;
  /** Memory in use above which no channel is opened, bytes: `relay_full`. */
  readonly memoryBytes: number;
  /** What a lane buffers in each direction before it stops reading, bytes. */
  readonly laneBufferBytes: number;
  /** Rooms in which a croc client waits for its peer; for one more the oldest is closed. */
  readonly crocRooms: number;
  /** How long a croc client may wait in a room, milliseconds. */
  readonly crocWaitMs: number;
  /** Joins of croc clients a minute from one address, and into one room. */
  readonly crocJoinsPerMinute: number;
  /** Croc clients that introduce themselves at the same time; further ones are cut. */
  readonly crocPending: number;
}

/** Those that set a pace or a size, which nobody runs into: gauges tell what comes of them. */
export const PACES = ['failedJoinMs', 'holdMs', 'sweepMs', 'laneBufferBytes'] as const;
/** Those whose every excess is told, and counted in the metrics. */
export type CountedLimit = Exclude<keyof RelayLimits, (typeof PACES)[number]>;

/** The limits of a relay for a team on one network. */
export const DEFAULT_LIMITS: RelayLimits = {
  channels: 10_000,
  channelsPerAddress: 256,
  joinsPerMinute: 600,
  joinsPerMinutePerChannel: 60,
  failedJoins: 20,
  failedJoinMs: 300_000,
  sockets: 20_000,
  socketsPerAddress: 4096,
  heldPerParty: 4,
  holdMs: 25_000,
  identifyMs: 10_000,
  headMs: 10_000,
  requestMs: 20_000,
  keepAliveMs: 60_000,
  requestBytes: MAX_REQUEST_BYTES,
  idleMs: 600_000,
  lifeMs: 86_400_000,
  sweepMs: 15_000,
  bytesPerChannel: 0,
  bytesPerSecond: 0,
  memoryBytes: 1024 * 1024 * 1024,
  laneBufferBytes: 128 * 1024,
  crocRooms: 128,
  crocWaitMs: 3 * 60 * 60 * 1000,
  crocJoinsPerMinute: 30,
  crocPending: 64,
};

/** Addresses whose rate is remembered; the ones unseen for longest are forgotten first. */
const MAX_REMEMBERED = 100_000;
const MINUTE_MS = 60_000;

/** Lets each key do something so many times a minute (a token bucket of a minute's worth). */
export class RateLimiter {
  readonly #perMinute: number;
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();

  /** @param perMinute - at least 1 */
  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** Takes one token of `key`; answers after how many whole seconds there is one if there is none. */
  take(key: string, nowMs: number): number | undefined {
    const old = this.#buckets.get(key);
    const perMs = this.#perMinute / MINUTE_MS;
    const tokens =
      old === undefined
        ? this.#perMinute
        : Math.min(this.#perMinute, old.tokens + (nowMs - old.atMs) * perMs);
    const wait = tokens < 1 ? Math.max(1, Math.ceil((1 - tokens) / perMs / 1000)) : undefined;
    this.#buckets.delete(key); // set again below, so that the map stays ordered by last use
    if (this.#buckets.size >= MAX_REMEMBERED) this.#forgetOldest();
    this.#buckets.set(key, { tokens: wait === undefined ? tokens - 1 : tokens, atMs: nowMs });
    return wait;
  }

  /** Forgets keys that were quiet for a minute; their bucket is full again anyway. */
  sweep(nowMs: number): void {
    for (const [key, { atMs }] of this.#buckets) {
      if (nowMs - atMs < MINUTE_MS) return;
      this.#buckets.delete(key);
    }
  }

  /** Keys remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  #forgetOldest(): void {
    const oldest = this.#buckets.keys().next();
    if (oldest.done !== true) this.#buckets.delete(oldest.value);
  }
}

/** Counts things per key and forgets keys that have none. */
export class Counter {
  readonly #counts = new Map<string, number>();
  #total = 0;

  /** All things of all keys. */
  get total(): number {
    return this.#total;
  }

  /** The things of `key`. */
  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** Counts one more of `key`. */
  add(key: string): void {
    this.#counts.set(key, this.of(key) + 1);
    this.#total += 1;
  }

  /** Counts one less of `key`. */
  remove(key: string): void {
    const left = this.of(key) - 1;
    if (left > 0) this.#counts.set(key, left);
    else this.#counts.delete(key);
    this.#total -= 1;
  }

  /** Forgets everything. */
  clear(): void {
    this.#counts.clear();
    this.#total = 0;
  }
}
