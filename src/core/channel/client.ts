/** What the two state machines share: their surroundings, their deadlines and how they wait. */
import { throwIfAborted, within } from '../async.js';
import type { Clock, RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import type { ChannelTiming } from '../timing.js';
import type { Connection, CurveName, Role } from '../types.js';
import { decodeBase64 } from '../wire/http.js';
import type { ChannelAnswer, JoinAnswer } from '../wire/http.js';
import type { LaneTarget } from '../wire/keys.js';
import { JOINING, persist } from './patience.js';
import type { RelayClient } from './relayClient.js';

/** The data plane as the state machines see it. */
export interface DataPlane<Result> {
  /**
   * Opens every lane; resolves when the relay has admitted all of them.
   *
   * @param expected - settles when the relay knows that we may come; until then there are connections, but no word on them
   */
  connect(target: LaneTarget, expected?: Promise<unknown>): Promise<unknown>;
  /** Lets data flow. */
  start(): void;
  /** How it ended. */
  readonly result: Promise<Result>;
}

/** The surroundings of a state machine. */
export interface ClientContext<State, Result> {
  readonly relay: RelayClient;
  readonly data: DataPlane<Result>;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly timing: ChannelTiming;
  /** Fires when the person cancels, or when the data plane fails early. */
  readonly signal: AbortSignal;
  readonly onState: (state: State) => void;
  /** Told when the other side is missed for longer than usual, and when it is there. */
  readonly onPeer: (connection: Connection) => void;
}

/** A party that the relay has let in. */
export type Member = Pick<JoinAnswer, 'channel' | 'uuid' | 'curve'>;

/** The last state, with what came out. */
export interface Closed<Result> {
  readonly state: 'closed';
  readonly result: Result;
}

/**
 * Runs a state machine from its first state until it is `closed`.
 *
 * @param advance - the transitions: what happens in a state, and which one comes next
 * @throws CrocError what `advance` throws, or why the signal fired
 */
export async function runStates<Step extends { readonly state: string }, Result>(
  context: ClientContext<Step['state'] | 'closed', Result>,
  first: Step,
  advance: (step: Step) => Promise<Step | Closed<Result>>,
): Promise<Result> {
  const isClosed = (step: Step | Closed<Result>): step is Closed<Result> => step.state === 'closed';
  for (let step: Step | Closed<Result> = first; ; step = await advance(step)) {
    context.onState(step.state);
    if (isClosed(step)) return step.result;
    throwIfAborted(context.signal);
  }
}

/** How often a wait that is over looks whether the relay is still away, milliseconds. */
const LOOK_MS = 500;

/** What a wait needs of its surroundings. */
type WaitContext = Pick<ClientContext<never, unknown>, 'clock' | 'signal' | 'relay'>;

/**
 * A bounded wait inside a state. Time in which the relay is away does not count: that has a bound of its own.
 * @param code - what it means when the time is over
 */
export function bounded<T>(
  context: WaitContext,
  timeoutMs: number,
  code: ErrorCode,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, signal, relay } = context;
  let countedMs = relay.reach.awayMs;
  const moreMs = (): number => {
    const more = relay.reach.awayMs - countedMs;
    countedMs += more;
    return relay.reach.away ? Math.max(more, LOOK_MS) : more;
  };
  return within({ clock, signal, timeoutMs, onTimeout: () => new CrocError(code), moreMs }, work);
}

/**
 * A wait for the other side's next step. It may be that its network is away: so it gets the time for coming back
 * on top, and the person is told once the usual time is over.
 * @throws CrocError `peer_silent`
 */
export async function boundedByPeer<T>(
  context: WaitContext & Pick<ClientContext<never, unknown>, 'timing' | 'onPeer'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, timing, onPeer } = context;
  const { stepMs, reconnectMs } = timing;
  const missed = { told: false };
  const cancel = clock.after(stepMs, () => {
    missed.told = true;
    onPeer({ connected: false, giveUpInMs: reconnectMs });
  });
  try {
    const found = await bounded(context, stepMs + reconnectMs, 'peer_silent', work);
    if (missed.told) onPeer({ connected: true, giveUpInMs: 0 });
    return found;
  } finally {
    cancel();
  }
}

/**
 * Joins a channel; comes back for a minute while the relay says when to.
 * @throws CrocError as `RelayClient.join`, `relay_silent` when an answer takes too long
 */
export function joinPatiently(
  context: Pick<ClientContext<never, unknown>, 'relay' | 'clock' | 'random' | 'timing' | 'signal'>,
  role: Role,
  channel: string | undefined,
  curve: CurveName | undefined,
): Promise<JoinAnswer> {
  const { relay, timing, signal } = context;
  return persist(context, JOINING, signal, () =>
    bounded(context, timing.initializeMs, 'relay_silent', (inner) =>
      relay.join(role, channel, curve, inner),
    ),
  );
}

/**
 * Long-polls the channel until `pick` finds what it looks for.
 * @param known - the newest answer so far: a request that was repeated may have come back with more than it asked for
 */
export async function awaitChannel<T>(
  relay: RelayClient,
  known: ChannelAnswer | undefined,
  signal: AbortSignal,
  pick: (answer: ChannelAnswer) => T | undefined,
): Promise<T> {
  for (let answer = known; ; answer = await relay.wait(answer?.version ?? 0, signal)) {
    const found = answer && pick(answer);
    if (found !== undefined) return found;
  }
}

/** Bytes of a field that the schema has already found to be base64. @throws CrocError `not_a_relay` */
export function bytesOf(base64: string): Uint8Array {
  const bytes = decodeBase64(base64);
  if (!bytes) throw new CrocError('not_a_relay');
  return bytes;
}
