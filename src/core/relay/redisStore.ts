/**
 * Channels in Redis, shared by any number of relays. The rules stay in channel.ts: a step runs here
 * on the state as Redis has it, and its result is put there only if that state is still the same;
 * else the step runs again. Redis keeps the time, so relays need not agree on theirs.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import * as v from 'valibot';
import type { Clock, RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import { CURVE_NAMES } from '../types.js';
import { MAX_LANES } from '../wire/http.js';
import { TOMBSTONE_MS } from './channel.js';
import type { Channel, Home, OpenChannel, Outcome, Step } from './channel.js';
import type { RelayLimits } from './limits.js';
import { parseJson } from './parse.js';
import { RedisLink } from './redisLink.js';
import { PUT, SWEEP, TOUCH } from './redisScripts.js';
import { drawName, isDecimal, sameVersion } from './store.js';
import type { ChannelStore, ChannelStep, Opened, Swept } from './store.js';

/** How often a step is run again because another change came first, at most. */
const MAX_TRIES = 50;
/** How often a relay says that it lives, and for how long that counts, milliseconds. */
const BEAT_MS = 1500;
const LIFE_MS = 5000;
/**
 * For how long an answer about another relay's life is good, milliseconds: less than a client takes to find out that
 * nothing listens at a port (0.7 s), so that it is told in time where its lanes are now.
 */
const KNOWN_MS = 300;
/** How long another relay's port may take to answer, milliseconds. */
const PROBE_MS = 1000;
/** Deadlines that one script looks at. */
const SWEEP_BATCH = 100;

const home = v.object({
  host: v.exactOptional(v.string()),
  ports: v.array(v.number()),
  lanes: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_LANES))),
});
const stateSchema = v.variant('status', [
  v.object({
    status: v.literal('open'),
    channel: v.string(),
    curve: v.picklist(CURVE_NAMES),
    owner: v.string(),
    home,
    lanes: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
    addresses: v.array(v.string()),
    sender: v.string(),
    recipient: v.exactOptional(v.string()),
    x: v.exactOptional(v.string()),
    y: v.exactOptional(v.string()),
    hh_k: v.exactOptional(v.string()),
    h_k: v.exactOptional(v.string()),
    stapled: v.boolean(),
    version: v.number(),
  }),
  v.object({
    status: v.literal('closed'),
    channel: v.string(),
    code: v.exactOptional(v.literal('transfer_limit')),
  }),
]);
const putSchema = v.tuple([
  v.picklist(['put', 'changed', 'relay', 'address']),
  v.string(),
  v.number(),
]);
const sweptSchema = v.tuple([v.number(), v.number(), v.number()]);

type Watcher = (channel: Channel | undefined) => void;
type Limits = Pick<RelayLimits, 'channels' | 'channelsPerAddress' | 'idleMs' | 'lifeMs'>;

/** What a store in Redis needs. */
export interface RedisStoreParts {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** Fewest digits of a name that the store chooses; default 1. */
  readonly nameDigits?: number;
}

/** Channels in Redis. */
export class RedisStore implements ChannelStore {
  readonly #parts: RedisStoreParts;
  readonly #watchers = new Map<string, Set<Watcher>>();
  /** Names whose notices come in. */
  readonly #heard = new Set<string>();
  /** Names in use by number of digits, as last told. */
  readonly #occupied = new Map<number, number>();
  readonly #homes = new Map<string, { readonly lives: Promise<boolean>; readonly atMs: number }>();
  #link: RedisLink | undefined;
  #own: string | undefined;
  #cancelBeat: () => void = () => undefined;

  private constructor(parts: RedisStoreParts) {
    this.#parts = parts;
  }

  /**
   * Connects to Redis.
   * @param url - `redis://` or `rediss://`, with user, password and database as usual
   * @throws CrocError `usage`, `store_unreachable`
   */
  static async open(url: string, parts: RedisStoreParts): Promise<RedisStore> {
    const store = new RedisStore(parts);
    store.#link = await RedisLink.open(url, parts.clock, () => store.#catchUp());
    return store;
  }

  get ready(): boolean {
    return this.#link?.readyMs !== undefined;
  }

  async open(
    name: string | undefined,
    owner: string,
    step: (channel: Channel | undefined, name: string) => Step<OpenChannel>,
  ): Promise<Opened> {
    for (let tries = MAX_TRIES; tries > 0; tries -= 1) {
      const { random, nameDigits = 1 } = this.#parts;
      const occupied = (digits: number): number => this.#occupied.get(digits) ?? 0;
      const chosen = name ?? drawName(random, occupied, nameDigits);
      // A drawn name is most probably free: so one round trip is enough.
      const seen = name === undefined ? '' : await this.#get(chosen);
      const { outcome, next } = step(this.#parse(seen), chosen);
      if (!outcome.ok || next?.status !== 'open') return outcome;
      const put = await this.#put(chosen, seen, next, owner);
      if (put === 'put') return outcome;
      if (put === 'relay' || put === 'address') return { ok: false, quota: put };
    }
    throw contended();
  }

  async update<T>(name: string, step: ChannelStep<T>): Promise<Outcome<T>> {
    let seen = await this.#get(name);
    for (let tries = MAX_TRIES; tries > 0; tries -= 1) {
      const { outcome, next } = step(this.#parse(seen));
      if (next === undefined) return outcome;
      const put = await this.#put(name, seen, next);
      if (put === 'put') return outcome;
      seen = await this.#get(name);
    }
    throw contended();
  }

  async touch(names: readonly string[]): Promise<void> {
    for (let at = 0; at < names.length; at += SWEEP_BATCH) {
      const batch = names.slice(at, at + SWEEP_BATCH);
      await this.#script(TOUCH, [], [this.#parts.limits.idleMs, ...batch]);
    }
  }

  /** Goes by Redis's clock: what the arguments say is what the states already say. */
  async sweep(): Promise<Swept> {
    this.#unhear();
    this.#occupied.clear();
    const swept = { idleMs: 0, lifeMs: 0 };
    for (;;) {
      const reply = await this.#script(SWEEP, [], [SWEEP_BATCH, TOMBSTONE_MS]);
      const [due, idle, old] = v.parse(sweptSchema, reply);
      swept.idleMs += idle;
      swept.lifeMs += old;
      if (due < SWEEP_BATCH) return swept;
    }
  }

  watch(name: string, changed: Watcher): () => void {
    const watchers = this.#watchers.get(name) ?? new Set();
    this.#watchers.set(name, watchers);
    watchers.add(changed);
    if (!this.#heard.has(name)) void this.#hear(name);
    return () => {
      watchers.delete(changed);
      if (watchers.size === 0 && this.#watchers.get(name) === watchers) this.#watchers.delete(name);
    };
  }

  async announce(own: Home): Promise<void> {
    this.#own = homeKey(own);
    await this.#beat(this.#own);
  }

  lives(other: Home): Promise<boolean> {
    const nowMs = this.#parts.clock.now();
    const key = homeKey(other);
    const known = this.#homes.get(key);
    if (known !== undefined && nowMs - known.atMs < KNOWN_MS) return known.lives;
    const asked = { lives: this.#askHome(other, key), atMs: nowMs };
    this.#homes.set(key, asked);
    // What Redis did not say is asked anew.
    asked.lives.catch(() => {
      if (this.#homes.get(key) === asked) this.#homes.delete(key);
    });
    return asked.lives;
  }

  count(): Promise<number> {
    return this.#redis.command((client) => client.zCard('croc:open'));
  }

  async close(): Promise<void> {
    this.#cancelBeat();
    const own = this.#own;
    this.#own = undefined;
    // So that others take its channels over at once. If Redis is away, time does the same.
    if (own !== undefined) await this.#redis.command((client) => client.del(own)).catch(() => 0);
    this.#link?.close();
    this.#watchers.clear();
    this.#heard.clear();
  }

  get #redis(): RedisLink {
    if (this.#link === undefined) throw new CrocError('store_unreachable');
    return this.#link;
  }

  #script(...call: Parameters<RedisLink['script']>): Promise<unknown> {
    return this.#redis.script(...call);
  }

  async #get(name: string): Promise<string> {
    return (await this.#redis.command((client) => client.get(channelKey(name)))) ?? '';
  }

  /** @param owner - when the state opens a channel: whom it counts for */
  async #put(
    name: string,
    seen: string,
    next: Channel,
    owner?: string,
  ): Promise<'put' | 'changed' | 'relay' | 'address'> {
    const { limits } = this.#parts;
    const before = this.#parse(seen);
    const ofOwner =
      next.status === 'open' ? next.owner : before?.status === 'open' ? before.owner : '';
    const keys = [
      channelKey(name),
      'croc:open',
      `croc:owner:${ofOwner}`,
      `croc:names:${name.length}`,
    ];
    const reply = await this.#script(PUT, keys, [
      seen,
      toText(next),
      name,
      next.status,
      next.status === 'open' ? limits.idleMs : TOMBSTONE_MS,
      sameVersion(before, next) ? '' : '1',
      owner === undefined ? '' : '1',
      limits.channels,
      limits.channelsPerAddress,
      limits.lifeMs,
    ]);
    const [result, , occupied] = v.parse(putSchema, reply);
    if (isDecimal(name) && (result === 'put' || result === 'changed'))
      this.#occupied.set(name.length, occupied);
    return result;
  }

  /**
   * Reads a state; the times in it are of no use to a step, because Redis keeps them. What somebody else wrote
   * there and is no channel counts as nothing.
   */
  #parse(text: string): Channel | undefined {
    const parsed = v.safeParse(stateSchema, parseJson(Buffer.from(text)));
    if (!parsed.success) return undefined;
    const state = parsed.output;
    const nowMs = this.#parts.clock.now();
    return state.status === 'open'
      ? { ...state, openedAtMs: nowMs, activeAtMs: nowMs }
      : { ...state, closedAtMs: nowMs };
  }

  /** Begins to hear the notices about a channel, and tells its watchers how it is by then. */
  async #hear(name: string): Promise<void> {
    this.#heard.add(name);
    try {
      await this.#redis.listen(noticeChannel(name), (text) => this.#tell(name, text));
      await this.#tellNow(name);
    } catch {
      // Held requests end by their own time, and the next one tries again.
      this.#heard.delete(name);
    }
  }

  async #tellNow(name: string): Promise<void> {
    if (!this.#watchers.has(name)) return;
    const text = await this.#get(name).catch(() => undefined);
    if (text !== undefined) this.#tell(name, text);
  }

  #tell(name: string, text: string): void {
    const channel = this.#parse(text);
    for (const changed of [...(this.#watchers.get(name) ?? [])]) changed(channel);
  }

  /** Notices may have been missed: tells every watcher how its channel is. */
  #catchUp(): void {
    for (const name of this.#watchers.keys()) {
      if (this.#heard.has(name)) void this.#tellNow(name);
      else void this.#hear(name);
    }
  }

  /** Stops to hear about channels that nobody watches. */
  #unhear(): void {
    const names = [...this.#heard].filter((name) => !this.#watchers.has(name));
    for (const name of names) this.#heard.delete(name);
    if (names.length > 0) this.#redis.ignore(names.map(noticeChannel)).catch(() => undefined);
  }

  async #askHome(other: Home, key: string): Promise<boolean> {
    // After a time without Redis nobody could say that it lives; give them all the time for it.
    const young = (this.#link?.readyMs ?? 0) < LIFE_MS;
    const beats = young || (await this.#redis.command((client) => client.exists(key))) === 1;
    return beats && !(await refuses(other));
  }

  async #beat(key: string): Promise<void> {
    this.#cancelBeat = this.#parts.clock.after(BEAT_MS, () => {
      // A store that is away hears it the next time.
      this.#beat(key).catch(() => undefined);
    });
    await this.#redis.command((client) =>
      client.set(key, '1', { expiration: { type: 'PX', value: LIFE_MS } }),
    );
  }
}

/**
 * Tells whether nothing listens at a home's first port: a process that was killed is known at once, and not
 * only when its heartbeat is over. Silence says nothing.
 */
async function refuses({ host = '127.0.0.1', ports }: Home): Promise<boolean> {
  const socket = connect({ host, port: ports[0] ?? 0, timeout: PROBE_MS });
  socket.on('timeout', () => socket.destroy(new Error('silent')));
  try {
    await once(socket, 'connect');
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}

function channelKey(name: string): string {
  return `croc:channel:${name}`;
}

function noticeChannel(name: string): string {
  return `croc:notice:${name}`;
}

function homeKey({ host = '', ports }: Home): string {
  return `croc:home:${host}:${ports.join(',')}`;
}

/** A state as Redis keeps it: without the times, which would differ with every request. */
function toText(channel: Channel): string {
  return JSON.stringify({
    ...channel,
    openedAtMs: undefined,
    activeAtMs: undefined,
    closedAtMs: undefined,
  });
}

function contended(): CrocError {
  return new CrocError('store_unreachable', { detail: 'too many changes at once' });
}
