/** The real croc through our relay: croc sends, croc receives, and nothing of ours is between but the relay. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { crocPath, crocVersion } from '../../../scripts/install-croc.mjs';
import { connect } from 'node:net';
import { once } from 'node:events';
import type { Relay } from '../../../src/core/api.js';
import { encodeCrocFrame } from '../../../src/core/wire/crocFrame.js';
import { temporaryFolder, testRelay } from '../../support/croc.js';
import { CrocProgram } from './program.js';

const CODE = 'river-otter-lantern';
const croc = describe.skipIf(crocPath() === undefined);

interface Walk {
  readonly relay: Relay;
  readonly sent: string;
  readonly received: string;
}

/** Sends the folder `from` or the file `from` below `sent` with croc, and receives it with croc. */
async function carry(
  { relay, sent, received }: Walk,
  from: string,
  more: { pass?: string; receivePass?: string } = {},
): Promise<{ sender: CrocProgram; recipient: CrocProgram; code: number | null }> {
  const at = ['--relay', `127.0.0.1:${relay.ports[0]}`];
  const pass = more.pass === undefined ? [] : ['--pass', more.pass];
  const env = { CROC_SECRET: CODE };
  const send = ['--yes', ...at, ...pass, 'send', '--no-local', from];
  const sender = new CrocProgram(send, sent, env);
  await sender.said('Code is:');
  const receivePass = more.receivePass ?? more.pass;
  const own = receivePass === undefined ? [] : ['--pass', receivePass];
  const recipient = new CrocProgram(['--yes', ...at, ...own], received, env);
  const code = await recipient.ended;
  return { sender, recipient, code };
}

async function walk(crocPassword?: string): Promise<Walk> {
  const options = crocPassword === undefined ? {} : { crocPassword };
  const relay = await testRelay({ tcpPorts: [0, 0, 0, 0], ...options });
  return { relay, sent: await temporaryFolder(), received: await temporaryFolder() };
}

croc(`croc ${crocPath() === undefined ? '' : crocVersion()} through our relay`, () => {
  it('carries a file of 20 MB', async () => {
    const both = await walk();
    const content = randomBytes(20_000_000);
    await writeFile(path.join(both.sent, 'large.bin'), content);
    const { sender, recipient, code } = await carry(both, 'large.bin');
    expect(code, recipient.output).toBe(0);
    expect(await sender.ended, sender.output).toBe(0);
    const arrived = await readFile(path.join(both.received, 'large.bin'));
    expect(arrived.equals(content)).toBe(true);
    const { bytes, connections, channels } = await both.relay.stats();
    expect(bytes).toBeGreaterThan(20_000_000);
    expect([connections, channels]).toEqual([0, 0]);
  });

  it('carries a folder', async () => {
    const both = await walk();
    await mkdir(path.join(both.sent, 'tree/deep'), { recursive: true });
    for (let file = 0; file < 40; file += 1)
      await writeFile(path.join(both.sent, 'tree/deep', `${file}.txt`), `number ${file}`);
    const { recipient, code } = await carry(both, 'tree');
    expect(code, recipient.output).toBe(0);
    for (let file = 0; file < 40; file += 1) {
      const arrived = path.join(both.received, 'tree/deep', `${file}.txt`);
      expect(await readFile(arrived, 'utf8')).toBe(`number ${file}`);
    }
  });

  it('wants the password that its operator set', async () => {
    const both = await walk('heron marsh');
    await writeFile(path.join(both.sent, 'a.txt'), 'a');
    const wrong = await carry(both, 'a.txt', { pass: 'heron marsh', receivePass: 'pass123' });
    expect(wrong.code).not.toBe(0);
    const right = new CrocProgram(
      ['--yes', '--relay', `127.0.0.1:${both.relay.ports[0]}`, '--pass', 'heron marsh'],
      both.received,
      { CROC_SECRET: CODE },
    );
    expect(await right.ended, right.output).toBe(0);
    expect(await readFile(path.join(both.received, 'a.txt'), 'utf8')).toBe('a');
  });

  it('answers the ping of a croc that looks for relays', async () => {
    const relay = await testRelay();
    const socket = connect(relay.ports[0] ?? 0, '127.0.0.1');
    socket.write(encodeCrocFrame(Buffer.from('ping')));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.equals(encodeCrocFrame(Buffer.from('pong')))).toBe(true);
    await once(socket, 'end');
    socket.destroy();
  });
});
