/** A relay together with its announcement: both come and go at the same time. */
import { isIPv4 } from 'node:net';
import type { Relay, RelayOptions } from '../api.js';
import { systemClock, systemRandom } from '../edges.js';
import type { Clock, RandomBytes } from '../edges.js';
import { announce } from './announce.js';

const EVERY = '0.0.0.0';

/** The edges of an announcement. */
export interface AnnounceEdges {
  readonly clock?: Clock;
  readonly random?: RandomBytes;
}

/** Whether a relay can be reached at this address from its own machine only. */
function onlyHere(host: string | undefined): boolean {
  return host !== undefined && /^(127\.|::1$|localhost$)/.test(host);
}

/**
 * Announces a relay that runs, if that is wished.
 *
 * @param options - those that it was started with
 * @returns the relay; when it closes, the announcement is withdrawn first
 */
export async function withAnnouncement(
  relay: Relay,
  options: RelayOptions,
  edges: AnnounceEdges = {},
): Promise<Relay> {
  const { announce: wished = false, host } = options;
  const { clock = systemClock, random = systemRandom } = edges;
  const { interfaceAddress } = options.multicast ?? {};
  if (!wished || (onlyHere(host) && interfaceAddress === undefined)) return relay;
  // A relay at one address can be reached through its interface only.
  const at = interfaceAddress ?? (host !== undefined && isIPv4(host) ? host : EVERY);
  const multicast = {
    ...options.multicast,
    ...(at === EVERY ? {} : { interfaceAddress: at }),
  };
  const announced = await announce({ port: relay.port, multicast, clock, random });
  if (announced === undefined) return relay;
  void relay.closed.then(() => announced.stop());
  return {
    url: relay.url,
    localUrl: relay.localUrl,
    port: relay.port,
    ports: relay.ports,
    announced: true,
    closed: relay.closed,
    watch: (changed) => relay.watch(changed),
    stats: () => relay.stats(),
    close: async () => {
      await announced.stop();
      await relay.close();
    },
  };
}
