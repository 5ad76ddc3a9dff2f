import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { closed, joinAsSender, post } from '../../src/core/relay/channel.js';
import type { Channel } from '../../src/core/relay/channel.js';
import { MemoryStore } from '../../src/core/relay/store.js';
import type { Opened } from '../../src/core/relay/store.js';

const LIMITS = { channels: 100_000, channelsPerAddress: 100_000 };
const store = (limits = LIMITS, nameDigits?: number): MemoryStore =>
  new MemoryStore(limits, (n) => randomBytes(n), nameDigits);

function open(into: MemoryStore, name?: string, address = '10.0.0.1', nowMs = 0): Promise<Opened> {
  return into.open(name, address, (channel, free) =>
    joinAsSender(
      channel,
      { name: free, uuid: 'secret', curve: 'p256', home: { ports: [1] } },
      { address, nowMs },
    ),
  );
}

const nameOf = (opened: Opened): string => (opened.ok ? opened.value.channel : '');

describe('names that the relay chooses', () => {
  it('have as few digits as keep the occupied share under a tenth', async () => {
    const channels = store();
    const lengths = new Map<number, number>();
    const names = new Set<string>();
    for (let i = 0; i < 1100; i += 1) {
      const name = nameOf(await open(channels));
      expect(name).toMatch(/^[1-9][0-9]*$/);
      names.add(name);
      lengths.set(name.length, (lengths.get(name.length) ?? 0) + 1);
    }
    expect(names.size).toBe(1100);
    expect([...lengths]).toEqual([
      [2, 8],
      [3, 89],
      [4, 899],
      [5, 104],
    ]);
  });

  it('have at least as many digits as are wished', async () => {
    const channels = store(LIMITS, 4);
    for (let count = 0; count < 20; count += 1)
      expect(nameOf(await open(channels))).toMatch(/^[1-9][0-9]{3}$/);
  });

  it('become short again when short names are free', async () => {
    const channels = store();
    for (let i = 0; i < 8; i += 1) await open(channels);
    expect(nameOf(await open(channels))).toHaveLength(3);
    await channels.sweep(600_000, { idleMs: 600_000, lifeMs: 10_000_000 }); // closed, still remembered
    expect(nameOf(await open(channels, undefined, 'a', 600_000))).toHaveLength(3);
    await channels.sweep(660_000, { idleMs: 600_000, lifeMs: 10_000_000 }); // forgotten
    expect(nameOf(await open(channels, undefined, 'a', 660_000))).toHaveLength(2);
  });

  it('are drawn from the whole range, never one that is in use', async () => {
    const channels = store();
    for (let name = 10; name <= 98; name += 1) await open(channels, String(name));
    for (let name = 100; name < 999; name += 1) await open(channels, String(name));
    expect(nameOf(await open(channels))).toHaveLength(4);
    const drawn = new Set<string>();
    for (let i = 0; i < 400; i += 1) {
      const fresh = store();
      drawn.add(nameOf(await open(fresh)));
    }
    expect(drawn.size).toBeGreaterThan(80);
    expect(drawn.has('99') || drawn.has('98') || drawn.has('97')).toBe(true);
  });
});

describe('the memory store', () => {
  it('holds the limits in all and per address, and counts closed channels out', async () => {
    const channels = store({ channels: 3, channelsPerAddress: 2 });
    await open(channels, 'a1', 'x');
    await open(channels, 'a2', 'x');
    expect(await open(channels, 'a3', 'x')).toEqual({ ok: false, quota: 'address' });
    await open(channels, 'a3', 'y');
    expect(await open(channels, 'a4', 'z')).toEqual({ ok: false, quota: 'relay' });
    expect(await channels.count()).toBe(3);
    await channels.update('a1', () => ({
      outcome: { ok: true, value: undefined },
      next: closed('a1', 0),
    }));
    expect(await channels.count()).toBe(2);
    expect((await open(channels, 'a4', 'x')).ok).toBe(true);
  });

  it('tells watchers of new versions and of the end, and of nothing else', async () => {
    const channels = store();
    await open(channels, 'c1');
    const seen: (number | string)[] = [];
    const unwatch = channels.watch('c1', (channel: Channel) =>
      seen.push(channel.status === 'open' ? channel.version : channel.status),
    );
    const asker = { address: '10.0.0.1', nowMs: 1 };
    const x = Buffer.alloc(65).toString('base64');
    const send = (fields: object): Promise<unknown> =>
      channels.update('c1', (channel) =>
        post(channel, { channel: 'c1', uuid: 'secret', ...fields }, asker),
      );
    await send({});
    await send({ x });
    await send({ x });
    await channels.touch(['c1', 'nobody'], 5);
    await send({ close: true });
    await send({ close: true });
    unwatch();
    expect(seen).toEqual([2, 'closed']);
  });

  it('closes what was idle, spares what was touched, and forgets a minute later', async () => {
    const channels = store();
    await open(channels, 'c1');
    await open(channels, 'c2');
    await channels.touch(['c2'], 500);
    const life = { idleMs: 1000, lifeMs: 10_000_000 };
    expect(await channels.sweep(999, life)).toEqual({ idleMs: 0, lifeMs: 0 });
    expect(await channels.sweep(1000, life)).toEqual({ idleMs: 1, lifeMs: 0 });
    const status = async (name: string): Promise<string | undefined> => {
      let found: string | undefined;
      await channels.update(name, (channel) => {
        found = channel?.status;
        return { outcome: { ok: true, value: undefined } };
      });
      return found;
    };
    expect([await status('c1'), await status('c2')]).toEqual(['closed', 'open']);
    await channels.sweep(60_999, { idleMs: 100_000, lifeMs: 10_000_000 });
    expect(await status('c1')).toBe('closed');
    await channels.sweep(61_000, { idleMs: 100_000, lifeMs: 10_000_000 });
    expect([await status('c1'), await status('c2')]).toEqual([undefined, 'open']);
  });
});
