/** A relay together with its announcement: both come and go at the same time. */
import { isIPv4 } from 'node:net';
import type { Relay, RelayOptions } from '../api.js';
import { systemClock, systemRandom } from '../edges.js';
import type { Clock, RandomBytes } from '../edges.js';
import type { Multicast } from '../types.js';
import { announce } from './announce.js';
import type { Announced } from './announce.js';

const EVERY = '0.0.0.0';

/** The edges of an announcement. */
export interface AnnounceEdges {
  readonly clock?: Clock;
  readonly random?: RandomBytes;
}

/** Whether an address can be reached from its own machine only. */
const isLoopback = (host: string): boolean => /^(127\.|::1$|localhost$)/.test(host);

/** The options that a relay was started with, as far as they count here. */
export type Started = RelayOptions & {
  /** Several addresses instead of `host`. */
  readonly hosts?: readonly string[];
};

/** The one interface to use, if it is one; undefined where the relay is not to be announced. */
function placeOf({
  announce: wished,
  host,
  hosts,
  multicast = {},
}: Started): Multicast | undefined {
  if (wished !== true) return undefined;
  if (multicast.interfaceAddress !== undefined) return multicast;
  const all = hosts ?? (host === undefined ? [] : [host]);
  if (all.length > 0 && all.every(isLoopback)) return undefined;
  const [only, ...others] = all;
  // A relay at one address can be reached through its interface only.
  const one = only !== undefined && others.length === 0 && isIPv4(only) && only !== EVERY;
  return one ? { ...multicast, interfaceAddress: only } : multicast;
}

/**
 * Announces a relay that runs, if that is wished, until it closes.
 *
 * @param options - those that it was started with
 * @returns what withdraws it before; nothing when it is not announced
 */
export async function announceRelay(
  relay: Pick<Relay, 'port' | 'closed'>,
  options: Started,
  { clock = systemClock, random = systemRandom }: AnnounceEdges = {},
): Promise<Announced | undefined> {
  const multicast = placeOf(options);
  if (multicast === undefined) return undefined;
  const announced = await announce({ port: relay.port, multicast, clock, random });
  void relay.closed.then(() => announced?.stop());
  return announced;
}

/**
 * Announces a relay that runs, if that is wished.
 *
 * @param options - those that it was started with
 * @returns the relay; when it closes, the announcement is withdrawn first
 */
export async function withAnnouncement(
  relay: Relay,
  options: Started,
  edges: AnnounceEdges = {},
): Promise<Relay> {
  const announced = await announceRelay(relay, options, edges);
  if (announced === undefined) return relay;
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
