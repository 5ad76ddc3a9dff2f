/** The two requests of the relay, without HTTP: steps on channels, limits, and held answers. */
import type { Clock, RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import type { Role } from '../types.js';
import type {
  ChannelAnswer,
  ChannelRequest,
  JoinAnswer,
  JoinRequest,
  LaneLine,
} from '../wire/http.js';
import type { Refusal } from './answers.js';
import {
  endOverLimit,
  enterLane,
  identify,
  joinAsRecipient,
  joinAsSender,
  knock,
  markStapled,
  post,
  rehome,
  sameHome,
  view,
  whereabouts,
} from './channel.js';
import type { Asker, Channel, Home, OpenChannel, Seen } from './channel.js';
import type { RelayEvent } from './events.js';
import type { Gate } from './gate.js';
import type { RelayLimits } from './limits.js';
import type { ChannelStore, Opened } from './store.js';

/** Bytes of a capability: 192 bits, 32 characters of base64url. */
const UUID_BYTES = 24;
/** When to come back to a relay or an address that has too many channels, seconds. */
const QUOTA_RETRY_SECONDS = 30;
/** When to come back to a relay that cannot reach its store, seconds. */
const UNAVAILABLE_RETRY_SECONDS = 3;

/** How often a store that is away is told of a staple, and the pause between; clients wait 30 s for it. */
const STAPLED_TRIES = 30;
const STAPLED_PAUSE_MS = 1000;

/** The answer to a request. */
export type Reply<T> = { readonly ok: true; readonly value: T } | Refusal;

/** Calls `left` once, as soon as a client has gone; the answer forgets it. */
export type Gone = (left: () => void) => () => void;

/** What a rendezvous needs. */
export interface RendezvousParts {
  readonly store: ChannelStore;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly limits: RelayLimits;
  readonly gate: Gate;
  /** Where this process has its lanes. */
  readonly home: Home;
  readonly onEvent: (event: RelayEvent) => void;
}

/** Serves `/join`, `/channel` and the first lines of lanes. */
export class Rendezvous {
  readonly #parts: RendezvousParts;
  /** Requests that are held, oldest first, by party; calling one answers it. */
  readonly #held = new Map<string, Set<() => void>>();
  /** Channels with both parties, and how to stop watching each. */
  readonly #pairs = new Map<string, () => void>();
  #cancelSweep: () => void = () => undefined;
  #closed = false;

  constructor(parts: RendezvousParts) {
    this.#parts = parts;
  }

  /** `POST /join`. @param address - address key of the client */
  join(request: JoinRequest, address: string): Promise<Reply<JoinAnswer>> {
    return available(() => this.#join(request, address));
  }

  async #join(request: JoinRequest, address: string): Promise<Reply<JoinAnswer>> {
    const { store, clock, limits, home, gate, onEvent } = this.#parts;
    const refused = gate.join(request, address);
    if (refused !== undefined) return refused;
    const uuid = request.uuid ?? Buffer.from(this.#parts.random(UUID_BYTES)).toString('base64url');
    const asker = { address, nowMs: clock.now() };
    const { role, curve = 'p256', channel: name } = request;
    const joined =
      role === 'recipient' && name !== undefined
        ? await store.update(name, (channel) => joinAsRecipient(channel, uuid, asker))
        : await store.open(name, address, (channel, free) =>
            joinAsSender(channel, { name: free, uuid, curve, home }, asker),
          );
    if (!joined.ok) {
      if ('code' in joined && joined.code === 'no_such_channel') gate.failed(address);
      return quotaRefusal(joined);
    }
    if (role === 'sender') onEvent({ kind: 'channel-opened', address });
    const { channel } = await this.#homed({ role, channel: joined.value });
    if (role === 'recipient' && sameHome(channel.home, home)) this.#watchPair(channel.channel);
    return {
      ok: true,
      value: {
        channel: channel.channel,
        uuid,
        role,
        curve: channel.curve,
        ...whereabouts(channel),
        expires_in: Math.ceil(limits.idleMs / 1000),
      },
    };
  }

  /**
   * `POST /channel`.
   * @param gone - tells when the client has gone; the answer is then of no use to anybody
   */
  channel(request: ChannelRequest, address: string, gone: Gone): Promise<Reply<ChannelAnswer>> {
    return available(() => this.#channel(request, address, gone));
  }

  async #channel(
    request: ChannelRequest,
    address: string,
    gone: Gone,
  ): Promise<Reply<ChannelAnswer>> {
    const { store } = this.#parts;
    const posted = await store.update(request.channel, (channel) =>
      post(channel, request, this.#asker(address)),
    );
    if (!posted.ok) return this.#strange(posted, address);
    if (request.close === true) this.#onClose(posted.value.channel);
    const { since } = request;
    const hold = since !== undefined && request.close !== true;
    const now = request.close === true ? posted.value : await this.#homed(posted.value);
    if (!hold || now.channel.version > since) return { ok: true, value: view(now) };
    await this.#newer(now, since, gone);
    const seen = await store.update(request.channel, (channel) =>
      identify(channel, request.uuid, this.#asker(address)),
    );
    return seen.ok ? { ok: true, value: view(await this.#homed(seen.value)) } : seen;
  }

  /** What a client without a sound request gets to hear, if its address says enough. */
  async knock(name: string, address: string): Promise<Refusal | undefined> {
    const { store } = this.#parts;
    const known = await available(() =>
      store.update(name, (channel) => knock(channel, this.#asker(address))),
    );
    return !known.ok && known.code === 'channel_full' ? known : undefined;
  }

  /** The first line of a lane. */
  lane({ channel: name, uuid }: LaneLine, address: string): Promise<Reply<Seen>> {
    const { store, home } = this.#parts;
    return available(() =>
      store.update(name, (channel) => enterLane(channel, { uuid, home }, this.#asker(address))),
    );
  }

  /** Every lane of a channel is stapled. */
  async stapled(name: string): Promise<void> {
    const { store, clock, onEvent } = this.#parts;
    onEvent({ kind: 'stapled' });
    for (let tries = STAPLED_TRIES; tries > 0; tries -= 1) {
      const told = await available(() => store.update(name, markStapled));
      if (told.ok || this.#closed) return;
      await new Promise<void>((resolve) => clock.after(STAPLED_PAUSE_MS, resolve));
    }
  }

  /** Looks for idle channels every `sweepMs`. @param busy - names of channels whose bytes moved */
  startSweeping(busy: () => readonly string[]): void {
    const { store, clock, limits, gate, onEvent } = this.#parts;
    const sweep = async (): Promise<void> => {
      gate.sweep(clock.now());
      await store.touch(busy(), clock.now());
      const swept = await store.sweep(clock.now(), limits);
      for (const limit of ['idleMs', 'lifeMs'] as const) {
        const count = swept[limit];
        if (count > 0) onEvent({ kind: 'channels-expired', limit, count });
      }
    };
    this.#cancelSweep = clock.after(limits.sweepMs, () => {
      this.startSweeping(busy);
      sweep().catch(unlessUnavailable);
    });
  }

  /** Stops sweeping and answers what is held. */
  close(): void {
    this.#closed = true;
    this.#cancelSweep();
    for (const party of [...this.#held.values()]) for (const wake of [...party]) wake();
  }

  /** Ends a channel that let more through than it may. */
  async end(name: string): Promise<void> {
    const { store, clock, onEvent } = this.#parts;
    await store.update(name, (channel) => endOverLimit(channel, clock.now()));
    onEvent({ kind: 'refused', code: 'transfer_limit', limit: 'bytesPerChannel' });
  }

  /** Whether channels can be opened here: it does not drain, and its store answers. */
  async ready(): Promise<boolean> {
    const { store, gate } = this.#parts;
    if (gate.draining) return false;
    return store.count().then(
      () => true,
      () => false,
    );
  }

  /** Channels that have both parties and are still open. */
  get pairs(): number {
    return this.#pairs.size;
  }

  /** Requests that are held. */
  get held(): number {
    return [...this.#held.values()].reduce((sum, party) => sum + party.size, 0);
  }

  /** To ask for channels by a name or a uuid that is wrong is guessing like a join is. */
  #strange(refusal: Refusal, address: string): Refusal {
    const { gate } = this.#parts;
    if (refusal.code !== 'no_such_channel' && refusal.code !== 'unauthorized') return refusal;
    const guessed = gate.guessed(address);
    if (guessed === undefined) gate.failed(address);
    return guessed ?? refusal;
  }

  /** Remembers a channel with both parties until its end. */
  #watchPair(name: string): void {
    if (this.#pairs.has(name)) return;
    const unwatch = this.#parts.store.watch(name, (channel) => {
      if (channel?.status === 'open') return;
      unwatch();
      this.#pairs.delete(name);
      this.#parts.onEvent({ kind: 'pair-ended' });
    });
    this.#pairs.set(name, unwatch);
  }

  /** A party closes. A sender that does so on seeing the recipient's proof saw a wrong one. */
  #onClose({ hh_k, h_k, addresses }: OpenChannel): void {
    const guesser = addresses.at(-1);
    if (hh_k !== undefined && h_k === undefined && guesser !== undefined)
      this.#parts.gate.burnt(guesser);
  }

  /** The channel with lanes that live: takes it over when the process that had it is gone. */
  async #homed(seen: Seen): Promise<Seen> {
    const { store, home } = this.#parts;
    const { channel, role } = seen;
    if (sameHome(channel.home, home) || (await store.lives(channel.home))) return seen;
    let now = channel;
    await store.update(channel.channel, (known) => {
      const step = rehome(known, channel.home, home);
      const current = step.next ?? known;
      if (current?.status === 'open') now = current;
      return step;
    });
    return { role, channel: now };
  }

  #asker(address: string): Asker {
    return { address, nowMs: this.#parts.clock.now() };
  }

  /** Waits until the version passes `since`, the channel ends, the time is up or nobody listens. */
  async #newer({ role, channel }: Seen, since: number, gone: Gone): Promise<void> {
    const { store, clock, limits } = this.#parts;
    const { promise, resolve } = withResolver();
    const unwatch = store.watch(channel.channel, (next) => {
      if (next === undefined || isNewer(next, since)) resolve();
    });
    const cancelTimer = clock.after(limits.holdMs, resolve);
    const release = this.#hold(channel, role, resolve);
    const stay = gone(resolve);
    try {
      // A change between the answer to the post and the watch would otherwise be missed.
      await store.update(channel.channel, (now) => {
        if (now === undefined || isNewer(now, since)) resolve();
        return { outcome: { ok: true, value: undefined } };
      });
      await promise;
    } finally {
      stay();
      release();
      cancelTimer();
      unwatch();
    }
  }

  /** Remembers a held request; one too many answers the party's oldest. */
  #hold(channel: OpenChannel, role: Role, wake: () => void): () => void {
    const party = `${role} ${channel[role] ?? ''}`;
    const held = this.#held.get(party) ?? new Set();
    this.#held.set(party, held);
    held.add(wake);
    if (held.size > this.#parts.limits.heldPerParty) {
      const [oldest = wake] = held;
      held.delete(oldest);
      oldest();
      this.#parts.onEvent({ kind: 'limited', limit: 'heldPerParty' });
    }
    return () => {
      held.delete(wake);
      if (held.size === 0 && this.#held.get(party) === held) this.#held.delete(party);
    };
  }
}

/** Runs what needs the store; a store that is away is an answer, too. */
async function available<T>(work: () => Promise<Reply<T>>): Promise<Reply<T>> {
  try {
    return await work();
  } catch (error) {
    unlessUnavailable(error);
    const retryAfterSeconds = UNAVAILABLE_RETRY_SECONDS;
    return { ok: false, code: 'relay_unavailable', retryAfterSeconds };
  }
}

/** Lets an absent store pass. @throws everything else */
function unlessUnavailable(error: unknown): void {
  if (!(error instanceof CrocError) || error.code !== 'store_unreachable') throw error;
}

function isNewer(channel: Channel, since: number): boolean {
  return channel.status === 'closed' || channel.version > since;
}

function withResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

function quotaRefusal(opened: Exclude<Opened, { ok: true }>): Refusal {
  if (!('quota' in opened)) return opened;
  const retryAfterSeconds = QUOTA_RETRY_SECONDS;
  return opened.quota === 'relay'
    ? { ok: false, code: 'relay_full', retryAfterSeconds, limit: 'channels' }
    : { ok: false, code: 'rate_limited', retryAfterSeconds, limit: 'channelsPerAddress' };
}
