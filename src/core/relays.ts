/**
 * Relays as the public API gives them: in this thread, or in one of their own. What a relay is made of is
 * loaded when the first one starts, for most programs only send and receive.
 */
import path from 'node:path';
import type { Relay, RelayOptions } from './api.js';
import type { OperatedRelay, RelaySetup } from './relay/relay.js';

/**
 * Starts a relay in this thread.
 *
 * @param options - ports and addresses, and what an operator sets beside them
 *
 * @throws CrocError `port_taken`, `cannot_listen`, `usage`
 */
export async function startRelay(options: RelaySetup = {}): Promise<OperatedRelay> {
  const [{ startRelay: startHere }, { announceRelay }] = await Promise.all([
    import('./relay/relay.js'),
    import('./discovery/announced.js'),
  ]);
  const relay = await startHere(options);
  const announcement = await announceRelay(relay, options);
  const { url, localUrl, port, ports, closed } = relay;
  return {
    ...{ url, localUrl, port, ports, closed, announced: announcement !== undefined },
    watch: (changed) => relay.watch(changed),
    stats: () => relay.stats(),
    gauges: () => relay.gauges(),
    // Nobody is to be sent here any more before anybody is turned away.
    close: async () => {
      await announcement?.stop();
      await relay.close();
    },
    drain: async (limitMs) => {
      await announcement?.stop();
      await relay.drain(limitMs);
    },
  };
}

/**
 * Starts a relay whose sockets live in a thread of their own.
 *
 * @param workerFile - the built `relayWorker.js`; default: the one beside this file
 * @throws CrocError `port_taken`, `cannot_listen`, `usage`
 */
export async function startRelayThread(
  options: RelayOptions = {},
  workerFile: string = path.join(__dirname, 'relayWorker.js'),
): Promise<Relay> {
  const { startRelayThread: startThread } = await import('./relay/thread.js');
  return startThread(options, workerFile);
}
