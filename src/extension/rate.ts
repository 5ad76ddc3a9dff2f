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

/**
 * The rate over the whole transfer in a few points, for a graph: when there are too many, two and two
 * become one, so it always spans from the start to now.
 */
export class RateHistory {
  readonly #most: number;
  #stepMs: number;
  #points: number[] = [];
  #last: { readonly atMs: number; readonly bytes: number } | undefined;

  /** @param stepMs - time of one point at first @param most - points, an even number */
  constructor(stepMs = 500, most = 60) {
    this.#stepMs = stepMs;
    this.#most = most;
  }

  /** @param atMs - a clock that never goes back @param bytes - how many have passed in all */
  add(atMs: number, bytes: number): void {
    this.#last ??= { atMs, bytes };
    const spanMs = atMs - this.#last.atMs;
    if (spanMs < this.#stepMs) return;
    const rate = ((bytes - this.#last.bytes) / spanMs) * 1000;
    this.#last = { atMs, bytes };
    // A pause is as long in the picture as it was.
    const steps = Math.min(this.#most, Math.floor(spanMs / this.#stepMs));
    for (let step = 0; step < steps; step += 1) this.#push(rate);
  }

  /** Bytes a second, oldest first. */
  get points(): readonly number[] {
    return this.#points;
  }

  #push(rate: number): void {
    this.#points.push(rate);
    if (this.#points.length < this.#most) return;
    this.#points = Array.from({ length: this.#most / 2 }, (_, index) => {
      const [one = 0, other = 0] = this.#points.slice(index * 2, index * 2 + 2);
      return (one + other) / 2;
    });
    this.#stepMs *= 2;
  }
}
