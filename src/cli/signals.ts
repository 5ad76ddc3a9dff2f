/** One way to stop: SIGINT, SIGTERM, SIGHUP, and a reader of stdout that went away. */
import { CrocError } from '../core/index.js';
import { EXIT } from './context.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Milliseconds in which a repeated signal is the same one: npm and npx pass on a Ctrl+C that the
 * terminal has already told to the whole process group.
 */
const ECHO_MS = 300;

/**
 * Turns the first signal into a clean cancel; the second one ends the process at once.
 * @returns the abort signal, which signal it was (none: the reader went away), and a function that gives
 *   the signals back to the system
 */
export function cancelOnSignals(): {
  signal: AbortSignal;
  stoppedBy: () => NodeJS.Signals | undefined;
  release: () => void;
} {
  const controller = new AbortController();
  let cancelledMs: number | undefined;
  let stoppedBy: NodeJS.Signals | undefined;
  const cancel = (name?: NodeJS.Signals) => {
    const nowMs = performance.now();
    if (cancelledMs !== undefined) {
      if (nowMs - cancelledMs < ECHO_MS) return;
      process.exit(EXIT.cancelled);
    }
    cancelledMs = nowMs;
    stoppedBy = name;
    controller.abort(new CrocError('cancelled'));
  };
  const broken = (error: NodeJS.ErrnoException) => {
    // `croc-share … | head`: nobody reads any more. A second broken write says nothing new.
    if (error.code === 'EPIPE') {
      if (!controller.signal.aborted) cancel();
    } else throw error;
  };
  for (const name of SIGNALS) process.on(name, cancel);
  process.stdout.on('error', broken);
  process.stderr.on('error', broken);
  const release = () => {
    for (const name of SIGNALS) process.off(name, cancel);
  };
  return { signal: controller.signal, stoppedBy: () => stoppedBy, release };
}
