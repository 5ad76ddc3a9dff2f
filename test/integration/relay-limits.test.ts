import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Relay } from '../../src/core/api.js';
import type { RelayEvent } from '../../src/core/relay/events.js';
import type { RelayLimits } from '../../src/core/relay/limits.js';
import {
  call,
  codeOf,
  enterLane,
  FakeClock,
  join,
  openLane,
  post,
  refusal,
  start,
  verifiedPair,
} from './relay-client.js';

let relay: Relay | undefined;
const clock = new FakeClock();
let events: RelayEvent[] = [];

async function limited(limits: Partial<RelayLimits>): Promise<Relay> {
  events = [];
  relay = await start({ clock, limits, onEvent: (event) => events.push(event) });
  return relay;
}
afterEach(async () => {
  await relay?.close();
});

const sender = { role: 'sender' } as const;

describe('over a limit', () => {
  it('on channels in all, a sender is told relay_full and when to come back', async () => {
    const small = await limited({ channels: 2 });
    const first = await join(small, sender);
    await join(small, sender);
    const answer = await call(small, '/join', sender, { from: '127.0.0.2' });
    expect(refusal(answer)).toBe('503 relay_full');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(events.at(-1)).toEqual({ kind: 'refused', code: 'relay_full', limit: 'channels' });
    // others go on, and a place that becomes free is given away
    await join(small, { role: 'recipient', channel: first.channel }, '127.0.0.2');
    await post(small, first, { close: true });
    expect((await call(small, '/join', sender)).status).toBe(200);
  });

  it('on channels of one address, only that address is told', async () => {
    const small = await limited({ channelsPerAddress: 1 });
    await join(small, sender);
    const answer = await call(small, '/join', sender);
    expect(refusal(answer)).toBe('429 rate_limited');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect((await call(small, '/join', sender, { from: '127.0.0.2' })).status).toBe(200);
  });

  it('on joins a minute, failed ones count too, and waiting helps', async () => {
    const small = await limited({ joinsPerMinute: 3 });
    const guess = { role: 'recipient', channel: 'guess1' };
    for (let i = 0; i < 3; i += 1)
      expect(refusal(await call(small, '/join', guess))).toBe('404 no_such_channel');
    const answer = await call(small, '/join', guess);
    expect(refusal(answer)).toBe('429 rate_limited');
    expect(answer.headers['retry-after']).toBe('20');
    expect((await call(small, '/join', sender, { from: '127.0.0.2' })).status).toBe(200);
    await clock.advance(20_000);
    expect((await call(small, '/join', sender)).status).toBe(200);
    expect((await call(small, '/join', sender)).status).toBe(429);
  });

  it.each([
    ['sockets', 'relay_full', 503],
    ['socketsPerAddress', 'rate_limited', 429],
  ] as const)('on %s, both listeners say %s', async (limit, code, status) => {
    const small = await limited({ [limit]: 3 });
    const held: Socket[] = [];
    for (const port of [small.port, small.ports[0] ?? 0, small.ports[1] ?? 0]) {
      const socket = connect({ host: '127.0.0.1', port });
      await once(socket, 'connect');
      held.push(socket);
    }
    const answer = await call(small, '/healthz', '', { method: 'GET' });
    expect(refusal(answer)).toBe(`${status} ${code}`);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    const lane = await openLane(small, 0, '');
    expect(codeOf(await lane.answer())).toBe(code);
    await lane.ended;
    lane.socket.destroy();
    const other = await call(small, '/healthz', '', { method: 'GET', from: '127.0.0.2' });
    expect(other.status).toBe(limit === 'sockets' ? 503 : 200);
    held[0]?.destroy();
    held[1]?.destroy();
    for (let now = 0; now !== 200;) {
      now = (await call(small, '/healthz', '', { method: 'GET' })).status;
      expect([200, status]).toContain(now);
    }
    for (const socket of held) socket.destroy();
  });

  it('by far, on sockets, further ones are cut without a word and cost nothing', async () => {
    const small = await limited({ sockets: 1 });
    const first = connect({ host: '127.0.0.1', port: small.port });
    await once(first, 'connect');
    const closed: Promise<unknown>[] = [];
    const flood: Socket[] = [];
    for (let i = 0; i < 100; i += 1) {
      const socket = connect({ host: '127.0.0.1', port: small.port });
      socket.on('error', () => undefined);
      closed.push(once(socket, 'close').catch(() => undefined));
      flood.push(socket);
    }
    // 64 may wait to be told why, so 36 are cut
    await Promise.race([...closed].slice(64));
    let cut = 0;
    for (const one of closed) void one.then(() => (cut += 1));
    while (cut < 36) await new Promise((resolve) => setImmediate(resolve));
    expect(cut).toBe(36);
    for (const socket of [first, ...flood]) socket.destroy();
    await Promise.all(closed);
  });
});

describe('the operator', () => {
  it('is told what happens without a name, an address or a capability', async () => {
    const watched = await limited({});
    const both = await verifiedPair(watched);
    for (const index of [0, 1])
      for (const party of [both.sender, both.recipient]) await enterLane(watched, index, party);
    await post(watched, { ...both.sender, uuid: 'wrong' });
    expect(events).toEqual([
      { kind: 'channel-opened' },
      { kind: 'stapled' },
      { kind: 'refused', code: 'unauthorized' },
    ]);
  });
});
