/** The store in Redis: the same promises as the one in memory, among several relays. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../src/core/edges.js';
import { CrocError } from '../../src/core/errors.js';
import { joinAsRecipient, joinAsSender, post } from '../../src/core/relay/channel.js';
import type { Channel } from '../../src/core/relay/channel.js';
import { RedisStore } from '../../src/core/relay/redisStore.js';
import type { Opened } from '../../src/core/relay/store.js';
import { HAS_REDIS, RedisServer } from '../support/redis.js';

const HOME = { host: '127.0.0.1', ports: [1, 2] };
const OTHER = { host: '127.0.0.1', ports: [3, 4] };
const LIMITS = { channels: 1000, channelsPerAddress: 1000, idleMs: 60_000, lifeMs: 600_000 };
const asker = { address: '10.0.0.1', nowMs: 1 };

describe.skipIf(!HAS_REDIS)('a store in Redis (skipped where there is no redis-server)', () => {
  let redis: RedisServer;
  const stores: RedisStore[] = [];
  const open = async (limits: Partial<typeof LIMITS> = {}): Promise<RedisStore> => {
    const parts = { limits: { ...LIMITS, ...limits }, clock: systemClock, random: systemRandom };
    const store = await RedisStore.open(redis.url, parts);
    stores.push(store);
    return store;
  };
  const create = (
    store: RedisStore,
    name?: string,
    owner = 'a',
    uuid = 'secret',
  ): Promise<Opened> =>
    store.open(name, owner, (channel, free) =>
      joinAsSender(
        channel,
        { name: free, uuid, curve: 'p256', home: HOME },
        { address: owner, nowMs: 1 },
      ),
    );
  const say = (store: RedisStore, name: string, fields: object): Promise<unknown> =>
    store.update(name, (channel) =>
      post(channel, { channel: name, uuid: 'secret', ...fields }, asker),
    );
  const see = async (store: RedisStore, name: string): Promise<Channel | undefined> => {
    let found: Channel | undefined;
    await store.update(name, (channel) => {
      found = channel;
      return { outcome: { ok: true, value: undefined } };
    });
    return found;
  };
  const until = async (check: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const point = (): string => randomBytes(65).toString('base64');

  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis.stop());
  beforeEach(() => redis.ask('FLUSHALL'));
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
  });

  it('shows one relay what another has set, all of it', async () => {
    const [one, other] = [await open(), await open()];
    const opened = await create(one, undefined, '10.0.0.1');
    if (!opened.ok) throw new Error('not opened');
    const name = opened.value.channel;
    expect(name).toMatch(/^[1-9][0-9]$/);
    const x = point();
    await say(other, name, { x });
    const { activeAtMs, openedAtMs, ...seen } = (await see(one, name)) as Channel & {
      activeAtMs: number;
      openedAtMs: number;
    };
    expect(activeAtMs).toBe(openedAtMs);
    expect(seen).toEqual({
      ...{ status: 'open', channel: name, curve: 'p256', owner: '10.0.0.1', home: HOME, x },
      ...{ addresses: ['10.0.0.1'], sender: opened.value.sender, stapled: false, version: 2 },
    });
  });

  it('lets one of many take a role, whatever the order', async () => {
    const many = await Promise.all(Array.from({ length: 4 }, () => open()));
    await create(many[0] ?? (await open()), 'a1');
    const joins = await Promise.all(
      many.flatMap((store, at) =>
        Array.from({ length: 5 }, (_, index) =>
          store.update('a1', (channel) => joinAsRecipient(channel, `r${at}${index}`, asker)),
        ),
      ),
    );
    expect(joins.filter(({ ok }) => ok)).toHaveLength(1);
    expect(joins.filter((join) => !join.ok && join.code === 'role_taken')).toHaveLength(19);
    const opens = await Promise.all(
      many.map((store, at) => create(store, 'a2', undefined, `s${at}`)),
    );
    expect(opens.filter(({ ok }) => ok)).toHaveLength(1);
  });

  it('gives every opener another name, and longer ones as they fill up', async () => {
    const [one, other] = [await open(), await open()];
    const all = await Promise.all(
      Array.from({ length: 200 }, (_, index) => create(index % 2 === 0 ? one : other)),
    );
    const names = all.map((opened) => (opened.ok ? opened.value.channel : ''));
    expect(new Set(names).size).toBe(200);
    expect(names.every((name) => /^[1-9][0-9]{0,3}$/.test(name))).toBe(true);
    // each length is at most a tenth full, give or take those that were drawn at the same time
    expect(names.filter((name) => name.length === 1).length).toBeLessThan(9);
  });

  it('counts channels of all relays together, and those that ended no more', async () => {
    const [one, other] = [
      await open({ channels: 3, channelsPerAddress: 2 }),
      await open({ channels: 3, channelsPerAddress: 2 }),
    ];
    await create(one, 'a1', 'x');
    await create(other, 'a2', 'x');
    expect(await create(one, 'a3', 'x')).toEqual({ ok: false, quota: 'address' });
    await create(one, 'a4', 'y');
    expect(await create(other, 'a5', 'z')).toEqual({ ok: false, quota: 'relay' });
    expect(await other.count()).toBe(3);
    await say(other, 'a1', { close: true });
    expect(await one.count()).toBe(2);
    expect((await create(one, 'a6', 'x')).ok).toBe(true);
  });

  it('tells watchers at another relay of new versions and of the end', async () => {
    const [one, other] = [await open(), await open()];
    await create(one, 'c1');
    const seen = new Set<number | string>();
    const unwatch = other.watch('c1', (channel) =>
      seen.add(channel?.status === 'open' ? channel.version : (channel?.status ?? 'gone')),
    );
    await until(() => seen.has(1)); // how it is when the watch begins
    await say(one, 'c1', { x: point() });
    await until(() => seen.has(2));
    await say(one, 'c1', { close: true });
    await until(() => seen.has('closed'));
    unwatch();
    expect([...seen]).toEqual([1, 2, 'closed']);
  });

  it('closes what was idle, spares what was touched, and remembers the end', async () => {
    const [one, other] = [await open({ idleMs: 300 }), await open({ idleMs: 300 })];
    await create(one, '41');
    await create(one, 'c2');
    let expired = 0;
    await until(async () => {
      await other.touch(['c2', 'nobody']);
      const swept = await other.sweep();
      expect(swept.lifeMs).toBe(0);
      expired += swept.idleMs;
      return expired > 0;
    });
    expect(expired).toBe(1);
    expect((await see(one, '41'))?.status).toBe('closed');
    expect((await see(one, 'c2'))?.status).toBe('open');
    expect(await one.count()).toBe(1);
    expect(await create(one, '41')).toEqual({ ok: false, code: 'channel_closed' });
  });

  it('closes what has lived for too long, whatever moves in it', async () => {
    const [one, other] = [await open({ lifeMs: 300 }), await open({ lifeMs: 300 })];
    await create(one, '41');
    let expired = 0;
    await until(async () => {
      await other.touch(['41']);
      expired += (await other.sweep()).lifeMs;
      return expired > 0;
    });
    // Its parties are told why, as by a relay that keeps channels in its memory.
    expect(await see(one, '41')).toMatchObject({ status: 'closed', code: 'transfer_limit' });
    expect(await one.count()).toBe(0);
  });

  it('leaves nothing in Redis that has no end', async () => {
    const store = await open();
    await store.announce(HOME);
    for (const name of ['41', 'c2', 'c3']) await create(store, name);
    await say(store, 'c3', { close: true });
    const keys = (await redis.ask('KEYS *')).match(/croc:\S+/g) ?? [];
    expect(keys.length).toBeGreaterThan(5);
    for (const key of keys) {
      if (['croc:open', 'croc:life'].includes(key)) continue; // its members have deadlines of their own
      expect([key, Number(/:(-?\d+)/.exec(await redis.ask(`PTTL ${key}`))?.[1]) > 0]).toEqual([
        key,
        true,
      ]);
    }
  });

  it('keeps no capability in clear', async () => {
    const store = await open();
    await create(store, 'c1');
    expect(await redis.ask('GET croc:channel:c1')).not.toContain('secret');
  });

  it.each(['{', '"x"', 'null', '[1]', '{"status":"open"}', '{"status":"open","owner":7}', '%'])(
    'takes %s for no channel, whoever wrote it, and goes on',
    async (junk) => {
      const store = await open();
      await redis.ask(`SET croc:channel:c1 '${junk}'`);
      await redis.ask('ZADD croc:open 1 c1 1 nobody');
      expect(await see(store, 'c1')).toBeUndefined();
      await store.touch(['c1']);
      expect(await store.sweep()).toEqual({ idleMs: 0, lifeMs: 0 });
      expect(await create(store, 'c1')).toMatchObject({ ok: true });
      // Nor does a notice that is none end anything but one wait.
      const heard: (number | undefined)[] = [];
      const unwatch = store.watch('c1', (channel) =>
        heard.push(channel?.status === 'open' ? channel.version : undefined),
      );
      await until(() => heard.length > 0);
      await redis.ask(`PUBLISH croc:notice:c1 '${junk}'`);
      await until(() => heard.includes(undefined));
      await say(store, 'c1', { x: point() });
      await until(() => heard.includes(2));
      unwatch();
    },
  );

  it.each([0, -1, 1.5])('takes a channel with %d lanes for none', async (lanes) => {
    const store = await open();
    await create(store, 'c1');
    const answer = await redis.ask('GET croc:channel:c1');
    const kept: unknown = JSON.parse(
      answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1),
    );
    const set = (more: object): Promise<string> =>
      redis.ask(`SET croc:channel:c1 '${JSON.stringify({ ...Object(kept), ...more })}'`);
    await set({ lanes: 1 });
    expect(await see(store, 'c1')).toMatchObject({ lanes: 1 });
    await set({ lanes });
    expect(await see(store, 'c1')).toBeUndefined();
  });

  it('says that it cannot be used while keys are of another kind, and recovers', async () => {
    const store = await open();
    await redis.ask('SET croc:open junk');
    const unreachable = { code: 'store_unreachable' };
    await expect(create(store, 'c1')).rejects.toMatchObject(unreachable);
    await expect(store.sweep()).rejects.toMatchObject(unreachable);
    await redis.ask('DEL croc:open');
    expect(await create(store, 'c1')).toMatchObject({ ok: true });
    await store.sweep();
  });

  it('knows which relays live', async () => {
    const [one, other] = [await open(), await open()];
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const here = { host: '127.0.0.1', ports: [port] };
    await one.announce(here);
    await until(async () => (await redis.ask('KEYS croc:home:*')).includes(`${port}`));
    expect(await other.lives(here)).toBe(true);
    server.close();
    await one.close();
    expect(await redis.ask('KEYS croc:home:*')).not.toContain(`${port}`);
    expect(await other.lives(OTHER)).toBe(false); // nothing listens there
  });

  it('asks once whether another relay lives for all that want to know at the same time', async () => {
    const [one, other] = [await open(), await open()];
    let probes = 0;
    const server = createServer((socket) => {
      probes += 1;
      socket.destroy();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const here = { host: '127.0.0.1', ports: [(server.address() as AddressInfo).port] };
      await one.announce(here);
      const answers = await Promise.all(Array.from({ length: 50 }, () => other.lives(here)));
      expect(new Set(answers)).toEqual(new Set([true]));
      // Connections are taken in order: when this one is, the others are counted.
      await once(connect(here.ports[0] ?? 0, '127.0.0.1').resume(), 'close');
      expect(probes).toBe(2);
    } finally {
      server.close();
    }
  });

  it('refuses while Redis is away, and serves again by itself when it is back', async () => {
    const store = await open();
    await create(store, 'c1');
    const seen: string[] = [];
    const unwatch = store.watch('c1', (channel) => seen.push(channel?.status ?? 'gone'));
    await until(() => seen.length > 0);
    await redis.kill();
    await until(() => !store.ready);
    await expect(create(store, 'c2')).rejects.toMatchObject({ code: 'store_unreachable' });
    await redis.resume();
    await until(() => store.ready && seen.length > 1);
    expect([...new Set(seen)]).toEqual(['open', 'gone']); // it kept nothing, and says so
    unwatch();
    expect((await create(store, 'c2')).ok).toBe(true);
  });

  it('does not wait for a Redis that hangs', async () => {
    const store = await open();
    redis.freeze();
    try {
      await expect(create(store, 'c3')).rejects.toMatchObject({ code: 'store_unreachable' });
    } finally {
      redis.thaw();
    }
    await until(async () => {
      const again = await create(store, 'c4').catch(() => undefined);
      return again?.ok === true;
    });
  });

  it.each([
    ['http://127.0.0.1:1', 'usage'],
    ['redis', 'usage'],
    ['redis://user:hunter2@127.0.0.1:1', 'store_unreachable'],
  ])('does not start with %s: %s, and tells no password', async (url, code) => {
    const parts = { limits: LIMITS, clock: systemClock, random: systemRandom };
    const error = await RedisStore.open(url, parts).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code });
    expect(CrocError.from(error).message).not.toContain('hunter2');
  });
});
