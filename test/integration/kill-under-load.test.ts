/**
 * kill -9 of a relay process or of Redis at random moments under load: every transfer arrives whole or ends with a
 * clear error, within its deadlines. `KILL_TRANSFERS=200 KILLS=10` makes more of it, `KILL_SEED` the same moments.
 */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Balancer, HAS_NGINX } from '../support/balancer.js';
import { Cli } from '../support/cli.js';
import { codeOf, temporaryFolder, testCroc } from '../support/croc.js';
import { HAS_REDIS, RedisServer } from '../support/redis.js';

vi.setConfig({ testTimeout: 240_000 });

const TRANSFERS = Number(process.env['KILL_TRANSFERS'] ?? 24);
const KILLS = Number(process.env['KILLS'] ?? 3);
const SEED = process.env['KILL_SEED'] ?? String(randomInt(1_000_000));
/** Transfers that run at the same time. */
const ABREAST = 8;
const FILE_BYTES = 2 << 20;
/** So fast each of them goes, bytes a second: so that there is a middle to strike. */
const LIMIT = 4 << 20;
const TIMING = { reconnectMs: 25_000, redialMs: 100, answerMs: 4000 };

/** A relay process that comes back at the same ports, as an operator's service manager does it. */
class Service {
  #cli: Cli | undefined;
  constructor(
    readonly redis: RedisServer,
    readonly port = '0',
    readonly tcp = '0,0',
  ) {}

  /** Starts it. @returns its ports */
  async start(): Promise<{ readonly port: string; readonly tcp: string }> {
    this.#cli = Cli.json([
      ...['relay', '--host', '127.0.0.1', '--port', this.port, '--tcp-ports', this.tcp],
      ...['--trusted-proxies', '127.0.0.1', '--store', this.redis.url],
    ]);
    const { url, ports } = await this.#cli.event('listening');
    return { port: new URL(url).port, tcp: ports.join() };
  }

  async kill(): Promise<void> {
    this.#cli?.child.kill('SIGKILL');
    await this.#cli?.exit;
  }
}

async function service(redis: RedisServer): Promise<Service> {
  const { port, tcp } = await (async () => {
    const first = new Service(redis);
    const at = await first.start();
    await first.kill();
    return at;
  })();
  const lasting = new Service(redis, port, tcp);
  await lasting.start();
  return lasting;
}

/** What may be told when something was killed, beside that all went well. */
const CLEAR = [
  'resolved',
  'relay_gone',
  'relay_restarted',
  'relay_unavailable',
  'relay_unreachable',
  'connection_lost',
  'channel_closed',
  'no_such_channel',
  'peer_silent',
  'peer_failed',
  'role_taken',
];

describe.skipIf(!HAS_REDIS || !HAS_NGINX)(
  'two relays on one Redis under load (skipped where there is no redis-server or nginx)',
  () => {
    it.each(['a relay', 'Redis'])('while %s is killed again and again', async (victim) => {
      const redis = await RedisServer.start(['--appendonly', 'yes']);
      onTestFinished(() => redis.stop());
      const services = [await service(redis), await service(redis)];
      const [one, other] = services.map(({ port }) => Number(port)) as [number, number];
      const balancer = await Balancer.start([
        [one, other],
        [other, one],
      ]);
      onTestFinished(() => balancer.stop());
      const folder = await temporaryFolder();
      const file = path.join(folder, 'file');
      await writeFile(file, randomBytes(FILE_BYTES));
      const content = await readFile(file);

      const ended: string[] = [];
      let begun = 0;
      const transfer = async (number: number): Promise<void> => {
        const [sender, recipient] = balancer.urls.map((url) => testCroc(url, { timing: TIMING }));
        const to = path.join(folder, `to ${number}`);
        await mkdir(to);
        const send = await sender?.send([file], { limit: LIMIT });
        if (!send || !recipient) throw new Error('no front');
        const sent = codeOf(send.done);
        const received = await codeOf(
          recipient.receive(send.code).then((offer) => offer.accept({ to }).done),
        );
        if (received !== 'resolved') await send.cancel();
        else expect((await readFile(path.join(to, 'file'))).equals(content)).toBe(true);
        ended.push(received, (await sent) === 'cancelled' ? received : await sent);
      };
      const worker = async (): Promise<void> => {
        while (begun < TRANSFERS) {
          begun += 1;
          const code = await codeOf(transfer(begun));
          if (code !== 'resolved') ended.push(code);
        }
      };
      const strikes = async (): Promise<void> => {
        for (let kill = 0; kill < KILLS; kill += 1) {
          const drawn = createHash('sha256').update(`${SEED} ${kill}`).digest();
          // So many transfers have begun then, and some of its bytes have passed.
          const at = ((kill + drawn.readUInt16BE() / 0x10000) * TRANSFERS) / (KILLS + 1);
          while (begun < at) await new Promise((resolve) => setTimeout(resolve, 20));
          await new Promise((resolve) => setTimeout(resolve, drawn.readUInt16BE(2) % 500));
          if (victim === 'Redis') {
            await redis.kill();
            await redis.resume();
          } else {
            const struck = services[drawn.readUInt8(4) % 2];
            await struck?.kill();
            await struck?.start();
          }
        }
      };
      await Promise.all([strikes(), ...Array.from({ length: ABREAST }, worker)]);

      const told = Object.fromEntries(
        [...new Set(ended)].map((code) => [code, ended.filter((each) => each === code).length]),
      );
      console.log(`seed ${SEED}, ${victim}: ${JSON.stringify(told)}`);
      for (const code of ended) expect(CLEAR, `seed ${SEED}`).toContain(code);
      // Killed processes are what this is for: most of the transfers must not even notice.
      expect(told['resolved'] ?? 0).toBeGreaterThan(TRANSFERS);
      for (const each of services) await each.kill();
    });
  },
);
