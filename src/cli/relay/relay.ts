/** The verb `relay`. */
import { startRelay } from '../../core/index.js';
import type { Context } from '../context.js';
import { announcementOf } from '../options.js';
import { readRelayConfig, setupOf } from './config.js';
import type { RelayFlags } from './config.js';

/**
 * Runs a relay until a signal comes.
 * @throws CrocError `cancelled` after a signal, or what stopped the relay
 */
export async function relay(flags: RelayFlags, { report, signal, env }: Context): Promise<never> {
  const config = await readRelayConfig(flags, env);
  const running = await startRelay({
    ...setupOf(config),
    ...announcementOf(config.announce ?? config.store === undefined, env),
  });
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
