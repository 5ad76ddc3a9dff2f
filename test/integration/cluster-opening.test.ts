/**
 * Two relay processes on one Redis, with different numbers of TCP ports; the one that has the channel ends when one
 * party has opened its lanes there and the other has not. Each party's HTTP is led to the other process then, as a
 * balancer does it.
 */
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hashOf, relayProcess, sampleFile } from '../support/cluster.js';
import type { RelayProcess } from '../support/cluster.js';
import { codeOf, temporaryFolder, testCroc } from '../support/croc.js';
import { HAS_REDIS, RedisServer } from '../support/redis.js';
import { Wire } from '../support/wire.js';

/** The silence of a lane is never what brings anything about here. */
const TIMING = { reconnectMs: 60_000, redialMs: 100, silenceMs: 300_000, laneSilenceMs: 300_000 };
const FIRST_PORTS = 2;

interface Scene {
  readonly redis: RedisServer;
  readonly first: RelayProcess;
  readonly second: RelayProcess;
  readonly sendersWire: Wire;
  readonly recipientsWire: Wire;
}

/** @param secondPorts - TCP ports of the process that takes over */
async function scene(secondPorts: number): Promise<Scene> {
  const redis = await RedisServer.start();
  onTestFinished(() => redis.stop());
  const tcp = (ports: number): string => Array(ports).fill('0').join();
  const [first, second] = await Promise.all([
    relayProcess(redis, '0', tcp(FIRST_PORTS)),
    relayProcess(redis, '0', tcp(secondPorts)),
  ]);
  const wire = async ({ port }: RelayProcess): Promise<Wire> => {
    const made = await Wire.before({ port, ports: [] });
    onTestFinished(() => made.close());
    return made;
  };
  const [sendersWire, recipientsWire] = await Promise.all([wire(first), wire(second)]);
  return { redis, first, second, sendersWire, recipientsWire };
}

/** What happens in the middle. */
interface Middle {
  /** Who has opened its lanes. */
  readonly opened: 'sender' | 'recipient';
  readonly end: 'kill' | 'drain';
  /** Whether the other one comes when the channel has been taken over already, or at once. */
  readonly comes: 'after' | 'at once';
}

/** Sends a file from one to the other; the first process ends when one of them has opened its lanes. */
async function transfer(now: Scene, { opened, end, comes }: Middle): Promise<void> {
  const { first, second, sendersWire, recipientsWire } = now;
  const [openedWire, otherWire] =
    opened === 'sender' ? [sendersWire, recipientsWire] : [recipientsWire, sendersWire];
  const held =
    opened === 'sender'
      ? recipientsWire.cutAfter('"hh_k":') // the recipient hears no h_k
      : sendersWire.cutAfter('"h_k":'); // the sender does not hear that the relay has it
  const { file, hash } = await sampleFile(3 << 20);
  const send = await testCroc(sendersWire.url, { timing: TIMING }).send([file]);
  const channel = send.code.split('-', 1)[0] ?? '';
  const takeOver = async (): Promise<void> => {
    await held;
    await first[end]();
    sendersWire.divert(first.port, second.port);
    openedWire.mend();
    if (comes === 'after') await takenOver(now, channel);
    otherWire.mend();
  };
  let takingOver: Promise<void> | undefined;
  const enters = (who: typeof opened, wanted: string) => (state: string) => {
    if (who === opened && state === wanted) takingOver ??= takeOver();
  };
  send.on('state', enters('sender', 'awaiting-staple'));
  const sent = codeOf(send.done);
  const to = await temporaryFolder();
  const recipient = testCroc(recipientsWire.url, { timing: TIMING });
  const received = recipient
    .receive(send.code, { onState: enters('recipient', 'receiving') })
    .then((offer) => offer.accept({ to }).done);
  expect(await Promise.all([sent, codeOf(received)])).toEqual(['resolved', 'resolved']);
  expect(await hashOf(path.join(to, 'sample.bin'))).toBe(hash);
  expect(takingOver).toBeDefined();
  await takingOver;
}

/** Waits until the second process has the channel. */
async function takenOver({ redis, second }: Scene, channel: string): Promise<void> {
  const home = `"ports":[${second.ports.join()}]`;
  while (!(await redis.ask(`GET croc:channel:${channel}`)).includes(home));
}

describe.skipIf(!HAS_REDIS)(
  'a relay process that ends when one party has its lanes and the other has not (skipped without redis-server)',
  () => {
    it.each([
      ['sender', 'at once', 'as many ports', 2],
      ['recipient', 'at once', 'as many ports', 2],
      ['sender', 'after', 'fewer ports', 1],
      ['recipient', 'after', 'fewer ports', 1],
      ['sender', 'after', 'more ports', 3],
      ['recipient', 'after', 'more ports', 3],
    ] as const)(
      'the %s; the other one comes %s the next process took over; that one has %s',
      async (opened, comes, _, ports) => {
        await transfer(await scene(ports), { opened, comes, end: 'kill' });
      },
    );

    it('because it is drained', async () => {
      await transfer(await scene(3), { opened: 'sender', comes: 'after', end: 'drain' });
    });
  },
);
