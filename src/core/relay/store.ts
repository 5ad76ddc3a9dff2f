/**
 * Where channels are kept. The interface is what a store shared by several relays can hold to as
 * well (one atomic step a channel, notices of change, expiry); the store here is this process's
 * memory.
 */
import type { RandomBytes } from '../edges.js';
import { closed, TOMBSTONE_MS } from './channel.js';
import type { Channel, Home, OpenChannel, Outcome, Step } from './channel.js';
import { Counter } from './limits.js';

/** A pure step on one channel. It may be run again when another change came first. */
export type ChannelStep<T> = (channel: Channel | undefined) => Step<T>;

/** Why a store opens no further channel. */
export type Quota = 'relay' | 'address';

/** What came of opening a channel. */
export type Opened = Outcome<OpenChannel> | { readonly ok: false; readonly quota: Quota };

/**
 * Keeps channels. Where the store is elsewhere, every method may reject with a CrocError
 * `store_unreachable`: whether a step came to be is then not known, and it may be tried again.
 */
export interface ChannelStore {
  /**
   * Opens the channel `name`, or one under a free name when there is none given.
   * @param owner - address key that the channel counts for
   * @param step - opens it; gets what is there under that name, and the name
   */
  open(
    name: string | undefined,
    owner: string,
    step: (channel: Channel | undefined, name: string) => Step<OpenChannel>,
  ): Promise<Opened>;
  /** Runs a step on one channel, atomically, and keeps what comes out. */
  update<T>(name: string, step: ChannelStep<T>): Promise<Outcome<T>>;
  /** Says that data moved in these channels. */
  touch(names: readonly string[], nowMs: number): Promise<void>;
  /** Closes channels past their life and forgets old tombstones. */
  sweep(nowMs: number, life: ChannelLife): Promise<Swept>;
  /**
   * Calls `changed` after every change of version and at the end of the channel `name`, until the
   * function in the answer is called. May call it with what is already known, and with nothing when
   * the channel is not there any more.
   */
  watch(name: string, changed: (channel: Channel | undefined) => void): () => void;
  /** Says from now on that the process with these lanes is alive, until `close`. */
  announce(home: Home): Promise<void>;
  /** Tells whether the process with these lanes is alive, as far as is known. */
  lives(home: Home): Promise<boolean>;
  /** Whether the store can be reached at this moment. */
  readonly ready: boolean;
  /** Open channels. */
  count(): Promise<number>;
  /** Lets go of everything. */
  close(): Promise<void>;
}

/** How long a channel may live, milliseconds. */
export interface ChannelLife {
  /** Without a request or a byte. */
  readonly idleMs: number;
  /** In all. */
  readonly lifeMs: number;
}

/** How many channels a sweep closed, by the limit that they passed. */
export type Swept = Readonly<Record<keyof ChannelLife, number>>;

/** How many channels may be open. */
export interface StoreLimits {
  readonly channels: number;
  readonly channelsPerAddress: number;
}

/** Channels in this process's memory. */
export class MemoryStore implements ChannelStore {
  readonly ready = true;
  readonly #channels = new Map<string, Channel>();
  readonly #watchers = new Map<string, Set<(channel: Channel) => void>>();
  readonly #owners = new Counter();
  /** Decimal names in use, by number of digits. */
  readonly #names = new Counter();
  readonly #limits: StoreLimits;
  readonly #nameDigits: number;
  readonly #random: RandomBytes;

  /** @param nameDigits - fewest digits of a name that the store chooses */
  constructor(limits: StoreLimits, random: RandomBytes, nameDigits = 1) {
    this.#nameDigits = nameDigits;
    this.#limits = limits;
    this.#random = random;
  }

  open(
    name: string | undefined,
    owner: string,
    step: (channel: Channel | undefined, name: string) => Step<OpenChannel>,
  ): Promise<Opened> {
    const chosen = name ?? this.#freeName();
    const { outcome, next } = step(this.#channels.get(chosen), chosen);
    if (!outcome.ok || next === undefined) return Promise.resolve(outcome);
    if (this.#owners.total >= this.#limits.channels)
      return Promise.resolve({ ok: false, quota: 'relay' });
    if (this.#owners.of(owner) >= this.#limits.channelsPerAddress)
      return Promise.resolve({ ok: false, quota: 'address' });
    this.#put(chosen, next);
    return Promise.resolve(outcome);
  }

  update<T>(name: string, step: ChannelStep<T>): Promise<Outcome<T>> {
    const { outcome, next } = step(this.#channels.get(name));
    if (next !== undefined) this.#put(name, next);
    return Promise.resolve(outcome);
  }

  touch(names: readonly string[], nowMs: number): Promise<void> {
    for (const name of names) {
      const channel = this.#channels.get(name);
      if (channel?.status === 'open') this.#put(name, { ...channel, activeAtMs: nowMs });
    }
    return Promise.resolve();
  }

  sweep(nowMs: number, { idleMs, lifeMs }: ChannelLife): Promise<Swept> {
    const swept = { idleMs: 0, lifeMs: 0 };
    for (const [name, channel] of this.#channels) {
      if (channel.status === 'closed') {
        if (nowMs - channel.closedAtMs >= TOMBSTONE_MS) this.#forget(name);
      } else {
        const old = nowMs - channel.openedAtMs >= lifeMs;
        if (!old && nowMs - channel.activeAtMs < idleMs) continue;
        this.#put(name, closed(name, nowMs, old ? 'transfer_limit' : undefined));
        swept[old ? 'lifeMs' : 'idleMs'] += 1;
      }
    }
    return Promise.resolve(swept);
  }

  watch(name: string, changed: (channel: Channel) => void): () => void {
    const watchers = this.#watchers.get(name) ?? new Set();
    this.#watchers.set(name, watchers);
    watchers.add(changed);
    return () => {
      watchers.delete(changed);
      if (watchers.size === 0 && this.#watchers.get(name) === watchers) this.#watchers.delete(name);
    };
  }

  announce(): Promise<void> {
    return Promise.resolve();
  }

  /** Who asks is the only process there is. */
  lives(): Promise<boolean> {
    return Promise.resolve(true);
  }

  count(): Promise<number> {
    return Promise.resolve(this.#owners.total);
  }

  close(): Promise<void> {
    this.#channels.clear();
    this.#watchers.clear();
    this.#owners.clear();
    this.#names.clear();
    return Promise.resolve();
  }

  #put(name: string, next: Channel): void {
    const before = this.#channels.get(name);
    if (before === undefined && isDecimal(name)) this.#names.add(String(name.length));
    if (before?.status === 'open' && next.status === 'closed') this.#owners.remove(before.owner);
    if (before?.status !== 'open' && next.status === 'open') this.#owners.add(next.owner);
    this.#channels.set(name, next);
    if (!sameVersion(before, next)) {
      for (const changed of [...(this.#watchers.get(name) ?? [])]) changed(next);
    }
  }

  #forget(name: string): void {
    this.#channels.delete(name);
    if (isDecimal(name)) this.#names.remove(String(name.length));
  }

  #freeName(): string {
    for (;;) {
      const occupied = (digits: number): number => this.#names.of(String(digits));
      const name = drawName(this.#random, occupied, this.#nameDigits);
      if (!this.#channels.has(name)) return name;
    }
  }
}

/**
 * Draws a decimal name at random, with as few digits as keep the occupied share under a tenth. So a
 * draw meets a name in use less than once in ten, and a guessed name is mostly nobody's.
 * @param occupied - how many names of so many digits are in use
 * @param fewest - digits of a name at least
 */
export function drawName(
  random: RandomBytes,
  occupied: (digits: number) => number,
  fewest: number,
): string {
  let digits = fewest;
  while ((occupied(digits) + 1) * 10 >= 9 * 10 ** (digits - 1)) digits += 1;
  const first = 10 ** (digits - 1);
  return String(first + below(random, 9 * first));
}

/** A uniform integer in [0, bound), bound at most 2^32. */
function below(random: RandomBytes, bound: number): number {
  const limit = 2 ** 32 - (2 ** 32 % bound);
  for (;;) {
    const drawn = Buffer.from(random(4)).readUInt32BE();
    if (drawn < limit) return drawn % bound;
  }
}

/** Tells whether a name is one that `drawName` could draw. */
export function isDecimal(name: string): boolean {
  return /^[1-9][0-9]*$/.test(name);
}

/** Tells whether watchers need not hear of a change. */
export function sameVersion(before: Channel | undefined, next: Channel): boolean {
  if (before?.status !== 'open' || next.status !== 'open') return before?.status === next.status;
  return before.version === next.version;
}
