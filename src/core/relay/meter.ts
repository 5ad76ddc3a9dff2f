/** What passes in one channel, held to its limits on bytes and rate. */
import type { Clock } from '../edges.js';
import type { RelayLimits } from './limits.js';
import type { ChannelStore } from './store.js';

/** Who is told of what a meter finds, once each. */
interface MeterNotices {
  /** More has passed than may in one channel. */
  readonly over: () => void;
  /** More wants to pass in a second than may. */
  readonly slow: () => void;
}

/** Counts the bytes of one channel, on all its lanes and both ways. */
export class Meter {
  readonly #clock: Clock;
  readonly #limits: Pick<RelayLimits, 'bytesPerChannel' | 'bytesPerSecond'>;
  readonly #on: MeterNotices;
  /** Bytes that may pass at once: a second's worth at most, negative when too many did. */
  #tokens: number;
  #atMs: number;
  #bytes = 0;
  #over = false;
  #slow = false;

  constructor(
    clock: Clock,
    limits: Pick<RelayLimits, 'bytesPerChannel' | 'bytesPerSecond'>,
    on: MeterNotices,
  ) {
    this.#clock = clock;
    this.#limits = limits;
    this.#on = on;
    this.#tokens = limits.bytesPerSecond;
    this.#atMs = clock.now();
  }

  /** Bytes passed. @returns for how long whoever sent them is not read, milliseconds */
  passed(bytes: number): number {
    const { bytesPerChannel, bytesPerSecond } = this.#limits;
    this.#bytes += bytes;
    if (bytesPerChannel > 0 && this.#bytes > bytesPerChannel && !this.#over) {
      this.#over = true;
      this.#on.over();
    }
    if (bytesPerSecond === 0) return 0;
    const nowMs = this.#clock.now();
    const earned = (Math.max(0, nowMs - this.#atMs) * bytesPerSecond) / 1000;
    this.#tokens = Math.min(bytesPerSecond, this.#tokens + earned) - bytes;
    this.#atMs = nowMs;
    if (this.#tokens >= 0) return 0;
    if (!this.#slow) this.#on.slow();
    this.#slow = true;
    return Math.ceil((-this.#tokens * 1000) / bytesPerSecond);
  }

  /** Calls back after a wait that `passed` gave. @returns a function that forgets it */
  after(waitMs: number, then: () => void): () => void {
    return this.#clock.after(waitMs, then);
  }
}

/** What meters need. */
export interface MetersParts {
  readonly store: ChannelStore;
  readonly clock: Clock;
  readonly limits: RelayLimits;
  /** A channel let more through than it may. */
  readonly onOver: (name: string) => void;
  /** A channel is held to its rate. */
  readonly onSlow: () => void;
}

/** The meters of all channels: each lives as long as its channel, however often its lanes come anew. */
export class Meters {
  readonly #parts: MetersParts;
  readonly #meters = new Map<string, Meter>();

  constructor(parts: MetersParts) {
    this.#parts = parts;
  }

  /** The meter of a channel that is open; none when nothing is limited. */
  of(name: string): Meter | undefined {
    const { store, clock, limits, onOver, onSlow } = this.#parts;
    if (limits.bytesPerChannel === 0 && limits.bytesPerSecond === 0) return undefined;
    const known = this.#meters.get(name);
    if (known !== undefined) return known;
    const meter = new Meter(clock, limits, { over: () => onOver(name), slow: onSlow });
    this.#meters.set(name, meter);
    const unwatch = store.watch(name, (channel) => {
      if (channel?.status === 'open') return;
      unwatch();
      this.#meters.delete(name);
    });
    return meter;
  }
}
