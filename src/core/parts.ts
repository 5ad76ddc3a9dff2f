/** What one transfer is built from. */
import type { RelayClient } from './channel/relayClient.js';
import type { Clock, RandomBytes } from './edges.js';
import type { Timing } from './timing.js';

/** What one transfer is built from. */
export interface Parts {
  readonly relay: RelayClient;
  readonly relayUrl: string;
  readonly workerFile: string;
  readonly timing: Timing;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly localAddress: string | undefined;
  /** Fires when the transfer has to stop. */
  readonly abort: AbortController;
}
