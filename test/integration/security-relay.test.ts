/** What somebody sees and can do who sits between the two people, or runs the relay. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Timing } from '../../src/core/timing.js';
import { startExchange } from '../../src/core/pake/channel.js';
import { Cli, startRelayProcess } from '../support/cli.js';
import { codeOf, filesBelow, temporaryFolder, testCroc, testRelay } from '../support/croc.js';
import { RawPeer } from '../support/rawPeer.js';
import { found, spellings, watch } from './security-support.js';
import type { Exchange, Meddling, WatchedRelay } from './security-support.js';

const WORDS = ['breakfast', 'umbrella', 'kangaroo'];
const SECRET = WORDS.join('-');
const FOLDER = 'quarterly-figures';
const NAME = 'confidential-merger.txt';
const CONTENT = 'the board has decided to buy the other company';
const SHORT: Partial<Timing> = { stepMs: 3000, silenceMs: 1500, pingMs: 300 };
const HELD_BACK = ['x', 'y', 'h_k', 'hh_k'] as const;

/** A folder with one secret name and one secret content, half a megabyte of it. */
async function secretFolder(): Promise<string> {
  const folder = path.join(await temporaryFolder(), FOLDER);
  await mkdir(folder);
  await writeFile(path.join(folder, NAME), `${CONTENT}\n`.repeat(10_000));
  return folder;
}

/** A send through somebody in the middle, and a recipient that takes everything. */
async function transfer(
  relay: WatchedRelay,
): Promise<{ sender: string; recipient: string; to: string }> {
  const to = await temporaryFolder();
  const croc = testCroc(relay.url, { timing: SHORT });
  // As it is: compressed, nothing could be found in what crosses, sealed or not.
  const options = { code: `8-${SECRET}`, compress: false };
  const send = await croc.send([await secretFolder()], options);
  const sender = codeOf(send.done);
  const offer = croc.receive(send.code);
  const recipient = codeOf(offer.then((taken) => taken.accept({ to }).done));
  return { sender: await sender, recipient: await recipient, to };
}

const isRecipient = ({ answer }: Exchange): boolean => answer.role === 'recipient';

describe('what crosses a relay', () => {
  it('holds no secret, no name, no content, and no address of this machine', async () => {
    const relay = await watch(await testRelay());
    const { to, ...ends } = await transfer(relay);
    expect(ends).toMatchObject({ sender: 'resolved', recipient: 'resolved' });
    const all = Buffer.concat([relay.http(), relay.lanes()]);
    // It was all recorded: the public part of the code, and all the bytes of the file.
    expect(found(relay.http(), ['"channel":"8"', '"h_k"'])).toHaveLength(2);
    expect(relay.lanes().length).toBeGreaterThan(2 * 10_000 * CONTENT.length);
    expect(found(all, [SECRET, ...WORDS, FOLDER, NAME, CONTENT])).toEqual([]);
    // Nor do they tell where they are (CVE-2023-43618): the relay sees that by itself.
    const addresses = Object.values(os.networkInterfaces())
      .flatMap((several) => several ?? [])
      .filter(({ internal }) => !internal)
      .map(({ address }) => address);
    // Texts so short that they could be there by chance would prove nothing.
    const own = [...addresses, os.hostname(), to, path.basename(to)].filter((s) => s.length >= 8);
    expect(found(all, own)).toEqual([]);
  });

  it('would be found in whatever spelling', () => {
    for (const text of [SECRET, NAME, CONTENT])
      for (const around of ['', 'a', 'ab', 'abc']) {
        const plain = Buffer.from(`${around}${text}${around}`);
        for (const said of [plain.toString(), plain.toString('base64'), plain.toString('hex')])
          expect(found(Buffer.from(said), [text])).toEqual([text]);
      }
    expect(spellings(SECRET).every((spelling) => spelling.length >= 8)).toBe(true);
  });

  it('is all that a relay process has: it says nothing of it', async () => {
    const { cli, url } = await startRelayProcess(2);
    const [folder, to] = [await secretFolder(), await temporaryFolder()];
    const sender = Cli.json(['send', folder, '--relay', url], {
      env: { CROC_SECRET: `8-${SECRET}` },
    });
    await sender.event('code');
    const recipient = Cli.json(['receive', '8', '--relay', url, '--out', to, '--yes'], {
      env: { CROC_SECRET: SECRET },
    });
    expect([await sender.exit, await recipient.exit]).toEqual([0, 0]);
    cli.child.kill('SIGTERM');
    expect(await cli.exit).toBe(0);
    expect(cli.events.map(({ event }) => event)).toEqual(['listening']);
    expect(cli.stderr).toContain('transfer ended');
    expect(found(Buffer.from(cli.stdout + cli.stderr), [...WORDS, NAME, '"8"'])).toEqual([]);
  });
});

describe('a relay that lies', () => {
  /** Ends like a wrong code on both sides, and nothing of the data plane ever begins. */
  async function keepsOut(meddling: Meddling, ends: object): Promise<void> {
    const relay = await watch(await testRelay(), meddling);
    const { to, ...ended } = await transfer(relay);
    expect(ended).toMatchObject(ends);
    expect(await filesBelow(to)).toEqual([]);
    expect(relay.lanes().includes('CROCLANE')).toBe(false);
  }

  it('and puts a point of its own in place of x gets one guess (CVE-2021-31603)', async () => {
    const guess = { curve: 'p256', channel: '8', secret: 'another-guess-here' };
    const x = Buffer.from(startExchange(guess, randomBytes).x).toString('base64');
    const answer = (exchange: Exchange): Record<string, unknown> =>
      isRecipient(exchange) && 'x' in exchange.answer ? { ...exchange.answer, x } : exchange.answer;
    await keepsOut({ answer }, { sender: 'wrong_code', recipient: 'wrong_code' });
  });

  it('and puts a confirmation of its own in place of h_k is found out', async () => {
    const h_k = randomBytes(32).toString('base64');
    const answer = (exchange: Exchange): Record<string, unknown> =>
      isRecipient(exchange) && 'h_k' in exchange.answer
        ? { ...exchange.answer, h_k }
        : exchange.answer;
    const relay = await watch(await testRelay(), { answer });
    const { recipient, sender, to } = await transfer(relay);
    expect(recipient).toBe('wrong_code');
    expect(sender).not.toBe('resolved');
    expect(await filesBelow(to)).toEqual([]);
    expect(found(relay.lanes(), [NAME, CONTENT])).toEqual([]);
  });

  it('and names another curve to the recipient gets no transfer', async () => {
    const answer = (exchange: Exchange): Record<string, unknown> =>
      isRecipient(exchange) ? { ...exchange.answer, curve: 'siec' } : exchange.answer;
    await keepsOut({ answer }, { recipient: 'key_exchange_failed' });
  });

  it('and lets a recipient see its answers has nothing but what the protocol shows', async () => {
    const seen = new Set<string>();
    const answer = ({ answer: said }: Exchange): Record<string, unknown> => {
      for (const field of Object.keys(said)) seen.add(field);
      return said;
    };
    expect(await transfer(await watch(await testRelay(), { answer }))).toMatchObject({
      recipient: 'resolved',
    });
    const known = [
      'channel',
      'uuid',
      'role',
      'curve',
      'ports',
      'lanes',
      'expires_in',
      'stapled',
      'version',
    ];
    expect([...seen].sort()).toEqual([...known, ...HELD_BACK].sort());
  });

  it.each(['up', 'down'] as const)(
    'and changes one bit of a lane, %s, is found out',
    async (way) => {
      // Behind the first lines and preambles, in the middle of the file.
      const target = 200_000;
      const lane = (chunk: Buffer, here: 'up' | 'down', at: number): Buffer => {
        if (here !== way || at > target || at + chunk.length <= target) return chunk;
        const changed = Buffer.from(chunk);
        changed.writeUInt8(changed.readUInt8(target - at) ^ 1, target - at);
        return changed;
      };
      const { recipient, sender, to } = await transfer(await watch(await testRelay(), { lane }));
      expect(recipient).toBe('tampered');
      expect(sender).toBe('peer_failed');
      expect(await filesBelow(to)).toEqual([]);
    },
  );

  it.each([
    ['words', 'no host'],
    ['nothing', ''],
    ['a path', 'a/b'],
    ['a URL', 'http://127.0.0.1'],
    ['far too much', 'x'.repeat(300)],
  ])('and says that lanes are at %s is no relay', async (_what, host) => {
    const answer = ({ answer: said }: Exchange): Record<string, unknown> => ({ ...said, host });
    const relay = await watch(await testRelay(), { answer });
    const croc = testCroc(relay.url, { timing: SHORT });
    expect(await codeOf(croc.send([await secretFolder()]))).toBe('not_a_relay');
  });

  const elsewhere = Object.values(os.networkInterfaces())
    .flatMap((several) => several ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
  it.skipIf(elsewhere === undefined)(
    'and sends clients to a port of their own machine is refused, and nobody is called (skipped without a network)',
    async () => {
      let called = 0;
      const trap = createServer((socket) => {
        called += 1;
        socket.destroy();
      });
      await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => void trap.close());
      const { port } = trap.address() as AddressInfo;
      for (const host of ['127.0.0.1', 'localhost']) {
        const answer = ({ answer: said }: Exchange): Record<string, unknown> => ({
          ...said,
          host,
          ports: [port],
        });
        const relay = await watch(await testRelay(), { answer }, elsewhere);
        const { sender, to } = await transfer(relay);
        expect(sender).toBe('not_a_relay');
        expect(await filesBelow(to)).toEqual([]);
      }
      expect(called).toBe(0);
    },
  );

  it('and joins lanes the wrong way round is found out', async () => {
    const answer = (exchange: Exchange): Record<string, unknown> => {
      const { ports } = exchange.answer;
      return isRecipient(exchange) && Array.isArray(ports)
        ? { ...exchange.answer, ports: [...(ports as unknown[])].reverse() }
        : exchange.answer;
    };
    const { recipient, sender, to } = await transfer(await watch(await testRelay(), { answer }));
    expect([recipient, sender]).toContain('tampered');
    expect([recipient, sender]).not.toContain('resolved');
    expect(await filesBelow(to)).toEqual([]);
  });
});

describe('somebody who knows the channel and not the secret', () => {
  it('gets one guess as a sender: the recipient is told, its answer is of no use', async () => {
    const relay = await testRelay();
    const peer = new RawPeer(relay.url);
    const { code, meet } = await peer.openAsSender('another-guess-here');
    const channel = code.slice(0, code.indexOf('-'));
    const received = codeOf(testCroc(relay, { timing: SHORT }).receive(`${channel}-${SECRET}`));
    // The relay itself finds that the keys differ, and closes the channel for both.
    expect(await codeOf(meet())).toBe('bad_key');
    expect(await received).toBe('wrong_code');
    expect(await codeOf(meet())).not.toBe('resolved');
  });

  it('gets one guess as a recipient, and the next one meets a closed channel', async () => {
    const relay = await testRelay();
    const send = await testCroc(relay).send([await secretFolder()], { code: `8-${SECRET}` });
    const ended = codeOf(send.done);
    expect(await codeOf(new RawPeer(relay.url).meetAsRecipient('8-first-guess-ever'))).toBe(
      'channel_closed',
    );
    expect(await ended).toBe('wrong_code');
    expect(await codeOf(new RawPeer(relay.url).meetAsRecipient(`8-${SECRET}`))).toBe(
      'channel_closed',
    );
  });
});
