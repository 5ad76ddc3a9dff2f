/**
 * How long saying farewell takes is nothing that a clock here measures: its timer never fires in these tests, so a
 * farewell that waits for it never ends.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { CrocError } from '../../src/core/errors.js';
import type { Receiver } from '../../src/core/transfer/inbound.js';
import { Inbound } from '../../src/core/transfer/inbound.js';
import { Session } from '../../src/core/transfer/session.js';
import type { Flow } from '../../src/core/transfer/session.js';
import type { Role } from '../../src/core/types.js';
import { RecordType } from '../../src/core/wire/control.js';
import { encodePosition } from '../../src/core/wire/position.js';
import { FAST } from '../support/dataPlane.js';
import { codeOf, temporaryFolder } from '../support/croc.js';
import { RawLane } from '../support/rawPeer.js';

const LANES = 3;
const TIMING = { ...FAST, silenceMs: 100_000, laneSilenceMs: 100_000, reconnectMs: 100_000 };

const NOTHING: Flow = {
  onMessage: () => undefined,
  onData: () => undefined,
  onAllEnded: () => undefined,
};

/** A session over real sockets, and a peer on its lanes that does what a test wants. */
async function meet(
  role: Role = 'sender',
  flowOf: (session: Session) => Flow = () => NOTHING,
): Promise<{ session: Session; peer: readonly RawLane[] }> {
  const secrets = { key: randomBytes(32), transcript: randomBytes(32) };
  const servers = Array.from({ length: LANES }, () => createServer({ allowHalfOpen: true }));
  const lanes = servers.map(async (server, index) => {
    const [socket] = (await once(server, 'connection')) as [Socket];
    await once(socket, 'data'); // who it is
    socket.write('{"ok":true}\n');
    return new RawLane(socket, index, role === 'sender' ? 'recipient' : 'sender', secrets);
  });
  await Promise.all(servers.map((server) => once(server.listen(0, '127.0.0.1'), 'listening')));
  onTestFinished(() => servers.forEach((server) => server.close()));
  const session = await Session.open(
    {
      ...{ role, address: '127.0.0.1', channel: '1', uuid: role, secrets },
      ports: servers.map((server) => (server.address() as AddressInfo).port),
    },
    TIMING,
    new AbortController().signal,
    () => undefined,
  );
  onTestFinished(() => session.close());
  const peer = await Promise.all(lanes);
  // No relay is there any more that would let a lane in again.
  for (const server of servers) server.close();
  session.start(flowOf(session));
  await peer[0]?.until('hello');
  return { session, peer };
}

/** Vanishes without a word. */
async function vanish(peer: readonly RawLane[]): Promise<void> {
  for (const { socket } of peer) socket.destroy();
  await Promise.all(peer.map((lane) => lane.untilClosed()));
}

afterEach(() => vi.useRealTimers());

describe('a peer that breaks a rule is not waited for once it is gone', () => {
  it.each([
    ['before its hello, on the first lane', 0, false],
    ['before its hello, on another lane', 1, false],
    ['after its hello, on the first lane', 0, true],
    ['after its hello, on another lane', 1, true],
  ] as const)('%s', async (_, index, greets) => {
    const { session, peer } = await meet();
    if (greets) {
      peer[0]?.hello(['reconnect']);
      await session.features;
    }
    peer[index]?.send(Buffer.of(99));
    expect(await codeOf(session.failed)).toBe('protocol_error');
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const said = session.farewell({ t: 'error', code: 'protocol_error' });
    await vanish(peer);
    await said;
  });

  it.each([
    ['before', false],
    ['after', true],
  ])('%s its hello, when it is gone before we say so', async (_, greets) => {
    const { session, peer } = await meet();
    if (greets) {
      peer[0]?.hello(['reconnect']);
      await session.features;
    }
    peer[0]?.send(Buffer.of(99));
    await vanish(peer);
    expect(await codeOf(session.failed)).toBe('protocol_error');
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    await session.farewell({ t: 'error', code: 'protocol_error' });
  });
});

describe('a recipient that gives up in the middle', () => {
  it('waits only until the sender, whose data is still on its way, has heard it', async () => {
    const to = await temporaryFolder();
    let inbound: Inbound | undefined;
    const { session, peer } = await meet('recipient', (made) => {
      inbound = new Inbound(made, accepting(to), randomBytes);
      return inbound;
    });
    const ended = codeOf(inbound?.run() ?? Promise.resolve());
    const [first] = peer;
    first?.hello(['reconnect']);
    first?.say({ t: 'entries', entries: [{ k: 'f', p: 'file', s: 1 << 20, m: 0 }] });
    first?.say({ t: 'offer', count: 1, files: 1, folders: 0, bytes: 1 << 20 });
    await first?.until('answer');
    session.fail(new CrocError('cancelled'));
    expect(await ended).toBe('cancelled');
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const said = session.farewell({ t: 'cancel' });
    await Promise.all(
      peer.map(async (lane, index) => {
        const piece = { entry: 0, offset: index << 10, length: 1 << 10, verified: false };
        lane.data([piece], randomBytes(1 << 10));
        await lane.untilEnded();
        const taken = lane.types.filter((type) => type !== RecordType.position).length;
        lane.send(Buffer.of(RecordType.end));
        lane.send(encodePosition(taken));
        lane.socket.end();
      }),
    );
    await said;
  });
});

/** Takes everything. */
function accepting(to: string): Receiver {
  return {
    onEntries: () => undefined,
    onOffer: () => undefined,
    decide: () => Promise.resolve({ accept: true, to, onConflict: 'overwrite' }),
    choose: () => Promise.resolve('overwrite'),
    onProgress: () => undefined,
  };
}
