/** When a call to the disk may block its thread. */

/** A call that took longer found no memory but a disk, a full cache or a network. Milliseconds. */
const SLOW_MS = 5;
/** After such a call the next ones go to the background, for so long. Milliseconds. */
const WARY_MS = 500;

/**
 * Reading and writing the system's cache is quicker than any way to another thread and back, and the
 * bytes stay in this processor's cache. So calls block while they are quick, and go to the background
 * while the disk is slow.
 */
export class Patience {
  #waryUntilMs = 0;

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
      if (endedMs - startedMs > SLOW_MS) this.#waryUntilMs = endedMs + WARY_MS;
    }
  }
}
