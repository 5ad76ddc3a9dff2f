/** What the two state machines share: their surroundings, their deadlines and how they wait. */
import { within } from '../async.js';
import type { Clock, RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import type { ChannelTiming } from '../timing.js';
import type { Role } from '../types.js';
import { decodeBase64 } from '../wire/http.js';
import type { ChannelAnswer, JoinAnswer } from '../wire/http.js';
import type { LaneSecrets } from '../wire/keys.js';
import type { RelayClient } from './relayClient.js';

/** What the data plane needs in order to connect. */
export interface LaneParameters {
  readonly role: Role;
  readonly address: string;
  readonly ports: readonly number[];
  readonly channel: string;
  readonly uuid: string;
  readonly secrets: LaneSecrets;
}

/** The data plane as the state machines see it. */
export interface DataPlane<Result> {
  /** Opens every lane; resolves when the relay has admitted all of them. */
  connect(parameters: LaneParameters): Promise<unknown>;
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
export type Member = Pick<JoinAnswer, 'channel' | 'uuid' | 'ports' | 'curve'>;

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
