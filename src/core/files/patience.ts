/** When a call to the disk may block its thread. */

/** A call that took longer found no memory but a disk, a full cache or a network. Milliseconds. */
const SLOW_MS = 5;
/** After such a call the next ones go to the background, for so long. Milliseconds. */
const WARY_MS = 500;
/** What a flush takes where there is nothing to be flushed to, as in memory. Milliseconds. */
const QUICK_FLUSH_MS = 0.2;
/** For so many times as long as a slow flush took no other one blocks: 1 % of the time. */
const FLUSH_WARY_TIMES = 100;

/**
 * Reading and writing the system's cache is quicker than any way to another thread and back, and the
 * bytes stay in this processor's cache. So calls block while they are quick, and go to the background
 * while the disk is slow.
 */
export class Patience {
  readonly #slowMs: number;
  readonly #waryMs: (tookMs: number) => number;
  #waryUntilMs = 0;

  /**
   * @param slowMs - a call that takes longer is slow
   * @param waryMs - how long none may block after a call that took so long
   */
  constructor(slowMs = SLOW_MS, waryMs: (tookMs: number) => number = () => WARY_MS) {
    this.#slowMs = slowMs;
    this.#waryMs = waryMs;
  }

  /** For flushes: a disk that has something to do is better asked for several at a time. */
  static forFlushes(): Patience {
    return new Patience(QUICK_FLUSH_MS, (tookMs) => FLUSH_WARY_TIMES * tookMs);
  }

  /** Whether the next call may block. */
  get mayBlock(): boolean {
    return performance.now() >= this.#waryUntilMs;
  }

  /** Makes a blocking call and remembers whether it was quick. */
  block<T>(call: () => T): T {
    const startedMs = performance.now();
    try {
      return call();
    } finally {
      const endedMs = performance.now();
      const tookMs = endedMs - startedMs;
      if (tookMs > this.#slowMs) this.#waryUntilMs = endedMs + this.#waryMs(tookMs);
    }
  }
}
