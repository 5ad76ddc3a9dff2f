/** What the two state machines share: their surroundings, their deadlines and how they wait. */
import { throwIfAborted, within } from '../async.js';
import type { Clock, RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import type { ChannelTiming } from '../timing.js';
import type { CurveName, Role } from '../types.js';
import { decodeBase64 } from '../wire/http.js';
import type { ChannelAnswer, JoinAnswer } from '../wire/http.js';
import type { LaneTarget } from '../wire/keys.js';
import { patiently } from './patience.js';
import type { RelayClient } from './relayClient.js';

/** The data plane as the state machines see it. */
export interface DataPlane<Result> {
  /** Opens every lane; resolves when the relay has admitted all of them. */
  connect(target: LaneTarget): Promise<unknown>;
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

/** A bounded wait inside a state. @param code - what it means when the time is over */
export function bounded<T>(
  context: Pick<ClientContext<never, unknown>, 'clock' | 'signal'>,
  timeoutMs: number,
  code: ErrorCode,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, signal } = context;
  return within({ clock, signal, timeoutMs, onTimeout: () => new CrocError(code) }, work);
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
  return patiently(context, signal, () =>
    bounded(context, timing.initializeMs, 'relay_silent', (inner) =>
      relay.join(role, channel, curve, inner),
    ),
  );
}

/** Long-polls the channel until `pick` finds what it looks for. */
export async function awaitChannel<T>(
  relay: RelayClient,
  since: number,
  signal: AbortSignal,
  pick: (answer: ChannelAnswer) => T | undefined,
): Promise<T> {
  for (let version = since; ;) {
    const answer = await relay.wait(version, signal);
    const found = pick(answer);
    if (found !== undefined) return found;
    version = answer.version;
  }
}

/** Bytes of a field that the schema has already found to be base64. @throws CrocError `not_a_relay` */
export function bytesOf(base64: string): Uint8Array {
  const bytes = decodeBase64(base64);
  if (!bytes) throw new CrocError('not_a_relay');
  return bytes;
}
