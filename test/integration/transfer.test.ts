import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  chmod,
  lstat,
  mkdir,
  readFile,
  readlink,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { AcceptOptions, ReceiveResult, TransferResult } from '../../src/core/types.js';
import { CURVE_NAMES } from '../../src/core/types.js';
import type { Croc } from '../../src/core/croc.js';
import { RECIPIENT_STATES, SENDER_STATES } from '../../src/core/channel/states.js';
import { compareTrees, makeTree } from '../support/tree.js';
import { DIST, codeOf, filesBelow, temporaryFolder, testCroc, testRelay } from '../support/croc.js';

/** Sends and receives, both sides in this process. */
async function transfer(
  croc: Croc,
  paths: readonly string[],
  options: AcceptOptions,
): Promise<{ sent: TransferResult; received: ReceiveResult }> {
  const send = await croc.send(paths);
  const offer = await croc.receive(send.code);
  const receive = offer.accept(options);
  const [sent, received] = await Promise.all([send.done, receive.done]);
  return { sent, received };
}

describe('a transfer', () => {
  it('brings a tree over as it is', async () => {
    const [from, to] = [await temporaryFolder(), await temporaryFolder()];
    const tree = path.join(from, 'tree');
    await makeTree(tree, { files: 300 });
    const relay = await testRelay({ tcpPorts: [0, 0, 0, 0] });
    const { sent, received } = await transfer(testCroc(relay), [tree], { to });
    expect(await compareTrees(tree, path.join(to, 'tree'))).toEqual([]);
    expect(received.roots).toEqual([path.join(to, 'tree')]);
    expect(received.files).toBe(sent.files);
    expect(received.bytes).toBe(sent.bytes);
    expect(received.transferred).toBe(received.bytes);
  });

  it('passes through every state in order, and tells code, offer and progress', async () => {
    const [from, to] = [await temporaryFolder(), await temporaryFolder()];
    await writeFile(path.join(from, 'file'), randomBytes(3_000_000));
    const relay = await testRelay();
    const croc = testCroc(relay);
    const send = await croc.send([path.join(from, 'file')]);
    expect(send.code).toMatch(/^[0-9]+(-[a-z]+){3,}/);
    const states: string[] = [send.state];
    const progress: number[] = [];
    send.on('state', (state) => states.push(state));
    send.on('progress', ({ bytes, total }) => {
      expect(total).toBe(3_000_000);
      progress.push(bytes);
    });
    const recipientStates: string[] = [];
    const onState = (state: string): unknown => recipientStates.push(state);
    const offer = await croc.receive(send.code, { onState });
    expect(offer.totals).toEqual({ files: 1, folders: 0, bytes: 3_000_000 });
    expect(offer.entries).toMatchObject([{ path: 'file', kind: 'file', size: 3_000_000 }]);
    expect(await filesBelow(to)).toEqual([]);
    const receive = offer.accept({ to });
    receive.on('state', onState);
    await Promise.all([send.done, receive.done]);
    expect(['initialize', ...states]).toEqual(SENDER_STATES);
    expect(recipientStates).toEqual(RECIPIENT_STATES);
    expect(send.offered?.totals).toEqual(offer.totals);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(progress.at(-1)).toBe(3_000_000);
    expect((await relay.stats()).connections).toBe(0);
  });

  it.each(CURVE_NAMES)('works with curve %s', async (curve) => {
    const [from, to] = [await temporaryFolder(), await temporaryFolder()];
    await writeFile(path.join(from, 'file'), curve);
    await transfer(testCroc(await testRelay(), { curve }), [path.join(from, 'file')], { to });
    expect(await readFile(path.join(to, 'file'), 'utf8')).toBe(curve);
  });

  it('works with one lane, with sixteen, and with several things of one name', async () => {
    for (const lanes of [1, 16]) {
      const [from, to] = [await temporaryFolder(), await temporaryFolder()];
      for (const folder of ['one', 'two']) {
        await mkdir(path.join(from, folder));
        await writeFile(path.join(from, folder, 'same.bin'), randomBytes(5_000_000));
      }
      const relay = await testRelay({ tcpPorts: Array.from({ length: lanes }, () => 0) });
      const paths = ['one', 'two'].map((folder) => path.join(from, folder, 'same.bin'));
      await transfer(testCroc(relay), paths, { to });
      expect(await filesBelow(to)).toEqual(['same (2).bin', 'same.bin']);
      const [one, two] = paths;
      const same = async (name: string, file = ''): Promise<boolean> =>
        (await readFile(path.join(to, name))).equals(await readFile(file));
      expect(await same('same.bin', one)).toBe(true);
      expect(await same('same (2).bin', two)).toBe(true);
    }
  });

  it('keeps times, the executable bit and links, and writes no other mode', async () => {
    const [from, to] = [await temporaryFolder(), await temporaryFolder()];
    const root = path.join(from, 'd');
    await mkdir(path.join(root, 'empty'), { recursive: true });
    await writeFile(path.join(root, 'run.sh'), '#!/bin/sh\n');
    await chmod(path.join(root, 'run.sh'), 0o4755);
    await writeFile(path.join(root, 'zero'), '');
    await symlink('run.sh', path.join(root, 'link'));
    const time = new Date('2021-03-04T05:06:07.089Z');
    for (const name of ['run.sh', 'zero', 'empty']) await utimes(path.join(root, name), time, time);
    await transfer(testCroc(await testRelay()), [root], { to });
    const got = path.join(to, 'd');
    const run = await stat(path.join(got, 'run.sh'));
    expect(run.mode & 0o7111).toBe(0o111);
    for (const name of ['run.sh', 'zero', 'empty'])
      expect((await stat(path.join(got, name))).mtime).toEqual(time);
    expect(await readlink(path.join(got, 'link'))).toBe('run.sh');
    expect((await lstat(path.join(got, 'zero'))).size).toBe(0);
  });

  it('streams two thousand small files beside large ones', async () => {
    const [from, to] = [await temporaryFolder(), await temporaryFolder()];
    const root = path.join(from, 'many');
    await mkdir(root);
    for (let i = 0; i < 2000; i += 1)
      await writeFile(path.join(root, `f${i}`), randomBytes(i % 97 === 0 ? 400_000 : i % 4096));
    await transfer(testCroc(await testRelay()), [root], { to });
    expect(await compareTrees(root, path.join(to, 'many'))).toEqual([]);
  });

  it('needs few file descriptors for thousands of files', async () => {
    const [from, to] = [await temporaryFolder(), await temporaryFolder()];
    const root = path.join(from, 'many');
    await mkdir(root);
    for (let i = 0; i < 5000; i += 1) await writeFile(path.join(root, `f${i}`), `content ${i}`);
    const relay = await testRelay({ tcpPorts: [0, 0, 0, 0] });
    const send = await testCroc(relay).send([root]);
    const receive = `"${process.execPath}" "${path.join(DIST, 'cli.js')}" receive --yes --json`;
    const limited = `ulimit -n 450; exec ${receive} --relay "${relay.url}" --out "${to}"`;
    const env = { ...process.env, CROC_SECRET: send.code };
    await Promise.all([
      send.done,
      promisify(execFile)('sh', ['-c', limited], { env, maxBuffer: 2 ** 24 }),
    ]);
    expect(await compareTrees(root, path.join(to, 'many'))).toEqual([]);
  });

  it('runs several at once through one relay', async () => {
    const relay = await testRelay();
    const croc = testCroc(relay);
    await Promise.all(
      [1, 2, 3, 4].map(async (number) => {
        const [from, to] = [await temporaryFolder(), await temporaryFolder()];
        const content = randomBytes(2_000_000 + number);
        await writeFile(path.join(from, 'file'), content);
        await transfer(croc, [path.join(from, 'file')], { to });
        expect((await readFile(path.join(to, 'file'))).equals(content)).toBe(true);
      }),
    );
  });

  it('takes a code of one’s own, and refuses it while it is in use', async () => {
    const [from, to] = [await temporaryFolder(), await temporaryFolder()];
    await writeFile(path.join(from, 'file'), 'x');
    const croc = testCroc(await testRelay());
    const file = path.join(from, 'file');
    const send = await croc.send([file], { code: 'team7-our own phrase' });
    expect(send.code).toBe('team7-our-own-phrase');
    expect(await codeOf(croc.send([file], { code: 'team7-another-phrase' }))).toBe('role_taken');
    const offer = await croc.receive(' TEAM7 our-OWN phrase ');
    expect(await codeOf(croc.receive(send.code))).toBe('role_taken');
    await Promise.all([send.done, offer.accept({ to }).done]);
  });

  it('sends only what was chosen, with the folders above it', async () => {
    const [from, to] = [await temporaryFolder(), await temporaryFolder()];
    const root = path.join(from, 'r');
    await mkdir(path.join(root, 'a/b'), { recursive: true });
    await mkdir(path.join(root, 'c'));
    for (const name of ['a/b/yes', 'a/no', 'c/no']) await writeFile(path.join(root, name), name);
    const croc = testCroc(await testRelay());
    const send = await croc.send([root]);
    const offer = await croc.receive(send.code);
    const only = [offer.entries.findIndex((entry) => entry.path === 'r/a/b/yes')];
    const [sent, received] = await Promise.all([send.done, offer.accept({ to, only }).done]);
    expect(await filesBelow(to)).toEqual(['r', 'r/a', 'r/a/b', 'r/a/b/yes']);
    expect([sent.transferred, received.bytes]).toEqual([7, 7]);
  });
});

describe('what is there already', () => {
  async function conflictCase(
    onConflict: AcceptOptions['onConflict'],
  ): Promise<{ to: string; sent: TransferResult }> {
    const [from, to] = [await temporaryFolder(), await temporaryFolder()];
    await writeFile(path.join(from, 'a.txt'), 'new');
    await writeFile(path.join(from, 'b.txt'), 'fresh');
    await writeFile(path.join(to, 'a.txt'), 'old');
    const croc = testCroc(await testRelay());
    const options = onConflict === undefined ? { to } : { to, onConflict };
    const paths = [path.join(from, 'a.txt'), path.join(from, 'b.txt')];
    const { sent } = await transfer(croc, paths, options);
    expect(await readFile(path.join(to, 'b.txt'), 'utf8')).toBe('fresh');
    return { to, sent };
  }

  it('is kept when nobody says otherwise', async () => {
    const { to } = await conflictCase(undefined);
    expect(await readFile(path.join(to, 'a.txt'), 'utf8')).toBe('old');
    expect(await readFile(path.join(to, 'a (2).txt'), 'utf8')).toBe('new');
  });

  it('is replaced on overwrite', async () => {
    const { to } = await conflictCase('overwrite');
    expect(await readFile(path.join(to, 'a.txt'), 'utf8')).toBe('new');
    expect(await filesBelow(to)).toEqual(['a.txt', 'b.txt']);
  });

  it('is left and not even sent on skip', async () => {
    const { to, sent } = await conflictCase('skip');
    expect(await readFile(path.join(to, 'a.txt'), 'utf8')).toBe('old');
    expect(sent.transferred).toBe('fresh'.length);
  });

  it('is asked about, one by one', async () => {
    const asked: string[] = [];
    const { to } = await conflictCase((conflict) => {
      asked.push(`${conflict.entry.path} ${conflict.existingSize}`);
      return Promise.resolve('overwrite');
    });
    expect(asked).toEqual(['a.txt 3']);
    expect(await readFile(path.join(to, 'a.txt'), 'utf8')).toBe('new');
  });

  it('ends the transfer when the question fails', async () => {
    const [from, to] = [await temporaryFolder(), await temporaryFolder()];
    await writeFile(path.join(from, 'a'), 'new');
    await writeFile(path.join(to, 'a'), 'old');
    const croc = testCroc(await testRelay());
    const send = await croc.send([path.join(from, 'a')]);
    const offer = await croc.receive(send.code);
    const receive = offer.accept({
      to,
      onConflict: () => Promise.reject(new Error('the prompt was closed')),
    });
    const codes = await Promise.all([codeOf(receive.done), codeOf(send.done)]);
    expect(codes).toEqual(['internal', 'peer_cancelled']);
    expect(await readFile(path.join(to, 'a'), 'utf8')).toBe('old');
  });
});

describe('an offer', () => {
  it('can be declined: nothing is written, both know', async () => {
    const [from, to] = [await temporaryFolder(), await temporaryFolder()];
    await writeFile(path.join(from, 'file'), 'x');
    const relay = await testRelay();
    const croc = testCroc(relay);
    const send = await croc.send([path.join(from, 'file')]);
    const ended = codeOf(send.done);
    const offer = await croc.receive(send.code);
    await offer.reject();
    expect(await ended).toBe('refused');
    expect(await filesBelow(to)).toEqual([]);
    expect(() => offer.accept({ to })).toThrow();
    expect(await relay.stats()).toMatchObject({ connections: 0 });
  });

  it('tells when the sender goes away while the person thinks', async () => {
    const from = await temporaryFolder();
    await writeFile(path.join(from, 'file'), 'x');
    const croc = testCroc(await testRelay());
    const send = await croc.send([path.join(from, 'file')]);
    const ended = codeOf(send.done);
    const offer = await croc.receive(send.code);
    await send.cancel();
    expect(await ended).toBe('cancelled');
    if (!offer.gone.aborted)
      await new Promise((resolve) => offer.gone.addEventListener('abort', resolve));
    expect(offer.gone.reason).toMatchObject({ code: 'peer_cancelled' });
    expect(await codeOf(offer.accept({ to: from }).done)).toBe('peer_cancelled');
  });
});

describe('what the sender keeps to itself', () => {
  it('links that leave the folder, pipes', async () => {
    const [from, to] = [await temporaryFolder(), await temporaryFolder()];
    const root = path.join(from, 'r');
    await mkdir(root);
    await writeFile(path.join(root, 'file'), 'x');
    await symlink('/etc/passwd', path.join(root, 'out'));
    await symlink('../..', path.join(root, 'up'));
    execFileSync('mkfifo', [path.join(root, 'pipe')]);
    const croc = testCroc(await testRelay());
    const send = await croc.send([root]);
    const offer = await croc.receive(send.code);
    await Promise.all([send.done, offer.accept({ to }).done]);
    expect(await filesBelow(to)).toEqual(['r', 'r/file']);
    expect(send.offered?.skipped.map((one) => one.reason).sort()).toEqual([
      'link-leaves-folder',
      'link-leaves-folder',
      'special-file',
    ]);
    expect(existsSync(path.join(to, 'r/out'))).toBe(false);
  });
});
