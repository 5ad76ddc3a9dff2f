/** How many bytes a second the way to the recipient carries, as far as what was sent over it shows that. */

/** Over how long is measured, milliseconds. */
const WINDOW_MS = 250;
/** A record that takes this much longer than the quickest one has waited on the way, milliseconds. */
const QUEUED_MS = 200;
/** What the first record that arrived shows at least, as a factor: it was alone on its way. */
const FIRST_GROWTH = 4;
/** So much more is thought possible after each window in which the way was not what held us up. */
const GROWTH = 1.5;

/**
 * Measures by what the recipient confirms. Only when the way is what holds us up does its rate show; otherwise it is
 * taken for faster and faster, until it shows or nobody cares any more.
 */
export class LinkRate {
  readonly #nowMs: () => number;
  #bytesPerSecond: number | undefined;
  #onTheirWay = 0;
  #quickestMs = Infinity;
  #sinceMs = 0;
  #bytes = 0;
  #workedMs = 0;
  #waitedMs = 0;

  /** @param nowMs - the clock */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Bytes a second; undefined until the first record has arrived. */
  get bytesPerSecond(): number | undefined {
    return this.#bytesPerSecond;
  }

  /** Notes that a record is written. @returns to be called when the recipient has it */
  sent(bytes: number): () => void {
    const sentMs = this.#nowMs();
    if (this.#onTheirWay === 0) this.#begin(sentMs);
    this.#onTheirWay += 1;
    return () => {
      this.#onTheirWay -= 1;
      this.#bytes += bytes;
      this.#arrived(this.#nowMs() - sentMs);
    };
  }

  /** Notes how long making a record took, and how long it then waited for room in its socket. Milliseconds. */
  spent(workedMs: number, waitedMs: number): void {
    this.#workedMs += workedMs;
    this.#waitedMs += waitedMs;
  }

  #arrived(tookMs: number): void {
    this.#quickestMs = Math.min(this.#quickestMs, tookMs);
    const nowMs = this.#nowMs();
    const spanMs = Math.max(1, nowMs - this.#sinceMs);
    const known = this.#bytesPerSecond;
    if (known !== undefined && spanMs < WINDOW_MS) return;
    const seen = (this.#bytes * 1000) / spanMs;
    const queued = tookMs - this.#quickestMs > QUEUED_MS;
    if (queued || this.#waitedMs > this.#workedMs)
      this.#bytesPerSecond = known === undefined ? seen : (known + seen) / 2;
    else
      this.#bytesPerSecond =
        known === undefined ? FIRST_GROWTH * seen : GROWTH * Math.max(known, seen);
    this.#begin(nowMs);
  }

  #begin(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#bytes = 0;
    this.#workedMs = 0;
    this.#waitedMs = 0;
  }
}
