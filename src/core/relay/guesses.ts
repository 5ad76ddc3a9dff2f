/** Makes guessing of channel names, codes and passwords slower the longer an address goes on. */

/** Failures of an address are forgotten at one in so many milliseconds. */
const FORGET_MS = 60_000;
/** The first wait, milliseconds; each further failure doubles it. */
const FIRST_WAIT_MS = 1000;
/** Addresses that are remembered; the ones that failed longest ago are forgotten first. */
const MAX_REMEMBERED = 100_000;

interface Record {
  /** Failures, less what was forgotten since; a fraction. */
  readonly failures: number;
  readonly atMs: number;
  /** No further attempt before. */
  readonly untilMs: number;
}

/** What guessing costs. */
export interface GuessLimits {
  /** Failures that are free; mistyping is no crime. */
  readonly failedJoins: number;
  /** The longest wait, milliseconds. */
  readonly failedJoinMs: number;
}

/** Counts failures per address. */
export class Guesses {
  readonly #limits: GuessLimits;
  readonly #records = new Map<string, Record>();

  constructor(limits: GuessLimits) {
    this.#limits = limits;
  }

  /** After how many whole seconds the address may try again; nothing when it may now. */
  wait(address: string, nowMs: number): number | undefined {
    const untilMs = this.#records.get(address)?.untilMs ?? 0;
    return untilMs > nowMs ? Math.ceil((untilMs - nowMs) / 1000) : undefined;
  }

  /** An address failed. @param weight - as how many failures it counts */
  failed(address: string, nowMs: number, weight = 1): void {
    const failures = this.#left(address, nowMs) + weight;
    const over = Math.ceil(failures - this.#limits.failedJoins);
    const waitMs =
      over <= 0 ? 0 : Math.min(this.#limits.failedJoinMs, FIRST_WAIT_MS * 2 ** (over - 1));
    this.#records.delete(address); // set again below, so that the map stays ordered by last failure
    if (this.#records.size >= MAX_REMEMBERED) this.#forgetOldest();
    this.#records.set(address, { failures, atMs: nowMs, untilMs: nowMs + waitMs });
  }

  /** Forgets addresses whose failures are all forgotten. */
  sweep(nowMs: number): void {
    for (const [address, { untilMs }] of this.#records) {
      if (untilMs <= nowMs && this.#left(address, nowMs) === 0) this.#records.delete(address);
    }
  }

  /** Addresses remembered. */
  get size(): number {
    return this.#records.size;
  }

  #left(address: string, nowMs: number): number {
    const record = this.#records.get(address);
    if (record === undefined) return 0;
    return Math.max(0, record.failures - (nowMs - record.atMs) / FORGET_MS);
  }

  #forgetOldest(): void {
    const oldest = this.#records.keys().next();
    if (oldest.done !== true) this.#records.delete(oldest.value);
  }
}
