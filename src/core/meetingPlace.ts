/**
 * At which relay a recipient meets its sender, found by the channel's name alone. The rule that keeps
 * strangers' channels whole (docs/protocol.md, "Which relay"): to ask takes no role, we join where the
 * channel is the only one of its name, and a person decides when it is not.
 */
import { throwIfAborted, within } from './async.js';
import { RelayClient } from './channel/relayClient.js';
import { findRelays } from './discovery/find.js';
import type { Clock, RandomBytes } from './edges.js';
import { CrocError } from './errors.js';
import type { Multicast } from './types.js';

/** How long one relay may take to say whether it has a channel, in milliseconds. */
const ASK_MS = 3000;
/** How long it is looked for relays on the local network, in milliseconds. */
const SEARCH_MS = 1500;
/** How long others may still answer after the first one that has the channel, in milliseconds. */
const GRACE_MS = 400;

/** Where to look, and the edges. */
export interface PlaceOptions {
  readonly channel: string;
  /** Relays that the person named, likeliest first. */
  readonly relays: readonly string[];
  /** Whether to look for relays on the local network when none of those has the channel. */
  readonly discover: boolean;
  readonly multicast: Multicast | undefined;
  readonly localAddress: string | undefined;
  /** The password of the relays that the person named; those found on the network are told none. */
  readonly password: string | undefined;
  readonly answerMs: number;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly signal: AbortSignal;
  /** Asks the person which of several relays on the local network it is; undefined: none of them. */
  readonly onSeveral: ((relays: readonly string[]) => Promise<string | undefined>) | undefined;
}

/**
 * The relay that has the channel.
 *
 * @returns `http://host:port`
 * @throws CrocError `no_relay`, `no_such_channel`, `several_relays`, why a named relay cannot be asked, or
 *   the reason of the signal
 */
export async function findMeetingPlace(options: PlaceOptions): Promise<string> {
  const { relays, discover } = options;
  const [only, ...others] = relays;
  // Nothing to choose: the join itself will say whether the channel is there.
  if (only !== undefined && others.length === 0 && !discover) return only;
  let failure: CrocError | undefined;
  for (const url of relays) {
    const asked = await has(url, options);
    if (asked === true) return url;
    if (asked === false) continue;
    if (asked.code === 'invalid_relay') throw asked;
    failure ??= asked;
  }
  const found = discover ? await searchNetwork(options) : { count: 0, having: [] };
  const [first, ...more] = found.having;
  if (first !== undefined) return more.length === 0 ? first : decide(found.having, options);
  if (failure !== undefined) throw failure;
  if (relays.length === 0 && found.count === 0)
    throw new CrocError('no_relay', {
      ...(discover ? { detail: 'none was found on the local network' } : {}),
    });
  throw new CrocError('no_such_channel');
}

/** Several have a channel of this name, so all but one of them are strangers'. */
async function decide(having: readonly string[], { onSeveral }: PlaceOptions): Promise<string> {
  const chosen = await onSeveral?.(having);
  if (chosen !== undefined) return chosen;
  throw new CrocError(onSeveral === undefined ? 'several_relays' : 'cancelled', {
    ...(onSeveral === undefined ? { detail: having.join(', ') } : {}),
  });
}

/** Whether a relay has the channel; the error that says why it is not known. */
async function has(url: string, options: PlaceOptions): Promise<boolean | CrocError> {
  const { channel, clock, signal, localAddress, random } = options;
  const answerMs = Math.min(options.answerMs, ASK_MS);
  let client: RelayClient | undefined;
  try {
    const named = options.relays.includes(url);
    const asked = new RelayClient({
      ...{ url, clock, random, answerMs },
      ...(localAddress !== undefined && { localAddress }),
      ...(named && options.password !== undefined && { password: options.password }),
    });
    client = asked;
    const uuid = Buffer.from(random(24)).toString('base64url');
    const onTimeout = (): CrocError => new CrocError('relay_unreachable', { detail: url });
    return await within({ clock, signal, timeoutMs: ASK_MS, onTimeout }, (inner) =>
      asked.has(channel, uuid, inner),
    );
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    return CrocError.from(thrown);
  } finally {
    client?.dispose();
  }
}

/** Asks every relay on the local network. @returns how many there are, and those that have the channel */
async function searchNetwork(
  options: PlaceOptions,
): Promise<{ readonly count: number; readonly having: readonly string[] }> {
  const { multicast = {}, clock, random, signal } = options;
  const stop = new AbortController();
  const having: string[] = [];
  const asking: Promise<void>[] = [];
  let cancelGrace: (() => void) | undefined;
  const ask = async (url: string): Promise<void> => {
    if ((await has(url, options)) !== true) return;
    having.push(url);
    cancelGrace ??= clock.after(GRACE_MS, () => stop.abort());
  };
  const either = AbortSignal.any([signal, stop.signal]);
  const search = { timeoutMs: SEARCH_MS, signal: either, multicast, clock, random };
  try {
    for await (const { url } of findRelays(search)) asking.push(ask(url));
    throwIfAborted(signal);
    // One that does not answer is not waited for once another has the channel.
    const stopped = new Promise<void>((resolve) => {
      if (stop.signal.aborted) resolve();
      stop.signal.addEventListener('abort', () => resolve());
    });
    await Promise.race([Promise.all(asking), stopped]);
  } finally {
    cancelGrace?.();
    for (const one of asking) one.catch(() => undefined);
  }
  return { count: asking.length, having: [...having] };
}
