/** The verb `relay`. */
import { startRelay } from '../core/index.js';
import type { RelayOptions } from '../core/index.js';
import type { Context } from './context.js';
import { announcementOf } from './options.js';

/**
 * Runs a relay until a signal comes.
 * @throws CrocError `cancelled` after a signal, or what stopped the relay
 */
export async function relay(
  options: RelayOptions,
  { report, signal, env }: Context,
): Promise<never> {
  const announcement = announcementOf(options.announce ?? false, env);
  const running = await startRelay({ ...options, announce: false, ...announcement });
  try {
    report.listening(running);
    const stopped = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve());
    });
    const error = await Promise.race([running.closed, stopped]);
    if (error !== undefined) throw error;
  } finally {
    await running.close();
  }
  throw signal.reason;
}
