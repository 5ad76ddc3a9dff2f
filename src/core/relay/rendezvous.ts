/** The two requests of the relay, without HTTP: steps on channels, limits, and held answers. */
import type { Clock, RandomBytes } from '../edges.js';
import type { RelayErrorCode } from '../errors.js';
import type { Role } from '../types.js';
import type {
  ChannelAnswer,
  ChannelRequest,
  JoinAnswer,
  JoinRequest,
  LaneLine,
} from '../wire/http.js';
import {
  enterLane,
  identify,
  joinAsRecipient,
  joinAsSender,
  knock,
  markStapled,
  post,
  view,
} from './channel.js';
import type { Asker, Channel, OpenChannel, Seen } from './channel.js';
import type { RelayEvent } from './events.js';
import { RateLimiter } from './limits.js';
import type { RelayLimits } from './limits.js';
import type { ChannelStore, Opened } from './store.js';

/** Bytes of a capability: 192 bits, 32 characters of base64url. */
const UUID_BYTES = 24;
/** When to come back to a relay or an address that has too many channels, seconds. */
const QUOTA_RETRY_SECONDS = 30;

/** Why a request is refused, and when it may be tried again. */
export interface Refusal {
  readonly ok: false;
  readonly code: RelayErrorCode;
  readonly retryAfterSeconds?: number;
}

/** The answer to a request. */
export type Reply<T> = { readonly ok: true; readonly value: T } | Refusal;

/** What a rendezvous needs. */
export interface RendezvousParts {
  readonly store: ChannelStore;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly limits: RelayLimits;
  /** The TCP ports that answers name. */
  readonly ports: readonly number[];
  readonly onEvent: (event: RelayEvent) => void;
}

/** Serves `/join`, `/channel` and the first lines of lanes. */
export class Rendezvous {
  readonly #parts: RendezvousParts;
  readonly #joins: RateLimiter;
  /** Requests that are held, oldest first, by party; calling one answers it. */
  readonly #held = new Map<string, Set<() => void>>();
  #cancelSweep: () => void = () => undefined;

  constructor(parts: RendezvousParts) {
    this.#parts = parts;
    this.#joins = new RateLimiter(parts.limits.joinsPerMinute);
  }

  /** `POST /join`. @param address - address key of the client */
  async join(request: JoinRequest, address: string): Promise<Reply<JoinAnswer>> {
    const { store, clock, limits, ports, onEvent } = this.#parts;
    const retryAfterSeconds = this.#joins.take(address, clock.now());
    if (retryAfterSeconds !== undefined)
      return { ok: false, code: 'rate_limited', retryAfterSeconds };
    const uuid = Buffer.from(this.#parts.random(UUID_BYTES)).toString('base64url');
    const asker = { address, nowMs: clock.now() };
    const { role, curve = 'p256', channel: name } = request;
    const joined =
      role === 'recipient' && name !== undefined
        ? await store.update(name, (channel) => joinAsRecipient(channel, uuid, asker))
        : await store.open(name, address, (channel, free) =>
            joinAsSender(channel, { name: free, uuid, curve }, asker),
          );
    if (!joined.ok) return quotaRefusal(joined);
    if (role === 'sender') onEvent({ kind: 'channel-opened' });
    return {
      ok: true,
      value: {
        channel: joined.value.channel,
        uuid,
        role,
        curve: joined.value.curve,
        ports: [...ports],
        expires_in: Math.ceil(limits.idleMs / 1000),
      },
    };
  }

  /**
   * `POST /channel`.
   * @param signal - aborts when the client has gone; the answer is then of no use to anybody
   */
  async channel(
    request: ChannelRequest,
    address: string,
    signal: AbortSignal,
  ): Promise<Reply<ChannelAnswer>> {
    const { store, ports } = this.#parts;
    const posted = await store.update(request.channel, (channel) =>
      post(channel, request, this.#asker(address)),
    );
    if (!posted.ok) return posted;
    const { since } = request;
    const hold = since !== undefined && request.close !== true;
    if (!hold || posted.value.channel.version > since)
      return { ok: true, value: view(posted.value, ports) };
    await this.#newer(posted.value, since, signal);
    const seen = await store.update(request.channel, (channel) =>
      identify(channel, request.uuid, this.#asker(address)),
    );
    return seen.ok ? { ok: true, value: view(seen.value, ports) } : seen;
  }

  /** What a client without a sound request gets to hear, if its address says enough. */
  async knock(name: string, address: string): Promise<Refusal | undefined> {
    const { store } = this.#parts;
    const known = await store.update(name, (channel) => knock(channel, this.#asker(address)));
    return !known.ok && known.code === 'channel_full' ? known : undefined;
  }

  /** The first line of a lane. */
  async lane(line: LaneLine, address: string): Promise<Reply<Seen>> {
    return this.#parts.store.update(line.channel, (channel) =>
      enterLane(channel, line.uuid, this.#asker(address)),
    );
  }

  /** Every lane of a channel is stapled. */
  async stapled(name: string): Promise<void> {
    await this.#parts.store.update(name, markStapled);
    this.#parts.onEvent({ kind: 'stapled' });
  }

  /** Looks for idle channels every `sweepMs`. @param busy - names of channels whose bytes moved */
  startSweeping(busy: () => readonly string[]): void {
    const { store, clock, limits, onEvent } = this.#parts;
    const sweep = async (): Promise<void> => {
      await store.touch(busy(), clock.now());
      const count = await store.sweep(clock.now(), limits);
      if (count > 0) onEvent({ kind: 'channels-expired', count });
      this.#joins.sweep(clock.now());
    };
    this.#cancelSweep = clock.after(limits.sweepMs, () => {
      this.startSweeping(busy);
      void sweep();
    });
  }

  /** Stops sweeping and answers what is held. */
  close(): void {
    this.#cancelSweep();
    for (const party of [...this.#held.values()]) for (const wake of [...party]) wake();
  }

  #asker(address: string): Asker {
    return { address, nowMs: this.#parts.clock.now() };
  }

  /** Waits until the version passes `since`, the channel ends, the time is up or nobody listens. */
  async #newer({ role, channel }: Seen, since: number, signal: AbortSignal): Promise<void> {
    const { store, clock, limits } = this.#parts;
    if (signal.aborted) return;
    const { promise, resolve } = withResolver();
    const unwatch = store.watch(channel.channel, (next) => {
      if (isNewer(next, since)) resolve();
    });
    const cancelTimer = clock.after(limits.holdMs, resolve);
    const release = this.#hold(channel, role, resolve);
    signal.addEventListener('abort', resolve, { once: true });
    // A change between the answer to the post and the watch would otherwise be missed.
    await store.update(channel.channel, (now) => {
      if (now === undefined || isNewer(now, since)) resolve();
      return { outcome: { ok: true, value: undefined } };
    });
    await promise;
    signal.removeEventListener('abort', resolve);
    release();
    cancelTimer();
    unwatch();
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
    }
    return () => {
      held.delete(wake);
      if (held.size === 0 && this.#held.get(party) === held) this.#held.delete(party);
    };
  }
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
  const code = opened.quota === 'relay' ? 'relay_full' : 'rate_limited';
  return { ok: false, code, retryAfterSeconds: QUOTA_RETRY_SECONDS };
}
