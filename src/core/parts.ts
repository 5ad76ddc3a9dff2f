/** What one transfer is built from. */
import type { RelayClient } from './channel/relayClient.js';
import type { CrocRoute } from './croc11/route.js';
import type { Clock, RandomBytes } from './edges.js';
import type { Timing } from './timing.js';

/** What one transfer is built from, whatever its route. */
export interface Parts {
  /** What the end of a transfer needs of its relay. */
  readonly relay: Pick<RelayClient, 'answers' | 'close' | 'dispose' | 'locate'>;
  /** As a person can type it. */
  readonly relayUrl: string;
  readonly workerFile: string;
  readonly timing: Timing;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly localAddress: string | undefined;
  /** Stops the transfer. */
  readonly abort: AbortController;
  /** Fires when the transfer has to stop, because of `abort` or of the caller's own signal. */
  readonly signal: AbortSignal;
}

/** A transfer by the channel protocol. */
export interface ChannelParts extends Parts {
  readonly relay: RelayClient;
}

/** A transfer over croc's own network. */
export interface CrocParts extends Parts {
  readonly route: CrocRoute;
}
