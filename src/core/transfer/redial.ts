/** Dials a lane again and again until the peer is there, too, or until the time is over. */
import { sleep, within } from '../async.js';
import { systemClock } from '../edges.js';
import { CrocError } from '../errors.js';
import type { DataTiming } from '../timing.js';
import { LaneConnection } from './laneConnection.js';
import type { Dial } from './laneConnection.js';
import type { Whereabouts } from './whereabouts.js';

/** How much longer than the first pause the longest is. */
const LONGEST_PAUSE = 12;

/** What to dial, and how. */
export interface RedialParts {
  readonly index: number;
  readonly where: Whereabouts;
  readonly timing: DataTiming;
  readonly dial: Dial;
}

/**
 * Dials until `meet` is content, after each failure where the relay then says that the lane is. Pauses double from
 * `redialMs` to twelve times as long; each is cut by a random half, so that lanes and parties do not come all at once.
 *
 * @param untilMs - when to give up, on the clock of `performance.now()`
 * @param meet - gets a connection that the relay has admitted and the milliseconds that it may wait for
 *   the peer; tells whether the peer came. It owns the connection.
 * @param silent - whether the lane was lost because the peer said nothing
 * @throws CrocError `connection_lost` when the relay could not be reached in time, `peer_silent` when
 *   it could and the peer did not come; `relay_restarted`, `relay_fewer_ports`, `channel_closed`, `channel_full`, `unauthorized`
 *   or `transfer_limit` when there is no use in trying; the abort reason
 */
export async function redial(
  { index, where, timing, dial }: RedialParts,
  untilMs: number,
  signal: AbortSignal,
  meet: (connection: LaneConnection, patienceMs: number) => Promise<boolean>,
  silent = false,
): Promise<void> {
  let admitted = silent;
  let pauseMs = timing.redialMs;
  for (;;) {
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0) {
      const detail = `lane ${index}`;
      throw new CrocError(admitted ? 'peer_silent' : 'connection_lost', { detail });
    }
    await sleep(systemClock, Math.min(leftMs, pauseMs * (1 - Math.random() / 2)), signal);
    pauseMs = Math.min(pauseMs * 2, timing.redialMs * LONGEST_PAUSE);
    const patienceMs = Math.max(1, untilMs - performance.now());
    try {
      const connectMs = Math.min(timing.connectMs, patienceMs);
      const connection = await LaneConnection.open(where.lane(index), connectMs, signal, dial);
      if (await meet(connection, Math.min(timing.laneSilenceMs, patienceMs))) return;
      admitted = true;
    } catch (thrown) {
      admitted = false;
      const error = CrocError.from(thrown);
      if (signal.aborted) throw error;
      rethrowFinal(error);
      await ask(where, Math.min(timing.connectMs, patienceMs), signal);
    }
  }
}

/** Asks where the lane is now; a relay that does not say in time is asked again after the next attempt. */
async function ask(where: Whereabouts, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const onTimeout = (): CrocError => new CrocError('relay_silent');
  try {
    await within({ clock: systemClock, signal, timeoutMs, onTimeout }, () => where.refresh());
  } catch (thrown) {
    const error = CrocError.from(thrown);
    if (signal.aborted) throw error;
    rethrowFinal(error);
  }
}

/** Throws when what the relay said will stay so. */
function rethrowFinal(error: CrocError): void {
  switch (error.code) {
    case 'no_such_channel':
      throw new CrocError('relay_restarted', { cause: error });
    case 'relay_restarted':
    case 'relay_fewer_ports':
    case 'transfer_limit':
    case 'channel_closed':
    case 'channel_full':
    case 'unauthorized':
      throw error;
    default: // Nobody answers, or what does is a relay without room or something else in between.
  }
}
