/** Dials a lane again and again until the peer is there, too, or until the time is over. */
import { sleep } from '../async.js';
import { systemClock } from '../edges.js';
import { CrocError } from '../errors.js';
import type { DataTiming } from '../timing.js';
import { LaneConnection } from './laneConnection.js';
import type { Dial, LaneAddress } from './laneConnection.js';

/** How much longer than the first pause the longest is. */
const LONGEST_PAUSE = 12;

/** What to dial, and how. */
export interface RedialParts {
  readonly where: LaneAddress;
  readonly timing: DataTiming;
  readonly dial: Dial;
}

/**
 * Dials until `meet` is content. Pauses double from `redialMs` to twelve times as long; each is cut by a
 * random half, so that lanes and parties do not come all at once.
 *
 * @param untilMs - when to give up, on the clock of `performance.now()`
 * @param meet - gets a connection that the relay has admitted and the milliseconds that it may wait for
 *   the peer; tells whether the peer came. It owns the connection.
 * @throws CrocError `connection_lost` when the relay could not be reached in time, `peer_silent` when
 *   it could and the peer did not come; `relay_restarted`, `channel_closed`, `channel_full` or `unauthorized`
 *   when there is no use in trying; the abort reason
 */
export async function redial(
  { where, timing, dial }: RedialParts,
  untilMs: number,
  signal: AbortSignal,
  meet: (connection: LaneConnection, patienceMs: number) => Promise<boolean>,
): Promise<void> {
  let admitted = false;
  let pauseMs = timing.redialMs;
  for (;;) {
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0) throw new CrocError(admitted ? 'peer_silent' : 'connection_lost', lane(where));
    await sleep(systemClock, Math.min(leftMs, pauseMs * (1 - Math.random() / 2)), signal);
    pauseMs = Math.min(pauseMs * 2, timing.redialMs * LONGEST_PAUSE);
    const patienceMs = Math.max(1, untilMs - performance.now());
    try {
      const connectMs = Math.min(timing.connectMs, patienceMs);
      const connection = await LaneConnection.open(where, connectMs, signal, dial);
      if (await meet(connection, Math.min(timing.laneSilenceMs, patienceMs))) return;
      admitted = true;
    } catch (thrown) {
      admitted = false;
      const error = CrocError.from(thrown);
      if (signal.aborted) throw error;
      rethrowFinal(error);
    }
  }
}

/** Throws when what the relay said will stay so. */
function rethrowFinal(error: CrocError): void {
  switch (error.code) {
    case 'no_such_channel':
      throw new CrocError('relay_restarted', { cause: error });
    case 'channel_closed':
    case 'channel_full':
    case 'unauthorized':
      throw error;
    default: // Nobody answers, or what does is a relay without room or something else in between.
  }
}

function lane({ index }: LaneAddress): { detail: string } {
  return { detail: `lane ${index}` };
}
