/** Long loops of short blocking calls let others run in between. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Milliseconds that a loop holds the thread at a time. */
const TURN_MS = 8;

/**
 * For a loop: `await pause()` once a round, or cheaper, await only what is not undefined.
 *
 * @returns gives a promise to wait for when the loop has held the thread long enough
 */
export function pacer(): () => Promise<void> | undefined {
  let turnEnds = performance.now() + TURN_MS;
  return () => {
    if (performance.now() < turnEnds) return undefined;
    return nextTurn().then(() => {
      turnEnds = performance.now() + TURN_MS;
    });
  };
}
