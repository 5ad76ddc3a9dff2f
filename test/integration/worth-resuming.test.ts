/**
 * After which ends a partial file is kept: each of them is brought about in the middle of a file, over real sockets
 * onto a real disk, and then the folder is looked at.
 */
import { randomBytes } from 'node:crypto';
import { stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Receive, Relay, Send } from '../../src/core/api.js';
import type { ErrorCode } from '../../src/core/errors.js';
import { PART_NAME } from '../../src/core/files/partials.js';
import { closed } from '../../src/core/relay/channel.js';
import { DEFAULT_LIMITS } from '../../src/core/relay/limits.js';
import type { RelaySetup } from '../../src/core/relay/relay.js';
import { MemoryStore } from '../../src/core/relay/store.js';
import { WORTH_RESUMING } from '../../src/core/transfer/inbound.js';
import { Cli } from '../support/cli.js';
import { codeOf, filesBelow, temporaryFolder, testCroc, testRelay } from '../support/croc.js';
import { freePort, has, HAS_REDIS, RedisServer } from '../support/redis.js';
import { Wire } from '../support/wire.js';

const MIB = 1 << 20;
const FILE_BYTES = 24 * MIB;
/** So slow that what happens happens in the middle. */
const LIMIT = 8 * MIB;
/** The sender waits for longer than the recipient: so it is the recipient that finds out. */
const SENDERS_TIMING = { reconnectMs: 100_000, redialMs: 20 };
const TIMING = { ...SENDERS_TIMING, answerMs: 1000, connectMs: 1000 };
/** For ends that come because the time is over. */
const SHORT = { ...TIMING, laneSilenceMs: 1500, reconnectMs: 3000 };

/** A transfer of which a part has come. */
interface Middle {
  readonly relay: Relay;
  readonly store: MemoryStore;
  readonly sendersWire: Wire;
  readonly recipientsWire: Wire;
  readonly file: string;
  readonly send: Send;
  readonly receive: Receive;
}

interface Case {
  readonly setup?: () => Promise<RelaySetup>;
  readonly timing?: typeof SHORT | typeof TIMING;
  readonly strike: (middle: Middle) => unknown;
}

let redis: RedisServer | undefined;

const CASES: Readonly<Partial<Record<ErrorCode, Case>>> = {
  cancelled: { strike: ({ receive }) => receive.cancel() },
  peer_cancelled: { strike: ({ send }) => send.cancel() },
  peer_failed: { strike: ({ file }) => truncate(file, MIB) },
  peer_silent: { timing: SHORT, strike: ({ sendersWire }) => sendersWire.silence() },
  // The relay answers by HTTP, and its lanes do not.
  connection_lost: {
    timing: SHORT,
    strike: async ({ relay, recipientsWire }) => {
      const nobody = await freePort();
      for (const port of relay.ports) recipientsWire.divert(port, nobody);
      recipientsWire.cut();
      recipientsWire.mend();
    },
  },
  relay_gone: { timing: SHORT, strike: ({ relay }) => relay.close() },
  relay_restarted: {
    strike: async ({ relay }) => {
      await relay.close();
      await testRelay({ port: relay.port, tcpPorts: relay.ports });
    },
  },
  relay_fewer_ports: {
    setup: async () => {
      const server = await RedisServer.start();
      redis = server;
      onTestFinished(() => server.stop());
      return { store: server.url };
    },
    strike: async ({ relay, sendersWire, recipientsWire }) => {
      const next = await testRelay({ store: redis?.url ?? '', tcpPorts: [0] });
      sendersWire.cut();
      recipientsWire.divert(relay.port, next.port);
      await relay.close();
    },
  },
  channel_closed: {
    strike: async ({ store, send }) => {
      const [name = ''] = send.code.split('-', 1);
      const outcome = { ok: true, value: undefined } as const;
      await store.update(name, () => ({ outcome, next: closed(name, Date.now()) }));
    },
  },
  channel_full: {
    strike: ({ recipientsWire }) => {
      recipientsWire.cut();
      recipientsWire.source = '127.0.0.9';
      recipientsWire.mend();
    },
  },
  transfer_limit: {
    setup: () => Promise.resolve({ limits: { bytesPerChannel: 6 * MIB } }),
    strike: () => undefined,
  },
};

/** A file to send, and the ways of both to a relay. */
async function scene(setup: RelaySetup): Promise<Omit<Middle, 'send' | 'receive'>> {
  const store = new MemoryStore(DEFAULT_LIMITS, randomBytes);
  const relay = await testRelay(
    setup.store === undefined ? { channelStore: store, ...setup } : setup,
  );
  const [sendersWire, recipientsWire] = await Promise.all([Wire.before(relay), Wire.before(relay)]);
  onTestFinished(() => {
    sendersWire.close();
    recipientsWire.close();
  });
  if (setup.store === undefined) sendersWire.source = '127.0.0.2';
  const file = path.join(await temporaryFolder(), 'big.bin');
  await writeFile(file, randomBytes(FILE_BYTES));
  return { relay, store, sendersWire, recipientsWire, file };
}

async function sending({ sendersWire, file }: Pick<Middle, 'sendersWire' | 'file'>): Promise<Send> {
  const send = await testCroc(sendersWire.url, { timing: SENDERS_TIMING }).send([file], {
    limit: LIMIT,
  });
  send.done.catch(() => undefined);
  onTestFinished(() => send.cancel());
  return send;
}

/** Insists on one partial file with something in it, and nothing else. */
async function keepsOne(folder: string): Promise<void> {
  const [part = '', ...others] = await filesBelow(folder);
  expect(others).toEqual([]);
  expect(part).toMatch(PART_NAME);
  const { blocks } = await stat(path.join(folder, part));
  expect(blocks * 512).toBeGreaterThanOrEqual(MIB);
}

describe('what has come of a file is kept for the next transfer when the end is', () => {
  it.each(Object.entries(CASES))('%s', async (code, { setup, timing = TIMING, strike }) => {
    if (code === 'relay_fewer_ports' && !HAS_REDIS) return;
    const now = await scene((await setup?.()) ?? {});
    const send = await sending(now);
    const to = await temporaryFolder();
    const recipient = testCroc(now.recipientsWire.url, { timing });
    const receive = (await recipient.receive(send.code)).accept({ to });
    const ended = codeOf(receive.done);
    await new Promise<void>((resolve) => {
      receive.on('progress', ({ bytes }) => bytes > 3 * MIB && resolve());
    });
    await strike({ ...now, send, receive });
    expect(await ended).toBe(code);
    await keepsOne(to);
  });

  // No file of the recipient's process may get larger than a third of this one.
  it.skipIf(!has('prlimit'))('write_failed (skipped where there is no prlimit)', async () => {
    const now = await scene({});
    const send = await sending(now);
    const to = await temporaryFolder();
    const args = ['receive', send.code, '--relay', now.recipientsWire.url, '--out', to, '--yes'];
    const cli = Cli.json(args, { through: ['prlimit', `--fsize=${FILE_BYTES / 3}`] });
    await cli.exit;
    expect(cli.errors).toEqual(['write_failed']);
    await keepsOne(to);
  });

  it('and these are all', () => {
    expect([...Object.keys(CASES), 'write_failed'].sort()).toEqual([...WORTH_RESUMING].sort());
  });
});
