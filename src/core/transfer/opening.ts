/** Opens the lanes of a transfer for the first time; the network may go away in that very moment, too. */
import { sleep, within } from '../async.js';
import { systemClock } from '../edges.js';
import { CrocError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import type { DataTiming } from '../timing.js';
import { LaneConnection } from './laneConnection.js';
import type { Dial } from './laneConnection.js';
import type { Whereabouts } from './whereabouts.js';

/** What a network that goes away, or a process of the relay that ends, looks like to a lane. */
const AWAY: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'relay_port_blocked',
  'relay_gone',
  'relay_silent',
  'misdirected',
]);
/** What a relay says that has no room for the moment. */
const BUSY: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'rate_limited',
  'relay_full',
  'relay_unavailable',
]);
/** Attempts in a row, while the relay answers by HTTP, after which a port is blocked indeed: where nothing answers. */
const SILENT_ATTEMPTS = 2;
/** The same where a connection is refused at once, as it also is while a process of the relay starts again. */
const REFUSED_ATTEMPTS = 4;
/** The first pause between two of them; each further one is twice as long. Milliseconds. */
const REFUSED_PAUSE_MS = 100;
/** A relay that takes longer to say where its lanes are was away, milliseconds. */
const PROMPT_MS = 1500;
/** Whoever waits to enter has a deadline of his own, of little over one time for coming back: this one only comes later. */
const ENTERING_PATIENCE = 2;
/** About so long a busy relay is left alone, milliseconds. */
const BUSY_PAUSE_MS = 1500;

/** What to open, and how. */
export interface OpeningParts {
  readonly where: Whereabouts;
  readonly timing: DataTiming;
  readonly dial: Dial;
  /** No lane says who it is before this resolves. */
  readonly entering: Promise<unknown>;
  readonly early?: EarlyUse;
}

/** Whoever uses connections already when all of them have said who they are, and the relay's word is still to come. */
export interface EarlyUse {
  /** Connections of an attempt, one for each lane: the first ones, or others that take their place. */
  onEntered(connections: readonly LaneConnection[]): void;
  /**
   * The relay has not admitted all of them: they are closed. There is another attempt, or none. After an abort it is not
   * called; those that were admitted are then for the user to close.
   */
  onRefused(): void;
}

/**
 * Opens every lane that the relay has a port for; all or none. A lane that cannot be opened is tried again once the
 * relay has said, by HTTP, where it is: so a network that is away is waited for, and a port that is blocked is not.
 *
 * @param signal - bounds it all
 * @throws CrocError as `LaneConnection.open` does, or why the relay does not say
 */
export async function openLanes(
  parts: OpeningParts,
  signal: AbortSignal,
): Promise<readonly LaneConnection[]> {
  const we = { mayEnter: false };
  const entering = parts.entering.then(() => (we.mayEnter = true));
  for (let attempt = 1; ; attempt += 1) {
    const startMs = performance.now();
    try {
      return await openAll(parts, signal);
    } catch (thrown) {
      const error = CrocError.from(thrown);
      if (signal.aborted) throw error;
      // A relay keeps nobody for long who does not say who he is.
      if (!we.mayEnter) {
        const timeoutMs = parts.timing.connectMs + ENTERING_PATIENCE * parts.timing.reconnectMs;
        const onTimeout = (): CrocError => error;
        await within({ clock: systemClock, signal, timeoutMs, onTimeout }, () => entering);
        attempt = 0;
        continue;
      }
      if (BUSY.has(error.code)) {
        await sleep(systemClock, BUSY_PAUSE_MS * (0.5 + Math.random()), signal);
        attempt = 0;
        continue;
      }
      const refused = performance.now() - startMs < PROMPT_MS;
      const attempts = refused ? REFUSED_ATTEMPTS : SILENT_ATTEMPTS;
      if (!AWAY.has(error.code) || attempt >= attempts) throw error;
      if (refused) await sleep(systemClock, REFUSED_PAUSE_MS * 2 ** (attempt - 1), signal);
      const askedMs = performance.now();
      const onTimeout = (): CrocError => error;
      const timeoutMs = parts.timing.reconnectMs;
      const limits = { clock: systemClock, signal, timeoutMs, onTimeout };
      await within(limits, () => parts.where.refresh());
      if (performance.now() - askedMs > PROMPT_MS) attempt = 0;
    }
  }
}

async function openAll(
  { where, timing, dial, entering, early }: OpeningParts,
  signal: AbortSignal,
): Promise<readonly LaneConnection[]> {
  const connections = Array.from({ length: where.count }, (_, index) =>
    LaneConnection.dial(where.lane(index), timing.connectMs, signal, dial, entering),
  );
  const attempt = { refused: false, used: false };
  const admissions = connections.map(({ admitted }) => admitted);
  for (const admission of admissions) admission.catch(() => (attempt.refused = true));
  const entered = Promise.all(connections.map((connection) => connection.entered)).then(() => {
    if (attempt.refused || !early) return;
    attempt.used = true;
    early.onEntered(connections);
  });
  const refused = (await Promise.allSettled(admissions)).find(
    ({ status }) => status === 'rejected',
  );
  if (refused?.status !== 'rejected') {
    await entered;
    return connections;
  }
  // Who is stopped may have a last word to say on those that were admitted.
  if (attempt.used && signal.aborted) throw refused.reason;
  for (const connection of connections) connection.destroy();
  early?.onRefused();
  throw refused.reason;
}
