/**
 * How much goes onto a lane before the recipient has said that it came. Sockets take many MiB that a slow link carries
 * away over seconds. What they have cannot go to another lane any more, and at the end all would wait for the lane
 * that happens to be the slowest.
 */
import { deferred } from '../async.js';
import type { Deferred } from '../async.js';
import { MAX_PAYLOAD_BYTES } from '../wire/limits.js';
import type { LinkRate } from './linkRate.js';
import type { Processors } from './processors.js';

/** A lane gets what it carries in this time and two round trips, milliseconds. */
const AHEAD_MS = 400;
const ROUND_TRIPS = 2;
/** At least so much, bytes. */
export const LEAST_AHEAD_BYTES = 128 * 1024;
/** So much while nothing is known of any lane, bytes. */
export const FIRST_AHEAD_BYTES = 1024 * 1024;
/** In so many records, so that all lanes have something to do until the end. */
const RECORDS_AHEAD = 4;
/**
 * What gets smaller than that by compression is not bounded: long records get smaller still, and making them takes as long
 * as sending them, so that it is good to have some.
 */
const WELL_COMPRESSED = 0.6;
/** Smaller records cost more than they spread, bytes. */
const LEAST_RECORD_BYTES = 64 * 1024;
/** Over how long a lane is measured, milliseconds. */
const WINDOW_MS = 250;
/** What is left of the highest rate after each further window: it should not fall because little was sent. */
const DECAY = 0.8;

/** Bounds what is on its way on one lane. */
export class Ahead {
  readonly #link: LinkRate;
  readonly #quickestMs: () => number;
  readonly #processors: Pick<Processors, 'busy'>;
  readonly #firstBytes: number;
  readonly #nowMs: () => number;
  #bytesPerSecond: number | undefined;
  #onTheirWay = 0;
  #sinceMs = 0;
  #arrivedBytes = 0;
  #waiting: Deferred<undefined> | undefined;
  /** What part of the plaintext was sent, of the last records: less than 1 where they are compressed. */
  #shrinks: number | undefined;

  /**
   * @param link - what is known of all lanes together; all their records are counted there
   * @param quickestMs - the least time in which anything was confirmed; Infinity while nothing was
   * @param processors - while they are busy, it is they that hold us up; short records would cost more of them
   * @param firstBytes - what the lane gets while nothing is known of it
   * @param nowMs - the clock
   */
  constructor(
    link: LinkRate,
    quickestMs: () => number,
    processors: Pick<Processors, 'busy'>,
    firstBytes = FIRST_AHEAD_BYTES,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#link = link;
    this.#quickestMs = quickestMs;
    this.#processors = processors;
    this.#firstBytes = firstBytes;
    this.#nowMs = nowMs;
  }

  /** Bytes of the next record's plaintext, at most. */
  get recordBytes(): number {
    const bytes = this.#limitBytes() / RECORDS_AHEAD;
    return Math.floor(Math.min(MAX_PAYLOAD_BYTES, Math.max(LEAST_RECORD_BYTES, bytes)));
  }

  /** Undefined when the lane may have another record; else resolves when to ask again. */
  room(): Promise<undefined> | undefined {
    if (this.#onTheirWay < this.#limitBytes()) return undefined;
    this.#waiting ??= deferred();
    return this.#waiting.promise;
  }

  /**
   * Notes that a record goes onto the lane.
   *
   * @param bytes - of its plaintext
   * @param sentBytes - what they are on the lane
   * @returns to be called when the recipient has it
   */
  sent(bytes: number, sentBytes: number): () => void {
    if (bytes > 0) {
      const shrinks = sentBytes / bytes;
      this.#shrinks = (3 * (this.#shrinks ?? shrinks) + shrinks) / 4;
    }
    if (this.#onTheirWay === 0) this.#begin();
    this.#onTheirWay += sentBytes;
    const arrived = this.#link.sent(sentBytes);
    return () => {
      arrived();
      this.#onTheirWay -= sentBytes;
      this.#arrived(sentBytes);
      this.#waiting?.resolve(undefined);
      this.#waiting = undefined;
    };
  }

  #arrived(bytes: number): void {
    this.#arrivedBytes += bytes;
    const spanMs = this.#nowMs() - this.#sinceMs;
    if (spanMs < WINDOW_MS) return;
    const seen = (this.#arrivedBytes * 1000) / spanMs;
    this.#bytesPerSecond = Math.max(seen, (this.#bytesPerSecond ?? 0) * DECAY);
    this.#begin();
  }

  #begin(): void {
    this.#sinceMs = this.#nowMs();
    this.#arrivedBytes = 0;
  }

  #limitBytes(): number {
    const compressed = this.#shrinks !== undefined && this.#shrinks < WELL_COMPRESSED;
    const linkHoldsUsUp = this.#link.bytesPerSecond !== Infinity && !this.#processors.busy;
    if (compressed || !linkHoldsUsUp) return Infinity;
    if (this.#bytesPerSecond === undefined) return this.#firstBytes;
    const roundTripMs = this.#quickestMs();
    const ms = AHEAD_MS + (Number.isFinite(roundTripMs) ? ROUND_TRIPS * roundTripMs : 0);
    return Math.max(LEAST_AHEAD_BYTES, (this.#bytesPerSecond * ms) / 1000);
  }
}
