/** A client written from docs/protocol.md alone meets this one, as processes, in both roles. */
import { randomBytes } from 'node:crypto';
import {
  chmod,
  lstat,
  mkdir,
  readFile,
  readlink,
  readdir,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Item } from '../interop/independent/files.js';
import { confirmAsRecipient, joinAsRecipient, openAsSender } from '../interop/independent/meet.js';
import { decline, hearOffer, receiveItems } from '../interop/independent/receive.js';
import { HELLO, hearHello, sendItems } from '../interop/independent/send.js';
import { Cli, ending, failed, startRelayProcess, temporaryFolder } from '../support/cli.js';

const CURVES = ['p256', 'p384', 'p521', 'siec'];
const MTIME_MS = Date.UTC(2020, 1, 2, 3, 4, 5, 678);
const SECRET = 'lunar-acorn-quilt';

/** One of everything, as an offer has it: a folder before what is in it. */
function sampleItems(): Item[] {
  const common = { mtimeMs: MTIME_MS, bytes: Buffer.alloc(0) };
  const file = (name: string, bytes: Buffer, executable = false): Item => ({
    ...common,
    kind: 'file',
    path: `tree/${name}`,
    bytes,
    executable,
  });
  return [
    { ...common, kind: 'folder', path: 'tree' },
    { ...common, kind: 'folder', path: 'tree/empty folder' },
    { ...common, kind: 'folder', path: 'tree/папка' },
    file('empty file', Buffer.alloc(0)),
    file('папка/日本語.txt', Buffer.from('hello')),
    file('run.sh', Buffer.from('#!/bin/sh\n'), true),
    file('large.bin', randomBytes(5_000_000)),
    ...Array.from({ length: 40 }, (_, i) => file(`small ${i}`, randomBytes(i * 37))),
    { ...common, kind: 'link', path: 'tree/папка/link', target: '日本語.txt' },
  ];
}

async function writeTree(root: string, items: readonly Item[]): Promise<void> {
  for (const { kind, path: name, bytes, executable, target } of items) {
    const at = path.join(root, name);
    if (kind === 'folder') await mkdir(at);
    else if (kind === 'link') await symlink(target ?? '', at);
    else await writeFile(at, bytes);
    if (executable === true) await chmod(at, 0o755);
  }
  const time = new Date(MTIME_MS);
  for (const { kind, path: name } of [...items].reverse())
    if (kind !== 'link') await utimes(path.join(root, name), time, time);
}

/** What has to be the same on both sides, by path. */
function described(items: readonly Item[]): Record<string, unknown> {
  return Object.fromEntries(
    items.map(({ path: name, kind, bytes, executable, target, mtimeMs }) => [
      name,
      kind === 'link'
        ? { target }
        : {
            kind,
            time: Math.abs(mtimeMs - MTIME_MS) < 1 ? 'kept' : mtimeMs,
            ...(kind === 'file' && { bytes: bytes.toString('base64'), x: executable === true }),
          },
    ]),
  );
}

async function readTree(root: string): Promise<Item[]> {
  const names = await readdir(root, { recursive: true });
  return Promise.all(
    names.map(async (name): Promise<Item> => {
      const at = path.join(root, name);
      const stats = await lstat(at);
      const common = { path: name, mtimeMs: stats.mtimeMs, bytes: Buffer.alloc(0) };
      if (stats.isSymbolicLink()) return { ...common, kind: 'link', target: await readlink(at) };
      if (stats.isDirectory()) return { ...common, kind: 'folder' };
      const executable = (stats.mode & 0o100) !== 0;
      return { ...common, kind: 'file', bytes: await readFile(at), executable };
    }),
  );
}

/** The program sends these; its code. */
async function programSends(items: readonly Item[], lanes: number, ...options: string[]) {
  const relay = await startRelayProcess(lanes);
  const folder = await temporaryFolder();
  await writeTree(folder, items);
  const tree = path.join(folder, items[0]?.path ?? '');
  const sender = Cli.json(['send', tree, '--relay', relay.url, ...options]);
  return { url: relay.url, sender, code: (await sender.event('code')).code };
}

describe('an independent recipient', () => {
  test.each([1, 2, 4])('gets every byte from the program over %i lanes', async (lanes) => {
    const items = sampleItems();
    const { url, sender, code } = await programSends(items, lanes);
    const meeting = await joinAsRecipient(url, code);
    expect(meeting.party.ports).toHaveLength(lanes);
    const received = await receiveItems(await confirmAsRecipient(meeting));
    expect(described(received)).toEqual(described(items));
    // Not before: the end of the channel cuts lanes, and `done` may still be on its way.
    expect(await sender.exit).toBe(0);
    await meeting.party.leave();
    const bytes = items.reduce((sum, item) => sum + item.bytes.length, 0);
    const done = { event: 'done', files: 45, bytes, transferred: bytes };
    expect(sender.events.at(-1)).toEqual(done);
  });

  test.each(CURVES)('exchanges a key on %s', async (curve) => {
    const items = sampleItems().slice(0, 5);
    const { url, sender, code } = await programSends(items, 1, '--curve', curve);
    const meeting = await joinAsRecipient(url, code);
    expect(meeting.party.curve).toBe(curve);
    const received = await receiveItems(await confirmAsRecipient(meeting));
    expect(described(received)).toEqual(described(items));
    expect(await sender.exit).toBe(0);
    await meeting.party.leave();
  });

  test('names some of the entries, and gets those', async () => {
    const items = sampleItems();
    const { url, sender, code } = await programSends(items, 2);
    const meeting = await joinAsRecipient(url, code);
    const lanes = await confirmAsRecipient(meeting);
    const chosen = (item: Item): boolean => /small \d*[13579]$|папка/u.test(item.path);
    const received = await receiveItems(lanes, chosen);
    expect(described(received)).toEqual(described(items.filter(chosen)));
    expect(await sender.exit).toBe(0);
    await meeting.party.leave();
  });

  test('names nothing, and both are done', async () => {
    const { url, sender, code } = await programSends(sampleItems(), 2);
    const meeting = await joinAsRecipient(url, code);
    expect(await receiveItems(await confirmAsRecipient(meeting), () => false)).toEqual([]);
    expect(await sender.exit).toBe(0);
    await meeting.party.leave();
  });

  test('declines', async () => {
    const { url, sender, code } = await programSends(sampleItems(), 2);
    const meeting = await joinAsRecipient(url, code);
    const lanes = await confirmAsRecipient(meeting);
    const [control] = lanes;
    if (control === undefined) throw new Error('no lane');
    await control.say(HELLO);
    await hearHello(control);
    expect(described(await hearOffer(control))).toHaveProperty(['tree/run.sh']);
    await decline(lanes);
    expect(await ending(sender)).toEqual(failed('refused'));
    await meeting.party.leave();
  });
});

describe('an independent sender', () => {
  async function programReceives(items: readonly Item[], lanes: number, curve = 'p256') {
    const { url } = await startRelayProcess(lanes);
    const out = await temporaryFolder();
    const waiting = await openAsSender(url, SECRET, { curve });
    const recipient = Cli.json(['receive', waiting.code, '--relay', url, '--out', out, '--yes']);
    const done = await sendItems(await waiting.meet(), items);
    expect(await recipient.exit).toBe(0);
    waiting.party.relay.close();
    return { done, out };
  }

  test.each([1, 2, 4])('gives every byte to the program over %i lanes', async (lanes) => {
    const items = sampleItems();
    const { done, out } = await programReceives(items, lanes);
    expect(described(await readTree(out))).toEqual(described(items));
    const bytes = items.reduce((sum, item) => sum + item.bytes.length, 0);
    expect(done).toEqual({ files: 45, bytes });
  });

  test.each(CURVES)('exchanges a key on %s', async (curve) => {
    const items = sampleItems().slice(0, 5);
    const { out } = await programReceives(items, 1, curve);
    expect(described(await readTree(out))).toEqual(described(items));
  });

  test('is declined by somebody who says nothing', async () => {
    const { url } = await startRelayProcess(2);
    const waiting = await openAsSender(url, SECRET);
    const recipient = Cli.json([
      'receive',
      waiting.code,
      '--relay',
      url,
      '--out',
      await temporaryFolder(),
    ]);
    await expect(sendItems(await waiting.meet(), sampleItems())).rejects.toThrow(/^refused/);
    expect(await recipient.exit).toBe(1);
    await waiting.party.leave();
  });
});
