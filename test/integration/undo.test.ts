/** Taking back a receive, and looking at the room on the disk before one. */
import {
  chmod,
  lstat,
  mkdir,
  readFile,
  readlink,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Receive } from '../../src/core/api.js';
import { discardKept } from '../../src/core/files/undo.js';
import type { AcceptOptions } from '../../src/core/types.js';
import { codeOf, filesBelow, temporaryFolder, testCroc, testRelay } from '../support/croc.js';
import { RawPeer } from '../support/rawPeer.js';
import { compareTrees } from '../support/tree.js';

type Tree = Readonly<Record<string, string>>;

async function make(root: string, files: Tree): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), content);
  }
}

/** Receives a folder `d` into one that has something already, overwriting. */
async function received(offered: Tree, there: Tree, options: Partial<AcceptOptions> = {}) {
  const [from, to] = [await temporaryFolder(), await temporaryFolder()];
  await make(path.join(from, 'd'), offered);
  await make(to, there);
  const croc = testCroc(await testRelay());
  const send = await croc.send([path.join(from, 'd')]);
  const offer = await croc.receive(send.code);
  const receive = offer.accept({ to, onConflict: 'overwrite', undo: true, ...options });
  const [result] = await Promise.all([receive.done, send.done]);
  return { to, receive, result };
}

function undoOf({ undo }: Receive) {
  if (undo === undefined) throw new Error('nothing can be undone');
  return undo;
}

const OLD = { 'd/a': 'old a', 'd/deep/b': 'old b', 'd/other': 'mine' };
const NEW = { a: 'new a', 'deep/b': 'new b', 'deep/er/c': 'new c', empty: '' };

describe('undo', () => {
  it('brings back what was replaced, with its times and modes, and removes what came', async () => {
    const before = await temporaryFolder();
    await make(before, OLD);
    const { to, receive } = await received(NEW, OLD);
    expect(await readFile(path.join(to, 'd/deep/b'), 'utf8')).toBe('new b');
    const undo = undoOf(receive);
    expect(undo.files).toBe(4);
    expect(path.basename(undo.folder ?? '')).toMatch(/^\.croc-undo-[0-9a-f]{16}$/);
    expect(await undo.run()).toEqual({ removed: 2, restored: 2, left: [] });
    expect(await filesBelow(to)).toEqual(['d', 'd/a', 'd/deep', 'd/deep/b', 'd/other']);
    expect(await readFile(path.join(to, 'd/a'), 'utf8')).toBe('old a');
    expect(await readFile(path.join(to, 'd/deep/b'), 'utf8')).toBe('old b');
    expect(await undo.run()).toEqual({ removed: 0, restored: 0, left: [] });
  });

  it('is the same tree as before, links and executables too', async () => {
    const there = await temporaryFolder();
    const [from, copy] = [await temporaryFolder(), await temporaryFolder()];
    for (const root of [there, copy]) {
      await make(path.join(root, 'd'), { 'run.sh': 'old', target: 'x' });
      await chmod(path.join(root, 'd/run.sh'), 0o755);
      await symlink('target', path.join(root, 'd/link'));
      for (const name of ['d/run.sh', 'd/target']) await utimes(path.join(root, name), 1e9, 1e9);
    }
    await make(path.join(from, 'd'), { 'run.sh': 'newer', else: 'y' });
    await symlink('else', path.join(from, 'd/link'));
    const croc = testCroc(await testRelay());
    const send = await croc.send([path.join(from, 'd')]);
    const receive = (await croc.receive(send.code)).accept({
      ...{ to: there, onConflict: 'overwrite', undo: true },
    });
    await Promise.all([receive.done, send.done]);
    expect(await readlink(path.join(there, 'd/link'))).toBe('else');
    expect(await undoOf(receive).run()).toEqual({ removed: 1, restored: 2, left: [] });
    expect(await readlink(path.join(there, 'd/link'))).toBe('target');
    await rm(path.join(there, 'd/link'));
    await rm(path.join(copy, 'd/link'));
    expect(await compareTrees(path.join(copy, 'd'), path.join(there, 'd'))).toEqual([]);
  });

  it('leaves what has changed since, and tells which; nothing kept is lost', async () => {
    const { to, receive } = await received(NEW, OLD);
    await writeFile(path.join(to, 'd/a'), 'edited since');
    await rm(path.join(to, 'd/empty'));
    const undo = undoOf(receive);
    const { left, ...counts } = await undo.run();
    expect(counts).toEqual({ removed: 1, restored: 1 });
    expect([...left].sort()).toEqual([path.join(to, 'd/a'), path.join(to, 'd/empty')]);
    expect(await readFile(path.join(to, 'd/a'), 'utf8')).toBe('edited since');
    const kept = await filesBelow(undo.folder ?? '');
    expect(kept).toHaveLength(2);
    await undo.discard();
    expect((await filesBelow(to)).filter((name) => name.includes('.croc'))).toEqual([]);
  });

  it('keeps nothing when nothing is replaced, and is not there when it was not asked for', async () => {
    const plain = await received(NEW, {});
    expect(undoOf(plain.receive).folder).toBeUndefined();
    expect(await undoOf(plain.receive).run()).toEqual({ removed: 4, restored: 0, left: [] });
    expect(await filesBelow(plain.to)).toEqual([]);
    const without = await received(NEW, OLD, { undo: false });
    expect(without.receive.undo).toBeUndefined();
    expect((await filesBelow(without.to)).some((name) => name.includes('.croc'))).toBe(false);
  });

  it('is there after a transfer that failed, for what had arrived', async () => {
    const to = await temporaryFolder();
    await make(to, { a: 'old' });
    const relay = await testRelay();
    const peer = new RawPeer(relay.url);
    const { code, meet } = await peer.openAsSender('lunar-acorn-quilt');
    const offer = testCroc(relay).receive(code);
    await meet();
    peer.lane.hello();
    const entries = ['a', 'b'].map((p) => ({ k: 'f' as const, p, s: 3, m: 0 }));
    peer.lane.say({ t: 'entries', entries });
    peer.lane.say({ t: 'offer', count: 2, files: 2, folders: 0, bytes: 6 });
    const receive = (await offer).accept({ to, onConflict: 'overwrite', undo: true });
    await peer.lane.until('answer');
    peer.lane.data([{ entry: 0, offset: 0, length: 3, verified: true }], Buffer.from('new'));
    await peer.lane.until('have');
    peer.vanish();
    expect(await codeOf(receive.done)).toBe('connection_lost');
    // Whether the first file had its final name already is a matter of time; undo fits either.
    await receive.undo?.run();
    expect(await filesBelow(to)).toEqual(['a']);
    expect(await readFile(path.join(to, 'a'), 'utf8')).toBe('old');
  });

  it('lets a file that came beside another take its place, and brings both back', async () => {
    const { to, receive, result } = await received({ a: 'new a' }, OLD, { onConflict: 'rename' });
    const [one] = result.renamed ?? [];
    expect(one).toEqual({ offered: 'd/a', path: path.join(to, 'd/a (2)') });
    const undo = undoOf(receive);
    await undo.replace(path.join(to, 'd/a (2)'), path.join(to, 'd/a'));
    expect(await readFile(path.join(to, 'd/a'), 'utf8')).toBe('new a');
    expect(await filesBelow(path.join(to, 'd'))).not.toContain('a (2)');
    expect(await undo.run()).toEqual({ removed: 0, restored: 1, left: [] });
    expect(await readFile(path.join(to, 'd/a'), 'utf8')).toBe('old a');
    expect((await filesBelow(to)).some((name) => name.includes('.croc'))).toBe(false);
  });

  it('removes only folders of its own', async () => {
    const folder = path.join(await temporaryFolder(), 'precious');
    await mkdir(folder);
    await discardKept(folder);
    expect((await lstat(folder)).isDirectory()).toBe(true);
  });
});

describe('room on the disk', () => {
  it('is looked at before the sender hears yes, and the error says how much is missing', async () => {
    const to = await temporaryFolder();
    const relay = await testRelay();
    const peer = new RawPeer(relay.url);
    const { code, meet } = await peer.openAsSender('lunar-acorn-quilt');
    const offer = testCroc(relay).receive(code);
    await meet();
    peer.lane.hello();
    peer.lane.say({ t: 'entries', entries: [{ k: 'f', p: 'huge', s: 2 ** 52, m: 0 }] });
    peer.lane.say({ t: 'offer', count: 1, files: 1, folders: 0, bytes: 2 ** 52 });
    const { done } = (await offer).accept({ to });
    await expect(done).rejects.toMatchObject({ code: 'disk_full' });
    await expect(done).rejects.toThrow('4,503,599,627,370,496 bytes are needed, ');
    expect((await peer.lane.until('error')).code).toBe('disk_full');
    expect(peer.lane.messages.map(({ t }) => t)).not.toContain('answer');
    expect(await filesBelow(to)).toEqual([]);
    peer.vanish();
  });
});
