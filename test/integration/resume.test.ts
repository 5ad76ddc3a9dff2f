/**
 * Going on where a transfer stopped, over the real wire: what is here is found by its content and not
 * sent again, whatever stopped the transfer, and nothing half ever stands under a final name.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  chmod,
  link,
  mkdir,
  open,
  readFile,
  readdir,
  rename,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Croc } from '../../src/core/croc.js';
import { BLOCK_BYTES } from '../../src/core/files/blocks.js';
import { PartLock } from '../../src/core/files/lock.js';
import { PART_NAME, partialName } from '../../src/core/files/partials.js';
import { systemRandom } from '../../src/core/edges.js';
import type {
  AcceptOptions,
  Progress,
  ReceiveResult,
  TransferResult,
} from '../../src/core/types.js';
import { codeOf, filesBelow, temporaryFolder, testCroc, testRelay } from '../support/croc.js';

// A machine that is busy with others may take long for what is quick.

const MIB = 2 ** 20;
/** An id of this machine that nobody holds. */
async function deadId(): Promise<string> {
  const lock = await PartLock.take(systemRandom);
  lock?.release();
  if (!lock) throw new Error('no sockets on this system');
  return lock.id;
}

interface Done {
  readonly sent: TransferResult;
  readonly received: ReceiveResult;
  readonly last: Progress | undefined;
}

/** Sends and receives, both sides in this process. */
async function transfer(croc: Croc, source: string, options: AcceptOptions): Promise<Done> {
  const send = await croc.send([source]);
  const offer = await croc.receive(send.code);
  const receive = offer.accept(options);
  let last: Progress | undefined;
  receive.on('progress', (progress) => (last = progress));
  const [sent, received] = await Promise.all([send.done, receive.done]);
  return { sent, received, last };
}

async function same(one: string, other: string): Promise<boolean> {
  return (await readFile(one)).equals(await readFile(other));
}

/** A file to send, an empty folder to receive into, a Croc. */
async function place(bytes: number): Promise<{ file: string; to: string; croc: Croc }> {
  const [from, to, relay] = [await temporaryFolder(), await temporaryFolder(), await testRelay()];
  const file = path.join(from, 'big.bin');
  await writeFile(file, randomBytes(bytes));
  return { file, to, croc: testCroc(relay) };
}

async function change(file: string, offset: number, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(bytes, 0, bytes.length, offset);
  await handle.close();
}

describe('a file that is there in another version', () => {
  it('costs the blocks that differ', async () => {
    const { file, to, croc } = await place(40 * MIB + 12_345);
    const target = path.join(to, 'big.bin');
    await writeFile(target, await readFile(file));
    await change(target, 20 * MIB + 5, Buffer.of(0, 1, 2, 3));
    const { sent, received, last } = await transfer(croc, file, { to, onConflict: 'overwrite' });
    expect(await same(file, target)).toBe(true);
    expect(received.bytes).toBe(40 * MIB + 12_345);
    expect(sent.transferred).toBe(BLOCK_BYTES);
    expect(received.transferred).toBe(BLOCK_BYTES);
    expect(last).toMatchObject({ bytes: last?.total, resumed: received.bytes - BLOCK_BYTES });
    expect(await filesBelow(to)).toEqual(['big.bin']);
  });

  it('is a basis also when both are kept', async () => {
    const { file, to, croc } = await place(4 * MIB);
    const old = Buffer.concat([await readFile(file), randomBytes(1000)]);
    old.fill(1, 0, 10);
    await writeFile(path.join(to, 'big.bin'), old);
    const { sent } = await transfer(croc, file, { to });
    expect(sent.transferred).toBe(BLOCK_BYTES);
    expect(await same(file, path.join(to, 'big (2).bin'))).toBe(true);
    expect((await readFile(path.join(to, 'big.bin'))).equals(old)).toBe(true);
  });

  it('that is shorter costs what is behind it', async () => {
    const { file, to, croc } = await place(4 * MIB + 100);
    const target = path.join(to, 'big.bin');
    await writeFile(target, (await readFile(file)).subarray(0, 3 * MIB + 7));
    const { sent } = await transfer(croc, file, { to, onConflict: 'overwrite' });
    expect(sent.transferred).toBe(MIB + 100);
    expect(await same(file, target)).toBe(true);
  });

  it.each([
    ['all over', 1],
    ['every second block', 2],
  ])('that differs %s arrives whole', async (_, every) => {
    const { file, to, croc } = await place(10 * MIB);
    const target = path.join(to, 'big.bin');
    const old = await readFile(file);
    for (let at = 0; at < old.length; at += every * BLOCK_BYTES) old[at] = (old[at] ?? 0) ^ 1;
    await writeFile(target, old);
    const { sent } = await transfer(croc, file, { to, onConflict: 'overwrite' });
    expect(sent.transferred).toBe((10 * MIB) / every);
    expect(await same(file, target)).toBe(true);
  });
});

describe('a file that is there as it is offered', () => {
  it('is not sent, not copied, and gets the offered looks on overwrite', async () => {
    const { file, to, croc } = await place(5 * MIB + 1);
    const target = path.join(to, 'big.bin');
    await writeFile(target, await readFile(file));
    await utimes(file, 1_600_000_000, 1_600_000_000);
    await chmod(file, 0o755);
    const before = await stat(target);
    const { sent, received } = await transfer(croc, file, { to, onConflict: 'overwrite' });
    const after = await stat(target);
    expect([sent.transferred, received.files, received.roots]).toEqual([0, 1, [target]]);
    expect([after.ino, after.mtimeMs, after.mode & 0o100]).toEqual([
      before.ino,
      1_600_000_000_000,
      0o100,
    ]);
  });

  it('stays alone and untouched when both would be kept', async () => {
    const { file, to, croc } = await place(3 * MIB);
    const target = path.join(to, 'big.bin');
    await writeFile(target, await readFile(file));
    await utimes(target, 1_500_000_000, 1_500_000_000);
    const { received } = await transfer(croc, file, { to });
    expect(received).toMatchObject({ files: 1, bytes: 3 * MIB, transferred: 0, roots: [target] });
    expect(await filesBelow(to)).toEqual(['big.bin']);
    expect((await stat(target)).mtimeMs).toBe(1_500_000_000_000);
  });

  it('may be one of many small ones, others being new, old or gone', async () => {
    const [from, to] = [await temporaryFolder(), await temporaryFolder()];
    const root = path.join(from, 'd');
    await mkdir(root);
    await mkdir(path.join(to, 'd'));
    let fresh = 0;
    for (let i = 0; i < 300; i += 1) {
      const content = randomBytes(1 + i * 20);
      await writeFile(path.join(root, `${i}`), content);
      if (i % 3 === 0) await writeFile(path.join(to, 'd', `${i}`), content);
      else fresh += content.length;
      if (i % 3 === 1) await writeFile(path.join(to, 'd', `${i}`), randomBytes(content.length));
    }
    const croc = testCroc(await testRelay());
    const { sent, received } = await transfer(croc, root, { to, onConflict: 'overwrite' });
    expect([sent.transferred, received.files]).toEqual([fresh, 300]);
    for (const name of await readdir(root))
      expect(await same(path.join(root, name), path.join(to, 'd', name))).toBe(true);
  });
});

describe('a partial file', () => {
  /** Leaves the first part of a file as a broken transfer would. */
  async function leave(to: string, content: Uint8Array): Promise<string> {
    const left = path.join(to, partialName('big.bin', await deadId()));
    await writeFile(left, content);
    return left;
  }

  it('is gone on with, and is gone afterwards', async () => {
    const { file, to, croc } = await place(8 * MIB);
    await leave(to, (await readFile(file)).subarray(0, 5 * MIB));
    const { sent, last } = await transfer(croc, file, { to });
    expect(sent.transferred).toBe(3 * MIB);
    expect(last?.resumed).toBe(5 * MIB);
    expect(await filesBelow(to)).toEqual(['big.bin']);
    expect(await same(file, path.join(to, 'big.bin'))).toBe(true);
  });

  it('with wrong, missing and too many bytes costs no more than these', async () => {
    const { file, to, croc } = await place(4 * MIB + 5);
    const left = await leave(to, Buffer.concat([await readFile(file), randomBytes(3 * MIB)]));
    await change(left, MIB, Buffer.alloc(2 * BLOCK_BYTES));
    await change(left, 4 * MIB + 2, Buffer.of(7, 7, 7));
    const { sent } = await transfer(croc, file, { to });
    expect(sent.transferred).toBeLessThanOrEqual(2 * BLOCK_BYTES + 5);
    expect(await same(file, path.join(to, 'big.bin'))).toBe(true);
  });

  it('and an older version are used together', async () => {
    const { file, to, croc } = await place(8 * MIB);
    const content = await readFile(file);
    await leave(to, content.subarray(0, 2 * MIB));
    const old = Buffer.from(content);
    old.fill(0, 0, 5 * MIB);
    await writeFile(path.join(to, 'big.bin'), old);
    const { sent } = await transfer(croc, file, { to, onConflict: 'overwrite' });
    expect(sent.transferred).toBe(3 * MIB);
    expect(await same(file, path.join(to, 'big.bin'))).toBe(true);
    expect(await filesBelow(to)).toEqual(['big.bin']);
  });

  it('that is a link, has a second name, or is of another target is left alone', async () => {
    const { file, to, croc } = await place(2 * MIB);
    const content = await readFile(file);
    const elsewhere = await temporaryFolder();
    const secret = path.join(elsewhere, 'secret');
    await writeFile(secret, content);
    await symlink(secret, path.join(to, partialName('big.bin', await deadId())));
    await link(secret, path.join(to, partialName('big.bin', await deadId())));
    await writeFile(path.join(to, partialName('other.bin', await deadId())), content);
    const { sent } = await transfer(croc, file, { to });
    expect(sent.transferred).toBe(2 * MIB);
    expect((await readFile(secret)).equals(content)).toBe(true);
    expect((await filesBelow(to)).length).toBe(4);
  });

  it('that somebody writes is left to them', async () => {
    const { file, to, croc } = await place(2 * MIB);
    const lock = await PartLock.take(systemRandom);
    const theirs = path.join(to, partialName('big.bin', lock?.id ?? ''));
    const content = await readFile(file);
    await writeFile(theirs, content);
    const { sent } = await transfer(croc, file, { to });
    lock?.release();
    expect(sent.transferred).toBe(2 * MIB);
    expect((await readFile(theirs)).equals(content)).toBe(true);
  });

  it('that nobody went on with for a week is removed by the next transfer, no other', async () => {
    const { file, to, croc } = await place(10);
    const old = new Date(Date.now() - 8 * 24 * 3600 * 1000);
    const stale = [partialName('gone.iso', await deadId()), '.croc-0123456789abcdef.part'];
    const fresh = partialName('new.iso', await deadId());
    const others = ['.croc-0123.part', 'notes.part'];
    for (const name of [...stale, fresh, ...others]) {
      await writeFile(path.join(to, name), 'x');
      if (name !== fresh) await utimes(path.join(to, name), old, old);
    }
    // Of which machine the second one is cannot be known, unless by chance.
    await transfer(croc, file, { to });
    expect(await filesBelow(to)).toEqual([...others, stale[1] ?? '', fresh, 'big.bin'].sort());
  });

  it('has a name that tells its target, whatever that is called', () => {
    const id = '0123456789abcdef';
    for (const name of ['a', 'ä'.repeat(127), '👩‍💻'.repeat(23), 'x'.repeat(255), '.croc-x.part']) {
      const partial = partialName(name, id);
      expect(Buffer.byteLength(partial)).toBeLessThanOrEqual(255);
      expect(PART_NAME.exec(partial)?.groups?.id).toBe(id);
      expect(partial).not.toContain('\ufffd');
    }
    expect(partialName('x'.repeat(254) + 'a', id)).not.toBe(partialName('x'.repeat(254) + 'b', id));
  });
});

describe('a transfer that is stopped in the middle', () => {
  const BYTES = 96 * MIB;
  const LEEWAY = 64 * MIB;

  /** Begins, stops when a part is there, and gives what stands in the folder. */
  async function broken(
    by: 'recipient' | 'sender' | 'relay',
  ): Promise<{ file: string; to: string; held: number }> {
    const { file, to } = await place(BYTES);
    const relay = await testRelay();
    const croc = testCroc(relay, { timing: { answerMs: 1000, reconnectMs: 1500 } });
    // Not so fast that it is over before it can be stopped.
    const send = await croc.send([file], { limit: 64 * MIB });
    const receive = (await croc.receive(send.code)).accept({ to });
    const ends = [codeOf(send.done), codeOf(receive.done)];
    const held = await new Promise<number>((resolve) => {
      receive.on('progress', ({ bytes }) => bytes > 4 * MIB && resolve(bytes));
    });
    if (by === 'recipient') await receive.cancel();
    else if (by === 'sender') await send.cancel();
    else await relay.close();
    expect(await Promise.all(ends)).not.toContain('resolved');
    return { file, to, held };
  }

  it.each(['recipient', 'sender', 'relay'] as const)('by the %s goes on', async (by) => {
    const { file, to, held } = await broken(by);
    const left = await filesBelow(to);
    expect(left.length).toBe(1);
    expect(left[0]).toMatch(/^\.big\.bin\.croc-[0-9a-f]{16}\.part$/);
    const { sent } = await transfer(testCroc(await testRelay()), file, { to });
    expect(sent.transferred).toBeLessThanOrEqual(BYTES - held + Math.min(held, LEEWAY) / 2);
    expect(await same(file, path.join(to, 'big.bin'))).toBe(true);
    expect(await filesBelow(to)).toEqual(['big.bin']);
  });

  it('goes on although the file has another version now', async () => {
    const { file, to } = await broken('recipient');
    await change(file, 0, Buffer.from('another'));
    await truncate(file, BYTES - 3);
    const { sent } = await transfer(testCroc(await testRelay()), file, { to });
    expect(sent.transferred).toBeLessThan(BYTES);
    expect(await same(file, path.join(to, 'big.bin'))).toBe(true);
  });

  it('does not go on in another folder, nor under another name', async () => {
    const { file, to } = await broken('recipient');
    const other = path.join(path.dirname(file), 'other.bin');
    await rename(file, other);
    const { sent } = await transfer(testCroc(await testRelay()), other, { to });
    expect(sent.transferred).toBe(BYTES);
    expect(existsSync(path.join(to, 'big.bin'))).toBe(false);
  });
});

describe('two transfers of one file into one folder at once', () => {
  it('both arrive whole', async () => {
    const { file, to, croc } = await place(24 * MIB);
    await writeFile(
      path.join(to, partialName('big.bin', await deadId())),
      (await readFile(file)).subarray(0, 8 * MIB),
    );
    const both = await Promise.all([1, 2].map(() => transfer(croc, file, { to })));
    expect(both.map(({ received }) => received.files)).toEqual([1, 1]);
    const names = await filesBelow(to);
    expect(names.filter((name) => PART_NAME.test(name))).toEqual([]);
    for (const name of names) expect(await same(file, path.join(to, name))).toBe(true);
  });
});
