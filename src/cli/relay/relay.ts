/** The verb `relay`. */
import { version } from '../../../package.json';
import { startRelay } from '../../core/index.js';
import type { OperatedRelay } from '../../core/index.js';
import type { Context } from '../context.js';
import { announcementOf } from '../options.js';
import { limitsOf, readRelayConfig, setupOf } from './config.js';
import type { RelayFlags } from './config.js';
import { RelayLog } from './log.js';
import type { MetricsServer, RelayMetrics } from './metrics.js';
import type { RelayConfig } from './settings.js';

/**
 * Runs a relay until a signal comes. SIGTERM lets running transfers end and is a success; any other signal
 * stops it at once.
 * @throws CrocError `cancelled` after such a signal, or what stopped the relay
 */
export async function relay(flags: RelayFlags, context: Context): Promise<void> {
  const { report, signal, stoppedBy, stderr, env } = context;
  const config = await readRelayConfig(flags, env);
  const text =
    config.logFormat === 'text' || (config.logFormat === 'auto' && stderr.isTTY === true);
  const log = new RelayLog(stderr, config.logLevel, text);
  const metrics = config.metricsPort === undefined ? undefined : await loadMetrics(config);
  const running = await startRelay({
    ...(await setupOf(config)),
    ...announcementOf(config.announce ?? config.store === undefined, env),
    onEvent: (event) => {
      log.event(event);
      metrics?.event(event);
    },
  });
  let served: MetricsServer | undefined;
  try {
    served = await serve(metrics, running, config);
    report.listening(running);
    const metricsUrl = served === undefined ? {} : { metrics: served.url };
    log.write('info', 'listening', { url: running.url, ports: running.ports, ...metricsUrl });
    const error = await Promise.race([running.closed, aborted(signal)]);
    if (error !== undefined) throw error;
    if (stoppedBy() === 'SIGTERM') await running.drain(config.drainSeconds * 1000);
  } finally {
    await running.close();
    await served?.close();
    log.write('info', 'stopped');
  }
  if (stoppedBy() !== 'SIGTERM') throw signal.reason;
}

async function loadMetrics(config: RelayConfig): Promise<RelayMetrics> {
  const { RelayMetrics } = await import('./metrics.js');
  return new RelayMetrics(limitsOf(config), version);
}

async function serve(
  metrics: RelayMetrics | undefined,
  running: OperatedRelay,
  { metricsHost, metricsPort }: RelayConfig,
): Promise<MetricsServer | undefined> {
  if (metrics === undefined || metricsPort === undefined) return undefined;
  const { serveMetrics } = await import('./metrics.js');
  metrics.watch(running);
  return serveMetrics(metrics, metricsHost, metricsPort);
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined));
  });
}
