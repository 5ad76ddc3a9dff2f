/** What only the operator of a relay decides: password, limits on data, draining, addresses. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import type { RelayEvent } from '../../src/core/relay/events.js';
import { startRelay } from '../../src/core/relay/relay.js';
import type { OperatedRelay, RelaySetup } from '../../src/core/relay/relay.js';
import { enterRoom } from '../support/crocRoom.js';
import {
  call,
  codeOf,
  enterLane,
  FakeClock,
  firstLine,
  join,
  keys,
  openLane,
  pair,
  point,
  post,
  refusal,
  verifiedPair,
} from './relay-client.js';
import type { Lane } from './relay-client.js';

const events: RelayEvent[] = [];
const open: OperatedRelay[] = [];

async function operated(setup: RelaySetup = {}): Promise<OperatedRelay> {
  events.length = 0;
  const relay = await startRelay({
    ...{ host: '127.0.0.1', port: 0, tcpPorts: [0] },
    onEvent: (event) => events.push(event),
    ...setup,
  });
  open.push(relay);
  return relay;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((relay) => relay.close()));
});

const get = { method: 'GET' } as const;
const sender = { role: 'sender' } as const;
const bearer = (text: string): { headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${Buffer.from(text).toString('base64')}` },
});

/** Resolves when the relay has cut a lane, with a reset or just an end. */
const cut = async ({ ended, closed }: Lane): Promise<void> => Promise.race([ended, closed]);

describe('a relay with a password', () => {
  it('lets nobody join or go on without it, and says so', async () => {
    const relay = await operated({ password: 'hand in hand' });
    const none = await call(relay, '/join', sender);
    expect(refusal(none)).toBe('401 relay_password');
    expect(none.headers['www-authenticate']).toMatch(/^Bearer/);
    expect(refusal(await call(relay, '/join', sender, bearer('hand')))).toBe('401 relay_password');
    const joined = await call(relay, '/join', sender, bearer('hand in hand'));
    expect(joined.status).toBe(200);
    const { channel, uuid } = joined.body;
    expect(refusal(await call(relay, '/channel', { channel, uuid }))).toBe('401 relay_password');
    const right = await call(relay, '/channel', { channel, uuid }, bearer('hand in hand'));
    expect(right.status).toBe(200);
    expect((await call(relay, '/healthz', '', get)).status).toBe(200);
  });

  it('makes guessing it slow, for the guesser only', async () => {
    const relay = await operated({ password: 'right', limits: { failedJoins: 1 } });
    for (const guess of ['a', 'b'])
      expect(refusal(await call(relay, '/join', sender, bearer(guess)))).toBe('401 relay_password');
    const slowed = await call(relay, '/join', sender, bearer('right'));
    expect(refusal(slowed)).toBe('429 rate_limited');
    expect(Number(slowed.headers['retry-after'])).toBeGreaterThan(0);
    const other = await call(relay, '/join', sender, { ...bearer('right'), from: '127.0.0.2' });
    expect(other.status).toBe(200);
  });
});

describe('guessing codes', () => {
  it('of channels that are not there makes the next try wait, longer each time', async () => {
    const clock = new FakeClock();
    const relay = await operated({ clock, limits: { failedJoins: 1 } });
    const guess = { role: 'recipient', channel: '99' };
    const waits: number[] = [];
    expect(refusal(await call(relay, '/join', guess))).toBe('404 no_such_channel'); // free
    for (let tries = 0; tries < 4; tries += 1) {
      expect(refusal(await call(relay, '/join', guess))).toBe('404 no_such_channel');
      const answer = await call(relay, '/join', guess);
      const wait = Number(answer.headers['retry-after']);
      expect(answer.body).toMatchObject({ error: { retry_after: wait } });
      waits.push(wait);
      await clock.advance(wait * 1000);
    }
    expect(waits).toEqual([1, 2, 4, 8]);
    expect(events.at(-1)).toMatchObject({ code: 'rate_limited', limit: 'failedJoins' });
  });

  it('counts the one that burns a code three times', async () => {
    const relay = await operated({ limits: { failedJoins: 2 } });
    const both = await pair(relay);
    await post(relay, both.sender, { x: point() });
    await post(relay, both.recipient, { y: point(), hh_k: keys().hh_k });
    await post(relay, both.sender, { close: true }); // as a sender does that sees a wrong proof
    const again = { role: 'recipient', channel: '7' };
    const guesser = await call(relay, '/join', again, { from: '127.0.0.2' });
    expect(refusal(guesser)).toBe('429 rate_limited');
    expect((await call(relay, '/join', sender)).status).toBe(200);
  });
});

describe('limits on what passes', () => {
  it('end a channel with more bytes than may pass, and say why for a minute', async () => {
    const relay = await operated({ limits: { bytesPerChannel: 100_000 } });
    const both = await verifiedPair(relay);
    const up = await enterLane(relay, 0, both.sender);
    const down = await enterLane(relay, 0, both.recipient);
    up.socket.write(randomBytes(150_000));
    await Promise.all([cut(up), cut(down)]);
    for (const party of [both.sender, both.recipient])
      expect(refusal(await post(relay, party))).toBe('410 transfer_limit');
    const lane = await openLane(relay, 0, firstLine(both.sender));
    expect(codeOf(await lane.answer())).toBe('transfer_limit');
    expect(events).toContainEqual({
      kind: 'refused',
      code: 'transfer_limit',
      limit: 'bytesPerChannel',
    });
  });

  it('count a channel’s bytes over all of its connections, one after the other', async () => {
    const relay = await operated({ limits: { bytesPerChannel: 100_000 } });
    const both = await verifiedPair(relay);
    for (let turn = 0; turn < 2; turn += 1) {
      const up = await enterLane(relay, 0, both.sender);
      const down = await enterLane(relay, 0, both.recipient);
      up.socket.end(randomBytes(60_000));
      expect((await down.read(60_000)).length).toBe(60_000);
      down.socket.end();
      await Promise.all([up.closed, down.closed]);
    }
    expect(refusal(await post(relay, both.sender))).toBe('410 transfer_limit');
  });

  it('slow a channel to its rate without losing a byte', async () => {
    const clock = new FakeClock();
    const relay = await operated({ clock, limits: { bytesPerSecond: 200_000 } });
    const both = await verifiedPair(relay);
    const up = await enterLane(relay, 0, both.sender);
    const down = await enterLane(relay, 0, both.recipient);
    const sent = randomBytes(2_000_000);
    up.socket.end(sent);
    let arrived = 0;
    down.socket.on('data', (chunk: Buffer) => (arrived += chunk.length));
    const all = down.read(sent.length);
    let seconds = 0;
    while (arrived < sent.length) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      await clock.advance(100);
      seconds += 0.1;
      // A second's worth at once, and one chunk of the socket may always be on its way.
      expect(arrived).toBeLessThanOrEqual(200_000 * (1 + seconds) + 128 * 1024);
    }
    expect((await all).equals(sent)).toBe(true);
    expect(events).toContainEqual({ kind: 'limited', limit: 'bytesPerSecond' });
  });

  it('end a channel that is older than it may be, however busy it is', async () => {
    const clock = new FakeClock();
    const relay = await operated({ clock, limits: { lifeMs: 50_000, idleMs: 20_000 } });
    const party = await join(relay, sender);
    for (let ms = 0; ms < 60_000; ms += 10_000) {
      await post(relay, party);
      await clock.advance(10_000);
    }
    expect(refusal(await post(relay, party))).toBe('410 transfer_limit');
    expect(events).toContainEqual({ kind: 'channels-expired', limit: 'lifeMs', count: 1 });
  });

  it('on the size of requests are the operator’s', async () => {
    const relay = await operated({ limits: { requestBytes: 1024 } });
    const long = JSON.stringify({ ...sender, more: 'x'.repeat(1024) });
    expect(refusal(await call(relay, '/join', long))).toBe('413 too_large');
    expect(events).toEqual([{ kind: 'refused', code: 'too_large', limit: 'requestBytes' }]);
  });

  it('on memory say relay_full and when to come back', async () => {
    const relay = await operated({ limits: { memoryBytes: 1 } });
    const answer = await call(relay, '/join', sender);
    expect(refusal(answer)).toBe('503 relay_full');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });
});

describe('draining', () => {
  it('opens no channel and is not ready, but alive; running transfers end by themselves', async () => {
    const relay = await operated();
    expect((await call(relay, '/healthz/ready', '', get)).body).toEqual({ ready: true });
    const both = await verifiedPair(relay);
    const waiting = await join(relay, sender);
    const drained = relay.drain(600_000);
    const refused = await call(relay, '/join', sender);
    expect(refusal(refused)).toBe('503 relay_draining');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    const ready = await call(relay, '/healthz/ready', '', get);
    expect([ready.status, ready.body]).toEqual([503, { ready: false }]);
    expect((await call(relay, '/healthz', '', get)).status).toBe(200);

    const up = await enterLane(relay, 0, both.sender);
    const down = await enterLane(relay, 0, both.recipient);
    const content = randomBytes(100_000);
    up.socket.write(content);
    expect((await down.read(content.length)).equals(content)).toBe(true);
    // A code that is told already may still be used.
    const late = await join(relay, { role: 'recipient', channel: waiting.channel }, '127.0.0.2');
    expect(await relay.gauges()).toMatchObject({ draining: true, pairs: 2 });
    await post(relay, both.recipient, { close: true });
    await post(relay, late, { close: true });
    await drained;
    await relay.closed;
    await expect(call(relay, '/healthz', '', get)).rejects.toThrow();
  });

  it('ends at once when nothing runs', async () => {
    const relay = await operated();
    await join(relay, sender); // waits for nobody yet
    await relay.drain(600_000);
    await relay.closed;
  });

  it('waits no longer than it may', async () => {
    const clock = new FakeClock();
    const relay = await operated({ clock });
    const both = await verifiedPair(relay);
    const up = await enterLane(relay, 0, both.sender);
    let over = false;
    const drained = relay.drain(30_000).then(() => (over = true));
    await clock.advance(29_999);
    expect(over).toBe(false);
    await clock.advance(1);
    await drained;
    await cut(up);
  });
});

describe('draining with croc clients', () => {
  it('lets a pair end and lets nobody new begin to wait', async () => {
    const relay = await operated();
    const [port = 0] = relay.ports;
    const room = 'a room';
    const one = await enterRoom(port, 1, room);
    const other = await enterRoom(port, 2, room);
    const alone = await enterRoom(port, 3, 'another room');
    expect(await relay.gauges()).toMatchObject({ crocRooms: 2, pairs: 0 });
    let over = false;
    const drained = relay.drain(600_000).then(() => (over = true));
    await expect(enterRoom(port, 4, 'a new room')).rejects.toThrow('room full');
    // Whoever waits may still be met.
    const late = await enterRoom(port, 5, 'another room');
    late.destroy();
    await once(alone, 'close');
    const heard = once(one, 'data');
    other.write('the last words');
    await heard;
    expect(over).toBe(false);
    other.destroy();
    await drained;
    expect(one.destroyed || (await once(one, 'close').then(() => true))).toBe(true);
  });
});

describe('addresses', () => {
  it('are bound several at once, under the same ports', async () => {
    const relay = await operated({ hosts: ['127.0.0.1', '127.0.0.3', '::1'] });
    const [lane] = relay.ports;
    for (const host of ['127.0.0.1', '127.0.0.3', '[::1]']) {
      const answer = await fetch(`http://${host}:${relay.port}/healthz`);
      expect(answer.status).toBe(200);
      expect(await fetch(`http://${host}:${lane ?? 0}/`).catch(() => 'open')).toBe('open');
    }
    await expect(fetch(`http://127.0.0.2:${relay.port}/healthz`)).rejects.toThrow();
  });

  it('of the kind ::1 are clients like any other', async () => {
    const relay = await operated({ host: '::1' });
    const asked = await fetch(`${relay.url}/join`, { method: 'POST', body: '{"role":"sender"}' });
    expect(asked.status).toBe(200);
  });

  it('are told to an operator who asked for them, and to no other', async () => {
    for (const tellAddresses of [true, false]) {
      const relay = await operated({ tellAddresses });
      await join(relay, sender, '127.0.0.5');
      await call(relay, '/join', { role: 'recipient', channel: '9x' }, { from: '127.0.0.6' });
      expect(JSON.stringify(events).includes('127.0.0.')).toBe(tellAddresses);
      expect(events.map((event) => 'address' in event)).toEqual([tellAddresses, tellAddresses]);
    }
  });

  it('in X-Forwarded-For count from a listed proxy only, and only what it saw itself', async () => {
    const relay = await operated({
      trustedProxies: ['127.0.0.9/32'],
      limits: { channelsPerAddress: 1 },
    });
    const say = (from: string, forwarded: string): Promise<number> =>
      call(relay, '/join', sender, { from, headers: { 'x-forwarded-for': forwarded } }).then(
        ({ status }) => status,
      );
    // A client that is no proxy is itself, whatever it says.
    expect(await say('127.0.0.1', '198.51.100.1')).toBe(200);
    expect(await say('127.0.0.1', '198.51.100.2')).toBe(429);
    // The proxy appends what it saw; what the client put before that counts for nothing.
    expect(await say('127.0.0.9', '198.51.100.3')).toBe(200);
    expect(await say('127.0.0.9', '203.0.113.1, 198.51.100.3')).toBe(429);
    expect(await say('127.0.0.9', '198.51.100.3, 198.51.100.4')).toBe(200);
    // IPv6 counts by /64 there, too.
    expect(await say('127.0.0.9', '2001:db8:0:1::1')).toBe(200);
    expect(await say('127.0.0.9', '2001:db8:0:1:ffff::2')).toBe(429);
    expect(await say('127.0.0.9', '2001:db8:0:2::1')).toBe(200);
  });
});
