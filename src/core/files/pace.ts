/** Long loops of short blocking calls let others run in between. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Milliseconds that a loop holds the thread at a time. */
const TURN_MS = 8;

/**
 * For a loop: `await pause()` once a round, or cheaper, await only what is not undefined.
 *
 * @param rounds - looks at the clock only once in so many; for rounds of some microseconds
 * @returns gives a promise to wait for when the loop has held the thread long enough
 */
export function pacer(rounds = 1): () => Promise<void> | undefined {
  let turnEnds = performance.now() + TURN_MS;
  let round = 0;
  return () => {
    round += 1;
    if (round < rounds) return undefined;
    round = 0;
    if (performance.now() < turnEnds) return undefined;
    return nextTurn().then(() => {
      turnEnds = performance.now() + TURN_MS;
    });
  };
}
