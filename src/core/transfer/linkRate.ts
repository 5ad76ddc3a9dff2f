/** How many bytes a second the way to the recipient carries, as far as what was sent over it shows that. */
import { deferred } from '../async.js';

/** Over how long is measured, milliseconds. */
const WINDOW_MS = 250;
/** A record that takes this much longer than the quickest one has waited on the way, milliseconds. */
const QUEUED_MS = 200;
/** Within this time a record of any size says that the way is fast; later it may just have been a short one, milliseconds. */
const SOON_MS = 25;
/** So much more is thought possible after each window in which the way was not what held us up. */
const GROWTH = 1.5;

/**
 * Measures by what the recipient confirms. Only when the way is what holds us up does its rate show; otherwise it is
 * taken for faster and faster, until it shows or nobody cares any more.
 */
export class LinkRate {
  readonly #nowMs: () => number;
  #bytesPerSecond: number | undefined;
  readonly #first = deferred<undefined>();
  #onTheirWay = 0;
  #quickestMs = 0;
  #sinceMs = 0;
  #bytes = 0;
  #workedMs = 0;
  #waitedMs = 0;

  /** @param nowMs - the clock */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Bytes a second; undefined until the first record has arrived, Infinity while the way never held us up. */
  get bytesPerSecond(): number | undefined {
    return this.#bytesPerSecond;
  }

  /** Records that the recipient has not confirmed. */
  get onTheirWay(): number {
    return this.#onTheirWay;
  }

  /** Resolves when the first record has arrived, and with that something is known. */
  get first(): Promise<undefined> {
    return this.#first.promise;
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
    const nowMs = this.#nowMs();
    const spanMs = Math.max(1, nowMs - this.#sinceMs);
    const known = this.#bytesPerSecond;
    const queued = tookMs - this.#quickestMs > QUEUED_MS;
    this.#quickestMs = known === undefined ? tookMs : Math.min(this.#quickestMs, tookMs);
    if (known !== undefined && spanMs < WINDOW_MS) return;
    const seen = (this.#bytes * 1000) / spanMs;
    const limited = queued || this.#waitedMs > this.#workedMs;
    if (!limited)
      this.#bytesPerSecond =
        known === undefined && tookMs <= SOON_MS ? Infinity : GROWTH * Math.max(known ?? 0, seen);
    else if (known === undefined || known === Infinity) this.#bytesPerSecond = seen;
    else this.#bytesPerSecond = (known + seen) / 2;
    this.#first.resolve(undefined);
    this.#begin(nowMs);
  }

  #begin(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#bytes = 0;
    this.#workedMs = 0;
    this.#waitedMs = 0;
  }
}
