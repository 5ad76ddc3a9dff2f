import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Relay } from '../../src/core/api.js';
import { rehome } from '../../src/core/relay/channel.js';
import type { Channel } from '../../src/core/relay/channel.js';
import { DEFAULT_LIMITS } from '../../src/core/relay/limits.js';
import { MemoryStore } from '../../src/core/relay/store.js';
import {
  codeOf,
  enterLane,
  FakeClock,
  firstLine,
  keys,
  openLane,
  pair,
  point,
  post,
  start,
  verifiedPair,
} from './relay-client.js';
import type { Lane, Party } from './relay-client.js';

let relay: Relay;
beforeAll(async () => {
  relay = await start({ limits: { joinsPerMinute: 100_000 } });
});
afterAll(() => relay.close());

interface Stapled {
  readonly sender: Party;
  readonly recipient: Party;
  readonly up: Lane;
  readonly down: Lane;
}

/** Both parties on port number 0: `up` is the sender's connection, `down` the recipient's. */
async function stapled(on = relay): Promise<Stapled> {
  const both = await verifiedPair(on);
  const up = await enterLane(on, 0, both.sender);
  const down = await enterLane(on, 0, both.recipient);
  return { ...both, up, down };
}

async function refusedWith(
  index: number,
  first: string | Uint8Array,
  from?: string,
): Promise<unknown> {
  const lane = await openLane(relay, index, first, from);
  const answer = await lane.answer();
  await lane.ended;
  lane.socket.destroy();
  return codeOf(answer);
}

describe('a further lane', () => {
  it('goes by its number, at a port that it shares', async () => {
    const { sender, recipient, up, down } = await stapled();
    const more = async (party: Party): Promise<Lane> => {
      const lane = await openLane(relay, 0, firstLine(party, { lane: relay.ports.length }));
      expect(await lane.answer()).toEqual({ ok: true });
      return lane;
    };
    const [more1, more2] = [await more(sender), await more(recipient)];
    more1.socket.write('further');
    up.socket.write('first');
    expect([await more2.read(7), await down.read(5)]).toEqual([
      Buffer.from('further'),
      Buffer.from('first'),
    ]);
  });

  it.each([
    ['at a port that is not its own', { lane: 1 }, 'bad_request'],
    ['with a number beyond 16', { lane: 16 }, 'bad_request'],
    ['with a number that is none', { lane: -1 }, 'bad_request'],
  ])('is refused %s', async (_, fields, code) => {
    const { sender } = await verifiedPair(relay);
    expect(await refusedWith(0, firstLine(sender, fields))).toBe(code);
  });
});

describe('the first line', () => {
  it.each([
    ['no JSON', 'hello\n'],
    ['nothing', '\n'],
    ['a line of another kind', '{"channel":"417"}\n'],
    ['invalid UTF-8', Buffer.from('7b2263ff227d0a', 'hex')],
  ])('is refused when it is %s', async (_, line) => {
    expect(await refusedWith(0, line)).toBe('bad_request');
  });

  it('may be 512 bytes long with its end, and no longer', async () => {
    const { sender } = await verifiedPair(relay);
    const { channel, uuid } = sender;
    const padded = (bytes: number): string => {
      const bare = JSON.stringify({ channel, uuid, pad: '' }).length + 1;
      return `${JSON.stringify({ channel, uuid, pad: 'a'.repeat(bytes - bare) })}\n`;
    };
    expect(padded(512)).toHaveLength(512);
    expect(await refusedWith(0, padded(513))).toBe('too_large');
    expect(await refusedWith(0, 'a'.repeat(512))).toBe('too_large');
    expect(await refusedWith(0, 'a'.repeat(100_000))).toBe('too_large');
    const lane = await openLane(relay, 0, padded(512));
    expect(await lane.answer()).toEqual({ ok: true });
  });

  it('may come a byte at a time, with the stream behind it in any cut', async () => {
    const { sender, recipient } = await verifiedPair(relay);
    const down = await enterLane(relay, 0, recipient);
    const up = await openLane(relay, 0, '');
    up.socket.setNoDelay(true);
    const bytes = Buffer.concat([Buffer.from(firstLine(sender)), Buffer.from('first \n bytes')]);
    for (const byte of bytes) {
      await new Promise<void>((resolve) => up.socket.write(Uint8Array.of(byte), () => resolve()));
    }
    expect(await up.answer()).toEqual({ ok: true });
    expect((await down.read(13)).toString()).toBe('first \n bytes');
  });

  it('is waited for ten seconds', async () => {
    const clock = new FakeClock();
    const slow = await start({ clock });
    try {
      const lane = await openLane(slow, 0, '{"channel":');
      while (clock.pending < 2) await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(9_999);
      expect((await slow.stats()).connections).toBe(1);
      expect(lane.socket.readableEnded).toBe(false);
      await clock.advance(1);
      expect(codeOf(await lane.answer())).toBe('bad_request');
      await lane.ended;
      await clock.advance(1_000); // the time to read the answer
      await gone(slow);
    } finally {
      await slow.close();
    }
  });

  it('may be anything without harm', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 2000 }), async (bytes) => {
        const lane = await openLane(relay, 1, bytes);
        lane.socket.end();
        const code = codeOf(await lane.answer());
        await lane.closed;
        const whole = Buffer.from(bytes).includes(10) || bytes.length >= 512;
        expect(code === undefined ? !whole : ['bad_request', 'too_large'].includes(code)).toBe(
          true,
        );
      }),
      { numRuns: 100 },
    );
    const { up, down } = await stapled();
    up.socket.write('still here');
    expect((await down.read(10)).toString()).toBe('still here');
  });
});

describe('letting in', () => {
  it('needs a channel, a capability, and h_k', async () => {
    expect(await refusedWith(0, '{"channel":"no1","uuid":"x"}\n')).toBe('no_such_channel');
    const { sender, recipient } = await pair(relay);
    const { h_k, hh_k } = keys();
    expect(await refusedWith(0, firstLine({ ...sender, uuid: 'x' }))).toBe('unauthorized');
    expect(await refusedWith(0, firstLine(sender))).toBe('out_of_order');
    await post(relay, sender, { x: point() });
    await post(relay, recipient, { y: point(), hh_k });
    expect(await refusedWith(0, firstLine(recipient), '127.0.0.2')).toBe('out_of_order');
    await post(relay, sender, { h_k });
    const lane = await openLane(relay, 0, firstLine(recipient), '127.0.0.2');
    expect(await lane.answer()).toEqual({ ok: true });
  });

  it('belongs to the newest connection of a party: a waiting older one is closed', async () => {
    const { sender, recipient } = await stapled();
    const first = await enterLane(relay, 1, sender);
    first.socket.write('first');
    const second = await enterLane(relay, 1, sender);
    await first.ended;
    const peer = await enterLane(relay, 1, recipient);
    second.socket.write('second');
    expect((await peer.read(6)).toString()).toBe('second');
  });

  it.each(['sender', 'recipient'] as const)(
    'that the %s opens again cuts the staple, so that both come again',
    async (who) => {
      const both = await stapled();
      // The older connection is alive: a network that was cut looks like this to the relay.
      const other = who === 'sender' ? 'recipient' : 'sender';
      const again = await enterLane(relay, 0, both[who]);
      await Promise.all([both.up.ended, both.down.ended]);
      const peer = await enterLane(relay, 0, both[other]);
      peer.socket.write('again');
      expect((await again.read(5)).toString()).toBe('again');
    },
  );

  it('is not taken over with a wrong uuid', async () => {
    const { sender, up, down } = await stapled();
    const stranger = firstLine({ ...sender, uuid: 'x'.repeat(32) });
    expect(await refusedWith(0, stranger)).toBe('unauthorized');
    up.socket.write('still here');
    expect((await down.read(10)).toString()).toBe('still here');
  });

  it('tells of the staple only when every port has one', async () => {
    const { sender, recipient } = await stapled();
    expect((await post(relay, sender)).body).toMatchObject({ stapled: false, version: 4 });
    const waiting = post(relay, sender, { since: 4 });
    await enterLane(relay, 1, recipient);
    await enterLane(relay, 1, sender);
    expect((await waiting).body).toMatchObject({ stapled: true, version: 5 });
    expect((await post(relay, recipient)).body).toMatchObject({ stapled: true, version: 5 });
  });
});

describe('a staple', () => {
  it('passes bytes unchanged both ways, early ones in front', async () => {
    const { sender, recipient } = await verifiedPair(relay);
    const early = randomBytes(50_000);
    const up = await openLane(relay, 0, Buffer.concat([Buffer.from(firstLine(sender)), early]));
    expect(await up.answer()).toEqual({ ok: true });
    const more = randomBytes(20_000);
    up.socket.write(more);
    const down = await openLane(relay, 0, `${firstLine(recipient)}hello`, '127.0.0.2');
    expect(await down.answer()).toEqual({ ok: true });
    const late = randomBytes(3_000_000);
    up.socket.write(late);
    const back = randomBytes(2_000_000);
    down.socket.write(back);
    const sent = Buffer.concat([early, more, late]);
    expect(hash(await down.read(sent.length))).toBe(hash(sent));
    expect((await up.read(5)).toString()).toBe('hello');
    expect(hash(await up.read(back.length))).toBe(hash(back));
    const { bytes } = await relay.stats();
    expect(bytes).toBeGreaterThanOrEqual(sent.length + back.length + 5);
  });

  it('keeps lanes and channels apart', async () => {
    const all = await Promise.all([stapled(), stapled(), stapled()]);
    await Promise.all(
      all.map(async ({ sender, recipient, up, down }, i) => {
        const up1 = await enterLane(relay, 1, sender);
        const down1 = await enterLane(relay, 1, recipient);
        up.socket.write(`a${i}`);
        up1.socket.write(`b${i}`);
        expect((await down.read(2)).toString()).toBe(`a${i}`);
        expect((await down1.read(2)).toString()).toBe(`b${i}`);
      }),
    );
  });

  it('passes the end of one direction through and leaves the other open', async () => {
    const { up, down } = await stapled();
    up.socket.end('last words');
    expect((await down.read(10)).toString()).toBe('last words');
    await down.ended;
    down.socket.write('still talking');
    expect((await up.read(13)).toString()).toBe('still talking');
    down.socket.end();
    await Promise.all([up.closed, down.closed]);
    expect(up.socket.errored ?? down.socket.errored).toBeNull();
  });

  it('lets a slow receiver have everything after both sides have ended', async () => {
    const { up, down } = await stapled();
    down.socket.end();
    await up.ended;
    const data = randomBytes(16 << 20);
    up.socket.end(data);
    down.socket.on('data', () => {
      down.socket.pause();
      setImmediate(() => down.socket.resume());
    });
    expect(hash(await down.read(data.length))).toBe(hash(data));
  });

  it('passes an end through that came before the other party', async () => {
    const { sender, recipient } = await verifiedPair(relay);
    const up = await openLane(relay, 0, `${firstLine(sender)}all I have`);
    await up.answer();
    up.socket.end();
    const down = await enterLane(relay, 0, recipient);
    expect((await down.read(10)).toString()).toBe('all I have');
    await down.ended;
    down.socket.end('thanks');
    expect((await up.read(6)).toString()).toBe('thanks');
    await up.closed;
  });

  it.each(['up', 'down'] as const)('dies with its %s side', async (side) => {
    const both = await stapled();
    const other = side === 'up' ? both.down : both.up;
    both[side].socket.resetAndDestroy();
    await other.read(1);
    other.socket.end();
    await other.closed;
  });

  it('makes a fast sender wait for a receiver that never reads, in bounded memory', async () => {
    const { up, down } = await stapled();
    down.socket.pause();
    const chunk = randomBytes(1 << 20);
    const before = process.memoryUsage().rss;
    let accepted = 0;
    // Writes until nothing was taken for a while: the system's buffers are full and so are ours.
    for (;;) {
      const taken = await Promise.race([
        new Promise<true>((resolve) => up.socket.write(chunk, () => resolve(true))),
        new Promise<false>((resolve) => setTimeout(() => resolve(false), 500)),
      ]);
      if (!taken) break;
      accepted += chunk.length;
      expect(accepted).toBeLessThan(64 << 20);
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(48 << 20);
    // Once it reads, everything comes, in order.
    down.socket.resume();
    const first = await down.read(chunk.length);
    expect(hash(first)).toBe(hash(chunk));
  });

  it('holds back who sends early and finds nobody', async () => {
    const { sender, recipient } = await verifiedPair(relay);
    const up = await enterLane(relay, 0, sender);
    const data = randomBytes(32 << 20);
    const written = new Promise<void>((resolve) => up.socket.write(data, () => resolve()));
    const stuck = await Promise.race([
      written.then(() => false),
      new Promise<true>((resolve) => setTimeout(() => resolve(true), 500)),
    ]);
    expect(stuck).toBe(true);
    const down = await enterLane(relay, 0, recipient);
    expect(hash(await down.read(data.length))).toBe(hash(data));
    await written;
  });

  it.each(['sender', 'recipient'] as const)(
    'is cut when the %s closes the channel',
    async (who) => {
      const both = await stapled();
      const waiting = await enterLane(relay, 1, both.sender);
      await post(relay, both[who], { close: true });
      await Promise.all(
        [both.up, both.down, waiting].map(async (lane) => {
          await lane.read(1);
          lane.socket.end();
          await lane.closed;
        }),
      );
    },
  );
});

describe('what is over', () => {
  it('leaves no watch, no timer and no connection behind', async () => {
    const clock = new FakeClock();
    const store = new WatchedStore(DEFAULT_LIMITS, (length) => randomBytes(length));
    const watched = await start({ clock, channelStore: store });
    try {
      const idle = clock.pending;
      const { sender, up, down } = await stapled(watched);
      expect(store.watching).toBe(2); // by the lanes, and for a drain that waits for the pair
      const refused = await openLane(watched, 0, firstLine({ ...sender, uuid: 'x' }));
      expect(codeOf(await refused.answer())).toBe('unauthorized');
      for (const lane of [refused, up, down]) lane.socket.resetAndDestroy();
      await gone(watched);
      expect([store.watching, clock.pending]).toEqual([1, idle]);
      await post(watched, sender, { close: true });
      expect(store.watching).toBe(0);
    } finally {
      await watched.close();
    }
  });
});

/** A store that knows how many watch it. */
class WatchedStore extends MemoryStore {
  watching = 0;

  override watch(name: string, changed: (channel: Channel) => void): () => void {
    const unwatch = super.watch(name, changed);
    this.watching += 1;
    return () => {
      this.watching -= 1;
      unwatch();
    };
  }
}

describe('a channel that another process took over from one that lives', () => {
  it('lets go of whoever waits here, and leaves alone what is stapled', async () => {
    const store = new MemoryStore(DEFAULT_LIMITS, randomBytes);
    const own = await start({ channelStore: store });
    try {
      const { sender, up, down } = await stapled(own);
      const waiting = await enterLane(own, 1, sender);
      await store.update(sender.channel, (channel) => {
        if (channel?.status !== 'open') throw new Error('not open');
        return rehome(channel, channel.home, { host: '127.0.0.1', ports: [9, 10] });
      });
      await waiting.ended;
      up.socket.write('still here');
      expect((await down.read(10)).toString()).toBe('still here');
    } finally {
      await own.close();
    }
  });
});

describe('random traffic', () => {
  it('arrives as it was sent, whatever the cuts', async () => {
    const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 5000 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(pieces, pieces, async (there, back) => {
        const { up, down } = await stapled();
        for (const piece of there) up.socket.write(piece);
        up.socket.end();
        for (const piece of back) down.socket.write(piece);
        down.socket.end();
        const [sent, returned] = [Buffer.concat(there), Buffer.concat(back)];
        expect(hash(await down.read(sent.length + 1))).toBe(hash(sent));
        expect(hash(await up.read(returned.length + 1))).toBe(hash(returned));
        await Promise.all([up.closed, down.closed]);
      }),
      { numRuns: 30 },
    );
  });
});

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Waits until a relay has no connection on its lanes. */
async function gone(from: Relay): Promise<void> {
  while ((await from.stats()).connections > 0) await new Promise((r) => setImmediate(r));
}
