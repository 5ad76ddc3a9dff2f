/**
 * A channel as a pure state machine: what it is, and what each request makes of it
 * (docs/protocol.md, "HTTP: rendezvous"). No sockets, no clock, no store: a step takes the
 * channel as it is and gives the answer, and the channel as it is afterwards if that differs.
 *
 * Every step asks in this order: does the channel exist (`no_such_channel`, `channel_closed`), is
 * the address one of its two (`channel_full`), is the party who it says (`unauthorized`), and
 * only then looks at what is wanted.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { RelayErrorCode } from '../errors.js';
import type { CurveName, Role } from '../types.js';
import { decodeBase64, POINT_BYTES } from '../wire/http.js';
import type { ChannelAnswer, ChannelRequest } from '../wire/channelState.js';

/** How long a closed channel is remembered as `channel_closed`, milliseconds. */
export const TOMBSTONE_MS = 60_000;
/** Client addresses that a channel may ever have. */
export const MAX_ADDRESSES = 2;

/** What the two parties have given each other so far, canonical base64. */
interface Values {
  readonly x?: string;
  readonly y?: string;
  readonly hh_k?: string;
  readonly h_k?: string;
}

/** Where the lanes of a channel are: the relay process that its parties connect to. */
export interface Home {
  /** An IP address or a name; absent: wherever the client's HTTP goes. */
  readonly host?: string;
  readonly ports: readonly number[];
  /** How many lanes a party may have there; absent: one a port. */
  readonly lanes?: number;
}

/** Tells whether two homes are one. */
export function sameHome(one: Home, other: Home): boolean {
  if (one === other) return true;
  return one.host === other.host && one.ports.join() === other.ports.join();
}

/** A channel that lives. */
export interface OpenChannel extends Values {
  readonly status: 'open';
  readonly channel: string;
  readonly curve: CurveName;
  /** Address key of whoever opened it, for the limit per address. */
  readonly owner: string;
  readonly home: Home;
  /**
   * How many of the home's ports its parties use, from the first on; absent: all. Never grows, so that a party whose
   * lanes are open has at least as many as one that comes later.
   */
  readonly lanes?: number;
  /** Address keys of its clients, at most two, never removed. */
  readonly addresses: readonly string[];
  /** SHA-256 over channel and uuid, hex: the relay keeps no capability that it could leak. */
  readonly sender: string;
  readonly recipient?: string;
  /** Whether every lane has been stapled at once; stays true. */
  readonly stapled: boolean;
  /** 1 at first; one more with every change that a client can see. */
  readonly version: number;
  /** When it was opened, milliseconds of the relay's clock. */
  readonly openedAtMs: number;
  /** When a party was last heard, milliseconds of the relay's clock. */
  readonly activeAtMs: number;
}

/** What is left of a channel for a minute after its end. */
export interface ClosedChannel {
  readonly status: 'closed';
  readonly channel: string;
  readonly closedAtMs: number;
  /** What parties are told: that the relay ended it, and why; absent: `channel_closed`. */
  readonly code?: 'transfer_limit';
}

/** A channel as a store keeps it. */
export type Channel = OpenChannel | ClosedChannel;

/** What came of a step: a value, or why not. */
export type Outcome<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly code: RelayErrorCode };

/** The answer of a step, and the channel afterwards when it is another one. */
export interface Step<T> {
  readonly outcome: Outcome<T>;
  readonly next?: Channel;
}

/** Who asks, when. */
export interface Asker {
  /** Address key (address.ts). */
  readonly address: string;
  readonly nowMs: number;
}

/** One party and the channel as it then is. */
export interface Seen {
  readonly role: Role;
  readonly channel: OpenChannel;
}

const refuse = (code: RelayErrorCode): Step<never> => ({ outcome: { ok: false, code } });
const accept = <T>(value: T, next: Channel): Step<T> => ({ outcome: { ok: true, value }, next });

/** What the relay keeps of a party's capability; binds it to its channel. */
export function capability(channel: string, uuid: string): string {
  return createHash('sha256').update(`${channel}\0${uuid}`).digest('hex');
}

/** The channel if it is there for this address, else why not. */
function enter(channel: Channel | undefined, asker: Asker): Outcome<OpenChannel> {
  if (channel === undefined) return { ok: false, code: 'no_such_channel' };
  if (channel.status === 'closed') {
    const forgotten = asker.nowMs - channel.closedAtMs >= TOMBSTONE_MS;
    return { ok: false, code: forgotten ? 'no_such_channel' : (channel.code ?? 'channel_closed') };
  }
  const full = channel.addresses.length >= MAX_ADDRESSES;
  if (full && !channel.addresses.includes(asker.address)) {
    return { ok: false, code: 'channel_full' };
  }
  return { ok: true, value: channel };
}

/** The channel with a proven party's address and time in it. */
function touched(channel: OpenChannel, { address, nowMs }: Asker): OpenChannel {
  const addresses = channel.addresses.includes(address)
    ? channel.addresses
    : [...channel.addresses, address];
  return { ...channel, addresses, activeAtMs: nowMs };
}

/** Whose capability this is. Takes the same time whatever is wrong. */
function roleOf(channel: OpenChannel, uuid: string): Role | undefined {
  const given = Buffer.from(capability(channel.channel, uuid), 'hex');
  const none = Buffer.alloc(given.length);
  const sender = timingSafeEqual(given, Buffer.from(channel.sender, 'hex'));
  const recipient = timingSafeEqual(
    given,
    channel.recipient === undefined ? none : Buffer.from(channel.recipient, 'hex'),
  );
  if (sender) return 'sender';
  return recipient ? 'recipient' : undefined;
}

/** Only the checks that need no party: existence and the two addresses. */
export function knock(channel: Channel | undefined, asker: Asker): Step<undefined> {
  const entered = enter(channel, asker);
  return entered.ok ? { outcome: { ok: true, value: undefined } } : refuse(entered.code);
}

/** A sender opens a channel. */
export function joinAsSender(
  channel: Channel | undefined,
  join: {
    readonly name: string;
    readonly uuid: string;
    readonly curve: CurveName;
    readonly home: Home;
  },
  asker: Asker,
): Step<OpenChannel> {
  const entered = enter(channel, asker);
  if (entered.ok) {
    // The same join once more: its first answer was lost.
    const again = roleOf(entered.value, join.uuid) === 'sender';
    return again ? accept(entered.value, touched(entered.value, asker)) : refuse('role_taken');
  }
  if (entered.code !== 'no_such_channel') return refuse(entered.code);
  const opened: OpenChannel = {
    status: 'open',
    channel: join.name,
    curve: join.curve,
    owner: asker.address,
    home: join.home,
    addresses: [asker.address],
    sender: capability(join.name, join.uuid),
    stapled: false,
    version: 1,
    openedAtMs: asker.nowMs,
    activeAtMs: asker.nowMs,
  };
  return accept(opened, opened);
}

/** A recipient joins a channel. No client can see that it did, so the version stays. */
export function joinAsRecipient(
  channel: Channel | undefined,
  uuid: string,
  asker: Asker,
): Step<OpenChannel> {
  const entered = enter(channel, asker);
  if (!entered.ok) return refuse(entered.code);
  if (entered.value.recipient !== undefined) {
    const again = roleOf(entered.value, uuid) === 'recipient';
    return again ? accept(entered.value, touched(entered.value, asker)) : refuse('role_taken');
  }
  const recipient = capability(entered.value.channel, uuid);
  const joined = { ...touched(entered.value, asker), recipient };
  return accept(joined, joined);
}

/** A party shows its capability and wants nothing else. */
export function identify(channel: Channel | undefined, uuid: string, asker: Asker): Step<Seen> {
  const entered = enter(channel, asker);
  if (!entered.ok) return refuse(entered.code);
  const role = roleOf(entered.value, uuid);
  if (role === undefined) return refuse('unauthorized');
  const seen = { role, channel: touched(entered.value, asker) };
  return accept(seen, seen.channel);
}

/** A party connects a lane: only once `h_k` is set, and only at the channel's home. */
export function enterLane(
  channel: Channel | undefined,
  line: { readonly uuid: string; readonly home: Home },
  asker: Asker,
): Step<Seen> {
  const step = identify(channel, line.uuid, asker);
  if (!step.outcome.ok) return step;
  const next = step.outcome.value.channel;
  if (next.h_k === undefined) return { ...refuse('out_of_order'), next };
  return sameHome(next.home, line.home) ? step : { ...refuse('misdirected'), next };
}

/** A party posts to `/channel`: sets values, closes, or only looks. */
export function post(
  channel: Channel | undefined,
  request: ChannelRequest,
  asker: Asker,
): Step<Seen> {
  const step = identify(channel, request.uuid, asker);
  if (!step.outcome.ok) return step;
  const { role, channel: current } = step.outcome.value;
  if (request.close === true)
    return accept(step.outcome.value, closed(current.channel, asker.nowMs));
  const checked = checkValues(current, role, request);
  if (checked !== undefined) {
    const next = checked === 'bad_key' ? closed(current.channel, asker.nowMs) : current;
    return { ...refuse(checked), next };
  }
  const next = withValues(current, request);
  return accept({ role, channel: next }, next);
}

/** Every lane is stapled. */
export function markStapled(channel: Channel | undefined): Step<undefined> {
  const done: Outcome<undefined> = { ok: true, value: undefined };
  if (channel?.status !== 'open' || channel.stapled) return { outcome: done };
  return { outcome: done, next: { ...channel, stapled: true, version: channel.version + 1 } };
}

/** The process `from` is gone: the lanes of its channel are at `to` from now on. */
export function rehome(channel: Channel | undefined, from: Home, to: Home): Step<undefined> {
  const done: Outcome<undefined> = { ok: true, value: undefined };
  if (channel?.status !== 'open' || !sameHome(channel.home, from)) return { outcome: done };
  const lanes = Math.min(laneCount(channel), to.ports.length);
  return { outcome: done, next: { ...channel, home: to, lanes, version: channel.version + 1 } };
}

/** How many lanes each party of a channel opens. */
export function laneCount({ home, lanes }: OpenChannel): number {
  return Math.min(lanes ?? home.ports.length, home.ports.length);
}

/** The relay ends a channel that passed a limit. */
export function endOverLimit(channel: Channel | undefined, nowMs: number): Step<undefined> {
  const done: Outcome<undefined> = { ok: true, value: undefined };
  if (channel?.status !== 'open') return { outcome: done };
  return { outcome: done, next: closed(channel.channel, nowMs, 'transfer_limit') };
}

/** A channel after its end. @param code - why, when the relay ended it over a limit */
export function closed(
  channel: string,
  closedAtMs: number,
  code?: ClosedChannel['code'],
): ClosedChannel {
  const tombstone = { status: 'closed', channel, closedAtMs } as const;
  return code === undefined ? tombstone : { ...tombstone, code };
}

/** Why the values of a request cannot be taken, if they cannot. All or nothing. */
function checkValues(
  channel: OpenChannel,
  role: Role,
  { x, y, hh_k, h_k }: Values,
): RelayErrorCode | undefined {
  const senders = x !== undefined || h_k !== undefined;
  const recipients = y !== undefined || hh_k !== undefined;
  if (role === 'sender' ? recipients : senders) return 'unauthorized';
  if ((y === undefined) !== (hh_k === undefined)) return 'bad_request';
  for (const point of [x, y]) {
    if (point !== undefined && decodeBase64(point)?.length !== POINT_BYTES[channel.curve])
      return 'bad_request';
  }
  if (recipients && channel.x === undefined) return 'out_of_order';
  if (h_k !== undefined && channel.hh_k === undefined) return 'out_of_order';
  const others: readonly (readonly [string | undefined, string | undefined])[] = [
    [x, channel.x],
    [y, channel.y],
    [hh_k, channel.hh_k],
    [h_k, channel.h_k],
  ];
  for (const [given, held] of others) {
    if (given !== undefined && held !== undefined && given !== held) return 'already_set';
  }
  return h_k !== undefined && sha256(h_k) !== channel.hh_k ? 'bad_key' : undefined;
}

/** SHA-256 of base64, as base64. */
function sha256(base64: string): string {
  return createHash('sha256').update(base64, 'base64').digest('base64');
}

/** The channel with new values in it; the version grows when one is new. */
function withValues(channel: OpenChannel, { x, y, hh_k, h_k }: Values): OpenChannel {
  const given: Values = {
    ...(x === undefined ? {} : { x }),
    ...(y === undefined ? {} : { y }),
    ...(hh_k === undefined ? {} : { hh_k }),
    ...(h_k === undefined ? {} : { h_k }),
  };
  const grows =
    (x !== undefined && channel.x === undefined) ||
    (y !== undefined && channel.y === undefined) ||
    (h_k !== undefined && channel.h_k === undefined);
  return { ...channel, ...given, version: channel.version + (grows ? 1 : 0) };
}

/** The channel as one party may see it: nothing of the other's capability or address. */
export function view({ role, channel }: Seen): ChannelAnswer {
  const { x, y, hh_k, h_k } = channel;
  return {
    channel: channel.channel,
    role,
    curve: channel.curve,
    ...(x === undefined ? {} : { x }),
    ...(y === undefined ? {} : { y }),
    ...(hh_k === undefined ? {} : { hh_k }),
    ...(h_k === undefined ? {} : { h_k }),
    stapled: channel.stapled,
    ...whereabouts(channel),
    version: channel.version,
  };
}

/** Where the lanes of a channel are, as answers say it. */
export function whereabouts(channel: OpenChannel): {
  host?: string;
  ports: number[];
  lanes?: number;
} {
  const { host, lanes } = channel.home;
  const ports = channel.home.ports.slice(0, laneCount(channel));
  return {
    ...(host === undefined ? {} : { host }),
    ports,
    ...(lanes === undefined ? {} : { lanes }),
  };
}
