/**
 * The edges of the core: what comes from the world outside and is injected, so that tests are
 * replayable. What a worker thread runs takes the machine's own, because nothing can be handed into it.
 */
import { randomBytes } from 'node:crypto';

/** A clock that can be faked. Times are milliseconds. */
export interface Clock {
  /** Milliseconds on a clock that never goes back; only differences mean something. */
  now(): number;
  /** Calls `fire` once after `delayMs`; the answer cancels it. */
  after(delayMs: number, fire: () => void): () => void;
}

/** A source of bytes fit for keys. */
export type RandomBytes = (length: number) => Uint8Array;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delayMs, fire) => {
    const timer = setTimeout(fire, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** The machine's cryptographic generator. */
export const systemRandom: RandomBytes = (length) => randomBytes(length);
