/** Every limit of a relay, one after the other: it holds, and the operator is told each time. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RelayMetrics } from '../../src/cli/relay/metrics.js';
import type { RelayEvent } from '../../src/core/relay/events.js';
import { DEFAULT_LIMITS, PACES } from '../../src/core/relay/limits.js';
import type { CountedLimit, RelayLimits } from '../../src/core/relay/limits.js';
import { startRelay } from '../../src/core/relay/relay.js';
import type { OperatedRelay } from '../../src/core/relay/relay.js';
import { enterRoom } from '../support/crocRoom.js';
import { call, enterLane, join, point, post, verifiedPair } from './relay-client.js';
import type { Lane } from './relay-client.js';

const sender = { role: 'sender' } as const;

/** A silent connection that lives as long as the test. */
async function silent(port: number, first = ''): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  if (first !== '') socket.write(first);
  return socket;
}

interface Case {
  readonly limits: Partial<RelayLimits>;
  /** Goes over the limit. */
  readonly pass: (relay: OperatedRelay) => Promise<unknown>;
}
const twice = async (relay: OperatedRelay, body: object): Promise<void> => {
  for (let tries = 0; tries < 2; tries += 1) await call(relay, '/join', body);
};
/** 2000 bytes through a staple. @returns whoever they go to */
const pass2000 = async (relay: OperatedRelay): Promise<Lane> => {
  const both = await verifiedPair(relay);
  const up = await enterLane(relay, 0, both.sender);
  const down = await enterLane(relay, 0, both.recipient);
  up.socket.write(randomBytes(2000));
  return down;
};
const port = ({ ports }: OperatedRelay): number => ports[0] ?? 0;

/** How each limit is passed. Who adds a limit adds how. */
const CASES: Readonly<Record<CountedLimit, Case>> = {
  channels: { limits: { channels: 1 }, pass: (relay) => twice(relay, sender) },
  channelsPerAddress: { limits: { channelsPerAddress: 1 }, pass: (relay) => twice(relay, sender) },
  joinsPerMinute: { limits: { joinsPerMinute: 1 }, pass: (relay) => twice(relay, sender) },
  joinsPerMinutePerChannel: {
    limits: { joinsPerMinutePerChannel: 1 },
    pass: (relay) => twice(relay, { role: 'recipient', channel: '7' }),
  },
  failedJoins: {
    limits: { failedJoins: 0 },
    pass: (relay) => twice(relay, { role: 'recipient', channel: '7' }),
  },
  memoryBytes: { limits: { memoryBytes: 1 }, pass: (relay) => twice(relay, sender) },
  sockets: {
    limits: { sockets: 1 },
    pass: async (relay) => {
      await silent(port(relay));
      return call(relay, '/healthz', '', { method: 'GET' });
    },
  },
  socketsPerAddress: {
    limits: { socketsPerAddress: 1 },
    // More than are told: the further ones are cut without a word, and counted all the same.
    pass: async (relay) => {
      await silent(port(relay));
      await Promise.all(Array.from({ length: 70 }, () => silent(port(relay))));
    },
  },
  heldPerParty: {
    limits: { heldPerParty: 1 },
    pass: async (relay) => {
      const party = await join(relay, sender);
      const held = [post(relay, party, { since: 1 }), post(relay, party, { since: 1 })];
      await Promise.race(held);
      await post(relay, party, { x: point() });
      await Promise.all(held);
    },
  },
  identifyMs: {
    limits: { identifyMs: 50 },
    pass: (relay) => silent(port(relay), '{'),
  },
  headMs: {
    limits: { headMs: 50 },
    pass: (relay) => silent(relay.port, 'POST /join HTTP/1.1\r\n'),
  },
  requestMs: {
    limits: { headMs: 50, requestMs: 100 },
    pass: (relay) =>
      silent(relay.port, 'POST /join HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{'),
  },
  keepAliveMs: {
    limits: { keepAliveMs: 50 },
    pass: (relay) => silent(relay.port, 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'),
  },
  requestBytes: {
    limits: { requestBytes: 1024 },
    pass: (relay) => call(relay, '/join', 'x'.repeat(2000)),
  },
  idleMs: { limits: { idleMs: 1, sweepMs: 20 }, pass: (relay) => join(relay, sender) },
  lifeMs: { limits: { lifeMs: 1, sweepMs: 20 }, pass: (relay) => join(relay, sender) },
  bytesPerChannel: {
    limits: { bytesPerChannel: 1000 },
    pass: async (relay) => {
      const peer = await pass2000(relay);
      await Promise.race([peer.closed, peer.ended]);
    },
  },
  bytesPerSecond: {
    limits: { bytesPerSecond: 1000 },
    pass: async (relay) => (await pass2000(relay)).read(1),
  },
  crocRooms: {
    limits: { crocRooms: 1 },
    pass: async (relay) => {
      const first = await enterRoom(port(relay), 1, 'one');
      const gone = once(first, 'close');
      const second = await enterRoom(port(relay), 2, 'two');
      await gone;
      second.destroy();
    },
  },
  crocWaitMs: {
    limits: { crocWaitMs: 50 },
    pass: async (relay) => once(await enterRoom(port(relay), 1, 'one'), 'close'),
  },
  crocJoinsPerMinute: {
    limits: { crocJoinsPerMinute: 1 },
    pass: async (relay) => {
      const first = await enterRoom(port(relay), 1, 'one');
      await expect(enterRoom(port(relay), 1, 'two')).rejects.toThrow('rate limited');
      first.destroy();
    },
  },
  crocPending: {
    limits: { crocPending: 1 },
    pass: async (relay) => {
      await silent(port(relay), 'croc');
      const second = await silent(port(relay), 'croc');
      await once(second, 'close');
    },
  },
};

const limitOf = (event: RelayEvent): string | undefined =>
  'limit' in event ? event.limit : undefined;

describe('over the limit', () => {
  it.each(Object.keys(CASES) as CountedLimit[])('%s, the operator is told', async (limit) => {
    const { limits, pass } = CASES[limit];
    const metrics = new RelayMetrics(DEFAULT_LIMITS, '0');
    const told = new Set<string | undefined>();
    const relay = await startRelay({
      ...{ host: '127.0.0.1', port: 0, tcpPorts: [0], limits },
      onEvent: (event) => {
        told.add(limitOf(event));
        metrics.event(event);
      },
    });
    onTestFinished(() => relay.close());
    await pass(relay);
    await expect.poll(() => told.has(limit), { timeout: 10_000, interval: 10 }).toBe(true);
    const line = (await metrics.text())
      .split('\n')
      .find((one) => one.startsWith(`croc_relay_limited_total{limit="${limit}"}`));
    expect(Number(line?.split(' ').at(-1))).toBeGreaterThan(0);
  });

  it('nothing is forgotten: each limit is counted, or is a pace with a gauge', () => {
    expect([...Object.keys(CASES), ...PACES].sort()).toEqual(Object.keys(DEFAULT_LIMITS).sort());
  });
});
