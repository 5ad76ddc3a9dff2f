/** A limit on the rate of a transfer. */
import { MAX_PAYLOAD_BYTES } from '../wire/limits.js';

/** Pieces a second, so that no lane sends more than that part of a second's worth at once. */
const PIECES_PER_SECOND = 16;
/** Smaller pieces cost more than they smooth, bytes. */
const LEAST_BYTES = 4096;

/** Says when bytes may pass so that they come at a steady rate: what was not used before is not made up for. */
export class Budget {
  readonly #bytesPerSecond: number;
  readonly #nowMs: () => number;
  #freeAtMs = -Infinity;

  /** @param bytesPerSecond - at least 1 @param nowMs - the clock */
  constructor(bytesPerSecond: number, nowMs: () => number = () => performance.now()) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#nowMs = nowMs;
  }

  /** The largest piece that passes at once without a burst, bytes. */
  get pieceBytes(): number {
    const share = Math.ceil(this.#bytesPerSecond / PIECES_PER_SECOND);
    return Math.min(MAX_PAYLOAD_BYTES, Math.max(LEAST_BYTES, share));
  }

  /** Counts bytes. @returns how long they have to wait for their turn, milliseconds */
  take(bytes: number): number {
    const nowMs = this.#nowMs();
    const startMs = Math.max(nowMs, this.#freeAtMs);
    this.#freeAtMs = startMs + (bytes * 1000) / this.#bytesPerSecond;
    return startMs - nowMs;
  }
}

/** The lower one of two limits, each in bytes a second. */
export function lowerLimit(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

/** Waits; keeps no thread alive that has nothing else to do. */
export function later(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
