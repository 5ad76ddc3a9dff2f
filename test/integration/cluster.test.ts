/**
 * Two relay processes on one Redis behind nginx: the sender's port asks the first, the recipient's the
 * second, each the other one when its own is gone. Both talk from addresses of their own.
 */
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Offer, Receive, Send } from '../../src/core/api.js';
import type { Croc } from '../../src/core/croc.js';
import { Balancer, HAS_NGINX } from '../support/balancer.js';
import { hashOf, relayProcess, sampleFile } from '../support/cluster.js';
import type { RelayProcess } from '../support/cluster.js';
import { codeOf, temporaryFolder, testCroc } from '../support/croc.js';
import { HAS_REDIS, RedisServer } from '../support/redis.js';

const SIZE_BYTES = 96 << 20;

interface Cluster {
  readonly redis: RedisServer;
  readonly first: RelayProcess;
  readonly second: RelayProcess;
  readonly sender: Croc;
  readonly recipient: Croc;
}

/**
 * @param options - for Redis
 * @param tcp - TCP ports of the second process
 */
async function cluster(options: readonly string[] = [], tcp = '0,0'): Promise<Cluster> {
  const redis = await RedisServer.start(options);
  onTestFinished(() => redis.stop());
  const [first, second] = await Promise.all([relayProcess(redis), relayProcess(redis, '0', tcp)]);
  const balancer = await Balancer.start([
    [first.port, second.port],
    [second.port, first.port],
  ]);
  onTestFinished(() => balancer.stop());
  const [sendersUrl = '', recipientsUrl = ''] = balancer.urls;
  const timing = { reconnectMs: 30_000, redialMs: 100 };
  const sender = testCroc(sendersUrl, { localAddress: '127.0.0.2', timing });
  const recipient = testCroc(recipientsUrl, { localAddress: '127.0.0.3', timing });
  return { redis, first, second, sender, recipient };
}

/** A file that does not compress, and its hash. */
const sample = (): ReturnType<typeof sampleFile> => sampleFile(SIZE_BYTES);

interface Running {
  readonly send: Send;
  readonly receive: Receive;
  readonly to: string;
}

async function accept(send: Send, offer: Offer): Promise<Running> {
  const to = await temporaryFolder();
  return { send, receive: offer.accept({ to }), to };
}

/** Runs `strike` when some of the file has come, and not all. */
async function midway({ receive }: Running, strike: () => Promise<void> | void): Promise<void> {
  for (;;) {
    const [progress] = (await once(receive, 'progress')) as [{ bytes: number; total: number }];
    if (progress.bytes === 0) continue;
    expect(progress.bytes).toBeLessThan(progress.total);
    break;
  }
  await strike();
}

async function arrives({ send, receive, to }: Running, hash: string): Promise<void> {
  const [sent, received] = await Promise.all([codeOf(send.done), codeOf(receive.done)]);
  expect([sent, received]).toEqual(['resolved', 'resolved']);
  expect(await hashOf(path.join(to, 'sample.bin'))).toBe(hash);
}

describe.skipIf(!HAS_REDIS || !HAS_NGINX)(
  'two relays on one Redis behind nginx (skipped where there is no redis-server or nginx)',
  () => {
    it('bring a sender at one and a recipient at the other together', async () => {
      const { sender, recipient, redis } = await cluster();
      const { file, hash } = await sample();
      const send = await sender.send([file]);
      const channel = send.code.split('-', 1)[0] ?? '';
      const running = await accept(send, await recipient.receive(send.code));
      const state = await redis.ask(`GET croc:channel:${channel}`);
      expect(state).toContain('"addresses":["127.0.0.2","127.0.0.3"]');
      await arrives(running, hash);
    });

    it('and nobody notices when the one without the lanes is killed in the middle', async () => {
      const { sender, recipient, second } = await cluster();
      const { file, hash } = await sample();
      const send = await sender.send([file]);
      const running = await accept(send, await recipient.receive(send.code));
      await midway(running, () => second.kill());
      await arrives(running, hash);
    });

    it('and a code stays good when the relay that gave it out is killed before it is used', async () => {
      const { sender, recipient, first } = await cluster();
      const { file, hash } = await sample();
      const send = await sender.send([file]);
      await first.kill();
      await arrives(await accept(send, await recipient.receive(send.code)), hash);
    });

    it('and when the one with the lanes is killed in the middle, the other takes over: no new code', async () => {
      const { sender, recipient, first, second, redis } = await cluster();
      const { file, hash } = await sample();
      const send = await sender.send([file]);
      const channel = send.code.split('-', 1)[0] ?? '';
      const running = await accept(send, await recipient.receive(send.code));
      const told: boolean[] = [];
      running.receive.on('connection', ({ connected }) => told.push(connected));
      await midway(running, () => first.kill());
      await arrives(running, hash);
      expect(told[0]).toBe(false);
      const tombstone = await redis.ask(`GET croc:channel:${channel}`);
      expect(tombstone).toContain('"status":"closed"');
      expect(second.ports).not.toEqual(first.ports);
    });

    it('and so it does with more ports than the first', async () => {
      const { sender, recipient, first, second } = await cluster([], '0,0,0');
      const { file, hash } = await sample();
      const send = await sender.send([file]);
      const running = await accept(send, await recipient.receive(send.code));
      await midway(running, () => first.kill());
      await arrives(running, hash);
      expect([first.ports.length, second.ports.length]).toEqual([2, 3]);
    });

    it('and with fewer ports it says so, and keeps what has come for the next time', async () => {
      const { sender, recipient, first } = await cluster([], '0');
      const { file, hash } = await sample();
      const send = await sender.send([file], { limit: 16 << 20 });
      const running = await accept(send, await recipient.receive(send.code));
      const ends = Promise.all([codeOf(send.done), codeOf(running.receive.done)]);
      await midway(running, () => first.kill());
      // Whoever finds out first closes the channel; that may be all that the other gets to hear.
      const codes = await ends;
      expect(codes).toContain('relay_fewer_ports');
      for (const code of codes) expect(['relay_fewer_ports', 'channel_closed']).toContain(code);
      expect(await readdir(running.to)).toEqual([
        expect.stringMatching(/^\.sample\.bin\.croc-[0-9a-f]{16}\.part$/),
      ]);
      const again = await sender.send([file]);
      const offer = await recipient.receive(again.code);
      const receive = offer.accept({ to: running.to });
      await arrives({ send: again, receive, to: running.to }, hash);
    });

    it('and the lanes may move more than once', async () => {
      const { sender, recipient, first, second, redis } = await cluster();
      const { file, hash } = await sample();
      const send = await sender.send([file], { limit: 16 << 20 });
      const running = await accept(send, await recipient.receive(send.code));
      const back = new Promise<void>((resolve) => {
        running.receive.on('connection', ({ connected }) => {
          if (connected) resolve();
        });
      });
      await midway(running, () => first.kill());
      await Promise.all([back, relayProcess(redis, String(first.port), first.ports.join())]);
      await midway(running, () => second.kill());
      await arrives(running, hash);
    });

    it('and Redis may be killed in the middle', async () => {
      const { sender, recipient, redis } = await cluster();
      const { file, hash } = await sample();
      const send = await sender.send([file]);
      const running = await accept(send, await recipient.receive(send.code));
      await midway(running, () => redis.kill());
      await arrives(running, hash);
    });

    it('and a Redis that keeps its data keeps the codes, too', async () => {
      const { sender, recipient, redis } = await cluster([
        '--appendonly',
        'yes',
        '--appendfsync',
        'always',
      ]);
      const { file, hash } = await sample();
      const send = await sender.send([file]);
      await redis.kill();
      const offered = recipient.receive(send.code); // asks until Redis is back
      await redis.resume();
      await arrives(await accept(send, await offered), hash);
    });

    it('and say clearly that a code is gone with a Redis that forgot it', async () => {
      const { sender, recipient, redis } = await cluster();
      const { file } = await sample();
      const send = await sender.send([file]);
      const sent = codeOf(send.done);
      await redis.kill();
      await redis.resume();
      expect(await codeOf(recipient.receive(send.code))).toBe('no_such_channel');
      expect(await sent).toBe('relay_restarted');
    });
  },
);
