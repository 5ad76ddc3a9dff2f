/** How fast bytes pass, over the last seconds. Pure: times come in. */

/** A meter over a sliding window. */
export class RateMeter {
  readonly #windowMs: number;
  #samples: { readonly atMs: number; readonly bytes: number }[] = [];

  /** @param windowMs - how far back it looks; default five seconds, calm enough to read */
  constructor(windowMs = 5000) {
    this.#windowMs = windowMs;
  }

  /** @param atMs - a clock that never goes back @param bytes - how many have passed in all */
  add(atMs: number, bytes: number): void {
    this.#samples.push({ atMs, bytes });
    // One sample older than the window stays, so that the window is always spanned.
    const keep = this.#samples.findLastIndex((sample) => sample.atMs <= atMs - this.#windowMs);
    if (keep > 0) this.#samples = this.#samples.slice(keep);
  }

  /** @returns bytes a second, or undefined while half a second has not been seen yet */
  get bytesPerSecond(): number | undefined {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined) return undefined;
    const spanMs = last.atMs - first.atMs;
    if (spanMs < 500) return undefined;
    return ((last.bytes - first.bytes) / spanMs) * 1000;
  }

  /** @param missing - bytes still to come @returns seconds, or undefined when nobody can say */
  secondsLeft(missing: number): number | undefined {
    const rate = this.bytesPerSecond;
    return rate === undefined || rate <= 0 ? undefined : missing / rate;
  }
}
