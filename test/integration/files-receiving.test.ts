import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/core/edges.js';
import { Destination, PART_NAME } from '../../src/core/files/destination.js';
import { SourceFile } from '../../src/core/files/source.js';
import type { OfferEntry } from '../../src/core/types.js';
import {
  codeOf,
  file,
  folder,
  isLinux,
  link,
  MTIME_MS,
  openDescriptors,
  planned,
  temporary,
  tree,
  walked,
} from './files-support.js';

// A disk that is busy with others may take long to flush.

const bytes = (text: string) => Buffer.from(text);
const text = (...path: string[]) => readFileSync(join(...path), 'utf8');
const partsIn = (to: string) => tree(to).filter((path) => /\.croc-[^/]*$/.test(path));

describe('a whole tree', () => {
  it('arrives as it was: names, content, times, modes, links', async () => {
    const from = temporary();
    const to = temporary();
    const d = join(from, 'Ordner');
    mkdirSync(join(d, 'пустая'), { recursive: true });
    mkdirSync(join(d, '深い/תיקייה'), { recursive: true });
    writeFileSync(join(d, 'zero'), '');
    writeFileSync(join(d, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(join(d, '深い/ファイル.txt'), 'こんにちは');
    writeFileSync(join(d, '深い/תיקייה/big'), systemRandom(3_000_000));
    symlinkSync('深い/ファイル.txt', join(d, 'link'));
    symlinkSync('../..', join(d, '深い/תיקייה/up'));
    const names = ['', 'zero', 'run.sh', '深い/ファイル.txt', '深い/תיקייה/big', 'пустая', '深い'];
    for (const [i, name] of names.reverse().entries())
      utimesSync(join(d, name), 1, (MTIME_MS + i * 1001) / 1000);

    const { entries } = await walked(d);
    const destination = await planned(to, entries);
    for (const [index, entry] of entries.entries()) {
      if (entry.kind !== 'file' || entry.size === 0) continue;
      const source = SourceFile.open(entry);
      const buffer = Buffer.alloc(entry.size);
      await source.read(0, buffer, entry.size);
      source.close();
      if (index % 2 === 0) await destination.writeWhole(index, buffer);
      else {
        const middle = Math.ceil(entry.size / 2);
        await Promise.all([
          destination.writeAt(index, middle, buffer.subarray(middle)),
          destination.writeAt(index, 0, buffer.subarray(0, middle)),
        ]);
      }
    }
    const result = await destination.finish();
    const files = entries.filter(({ kind }) => kind === 'file');
    expect(result).toEqual({
      files: files.length + 2,
      bytes: files.reduce((sum, { size }) => sum + size, 0),
      roots: [join(to, 'Ordner')],
    });
    const again = await walked(join(to, 'Ordner'));
    // To about a microsecond: that is what Node can set.
    const plain = (entry: OfferEntry & { source?: string }) => ({ ...entry, source: '' });
    const expected = entries.map((entry) => ({
      ...plain(entry),
      mtimeMs: expect.closeTo(entry.mtimeMs, 2) as number,
    }));
    expect(again.entries.map(plain)).toEqual(expected);
    for (const { path } of files)
      expect(readFileSync(join(to, path)).equals(readFileSync(join(from, path)))).toBe(true);
    const mask = Number.parseInt(execFileSync('sh', ['-c', 'umask']).toString(), 8);
    expect(statSync(join(to, 'Ordner/run.sh')).mode & 0o7777).toBe(0o777 & ~mask);
    expect(statSync(join(to, 'Ordner/zero')).mode & 0o7777).toBe(0o666 & ~mask);
  });

  it('keeps every millisecond', async () => {
    const to = temporary();
    const time = fc.integer({ min: -2_000_000_000_000, max: 4_000_000_000_000 });
    const times = fc.sample(time, 200);
    const entries = times.flatMap((mtimeMs, i) => [
      file(`${i}`, 0, { mtimeMs }),
      folder(`d${i}`, mtimeMs),
    ]);
    await (await planned(to, entries)).finish();
    for (const { path, mtimeMs } of entries)
      expect(Math.floor(statSync(join(to, path)).mtimeMs)).toBe(mtimeMs);
  });

  it('touches nothing before it is planned, and no more than a probe when it is opened', async () => {
    const to = temporary();
    const entries = [folder('d'), file('d/a', 'x')];
    const destination = await Destination.open(to, entries, { random: systemRandom });
    await destination.conflicts([0, 1]);
    destination.plan(0, 'rename');
    destination.plan(1, 'rename');
    expect(tree(to)).toEqual([]);
    await destination.abort();
    expect(tree(to)).toEqual([]);
  });

  it('makes the folders above what was chosen, with their times', async () => {
    const to = temporary();
    const entries = [folder('d'), folder('d/e'), file('d/e/a', 'x'), file('d/b', 'y')];
    const destination = await Destination.open(to, entries, { random: systemRandom });
    destination.plan(2, 'rename');
    await destination.writeWhole(2, bytes('x'));
    expect(await destination.finish()).toEqual({ files: 1, bytes: 1, roots: [join(to, 'd')] });
    expect(tree(to)).toEqual(['d/', 'd/e/', 'd/e/a']);
    expect(Math.floor(statSync(join(to, 'd')).mtimeMs)).toBe(MTIME_MS);
  });

  it('takes ten thousand small files quickly, with few descriptors', async () => {
    const to = temporary();
    const names = Array.from({ length: 10_000 }, (_, i) => `d/${i % 20}/file ${i}`);
    const entries = names.map((name) => file(name, name));
    const destination = await planned(to, entries);
    const started = performance.now();
    const before = isLinux ? openDescriptors() : 0;
    let most = 0;
    for (const [index, name] of names.entries()) {
      const room = destination.writeWhole(index, bytes(name));
      if (isLinux && index % 50 === 0) most = Math.max(most, openDescriptors() - before);
      if (room !== undefined) await room;
    }
    expect((await destination.finish()).files).toBe(10_000);
    const tookMs = performance.now() - started;
    console.log(`10,000 files in ${Math.round(tookMs)} ms, at most ${most} descriptors`);
    expect(most).toBeLessThanOrEqual(300);
    expect(tree(to).filter((path) => path.includes('file ')).length).toBe(10_000);
    expect(names.filter((name) => text(to, name) !== name)).toEqual([]);
  });

  it('holds few descriptors when a peer begins five hundred files and ends none', async () => {
    const to = temporary();
    const entries = Array.from({ length: 500 }, (_, i) => file(`f${i}`, 80_000));
    const destination = await planned(to, entries);
    const before = isLinux ? openDescriptors() : 0;
    let most = 0;
    const half = Buffer.alloc(40_000, 'a');
    const write = async (index: number, offset: number) => {
      await destination.writeAt(index, offset, half);
      if (isLinux) most = Math.max(most, openDescriptors() - before);
    };
    await Promise.all(entries.map((_, index) => write(index, 40_000)));
    expect(most).toBeLessThanOrEqual(300);
    expect(tree(to).every((path) => PART_NAME.test(path))).toBe(true);
    await Promise.all(entries.map((_, index) => write(index, 0)));
    expect((await destination.finish()).bytes).toBe(40_000_000);
    expect(most).toBeLessThanOrEqual(300);
    expect(new Set(text(to, 'f400'))).toEqual(new Set(['a']));
  });

  it('writes pieces in any order', async () => {
    const content = Buffer.from(systemRandom(300_000));
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: content.length - 1 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(cuts, fc.infiniteStream(fc.nat()), async (at, order) => {
        const to = temporary();
        const edges = [0, ...at.sort((a, b) => a - b), content.length];
        const pieces = edges.slice(1).map((end, i) => [edges[i] ?? 0, end] as const);
        pieces.sort(() => ((order.next().value ?? 0) % 2 === 0 ? 1 : -1));
        const destination = await planned(to, [file('a', content.length)]);
        await Promise.all(
          pieces.map(([from, end]) => destination.writeAt(0, from, content.subarray(from, end))),
        );
        await destination.finish();
        expect(readFileSync(join(to, 'a')).equals(content)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});

describe('what a peer must not do', () => {
  const entries = [file('a', 4), file('b', 4), folder('d'), file('e', 0)];

  it.each<[string, (d: Destination) => unknown]>([
    ['beyond the offered size', (d) => d.writeAt(0, 2, bytes('xyz'))],
    ['before the start', (d) => d.writeAt(0, -1, bytes('x'))],
    ['at no offset', (d) => d.writeAt(0, NaN, bytes('x'))],
    ['nothing', (d) => d.writeAt(0, 0, bytes(''))],
    ['to no entry', (d) => d.writeAt(99, 0, bytes('x'))],
    ['to a folder', (d) => d.writeAt(2, 0, bytes('x'))],
    ['to an empty file', (d) => d.writeAt(3, 0, bytes('x'))],
    ['a whole file that is too short', (d) => d.writeWhole(0, bytes('abc'))],
    ['a whole file that is too long', (d) => d.writeWhole(0, bytes('abcde'))],
    ['a whole folder', (d) => d.writeWhole(2, bytes(''))],
    [
      'the same bytes twice',
      async (d) => {
        await d.writeAt(0, 0, bytes('ab'));
        await d.writeAt(0, 1, bytes('bc'));
      },
    ],
    [
      'to a file that is whole',
      async (d) => {
        await d.writeWhole(0, bytes('abcd'));
        await d.writeAt(0, 0, bytes('a'));
      },
    ],
    [
      'a whole file over a begun one',
      async (d) => {
        await d.writeAt(0, 0, bytes('a'));
        await d.writeWhole(0, bytes('abcd'));
      },
    ],
  ])('write %s', async (_what, write) => {
    const to = temporary();
    const destination = await planned(to, entries);
    expect(await codeOf(() => write(destination))).toBe('protocol_error');
    // And nothing goes on after that.
    expect(await codeOf(() => destination.writeAt(1, 0, bytes('1234')))).toBe('protocol_error');
    expect(await codeOf(destination.finish())).toBe('protocol_error');
    await destination.abort();
    expect(tree(to)).toEqual([]);
  });

  it('write what was not planned or was skipped', async () => {
    const to = temporary();
    writeFileSync(join(to, 'a'), 'mine');
    const destination = await Destination.open(to, entries, { random: systemRandom });
    expect(destination.plan(0, 'skip')).toBe(false);
    expect(await codeOf(destination.writeAt(0, 0, bytes('x')))).toBe('protocol_error');
    const other = await Destination.open(to, entries, { random: systemRandom });
    expect(await codeOf(() => other.writeWhole(1, bytes('1234')))).toBe('protocol_error');
    await Promise.all([destination.abort(), other.abort()]);
    expect(tree(to)).toEqual(['a']);
  });

  it('stop in the middle and call it done', async () => {
    const to = temporary();
    const destination = await planned(to, entries);
    await destination.writeWhole(1, bytes('1234'));
    await destination.writeAt(0, 0, bytes('ab'));
    expect(await codeOf(destination.finish())).toBe('protocol_error');
    await destination.abort();
    expect(partsIn(to)).toEqual([]);
    expect(existsSync(join(to, 'a'))).toBe(false);
  });

  it('offer what is unsafe', async () => {
    const to = temporary();
    for (const [entry, code] of [
      [file('../a', 1), 'unsafe_path'],
      [link('d/l', '../../x'), 'unsafe_path'],
      [file('.', 1), 'unsafe_path'],
    ] as const)
      expect(await codeOf(Destination.open(to, [entry], { random: systemRandom }))).toBe(code);
    expect(tree(to)).toEqual([]);
    const windows = { random: systemRandom, platform: 'win32' } as const;
    expect(await codeOf(Destination.open(to, [file('a?', 1)], windows))).toBe('unsafe_path');
  });
});

describe('what is already there', () => {
  const entries = [folder('d'), file('d/a.txt', 'new'), file('b', 'new'), link('d/l', 'a.txt')];
  const occupied = () => {
    const to = temporary();
    mkdirSync(join(to, 'd'));
    writeFileSync(join(to, 'd/a.txt'), 'old one');
    writeFileSync(join(to, 'd/a (2).txt'), 'older');
    writeFileSync(join(to, 'd/l'), 'no link');
    utimesSync(join(to, 'd/a.txt'), 1, (MTIME_MS + 0.1) / 1000);
    return to;
  };
  const receive = async (to: string, destination: Destination) => {
    if (!existsSync(to)) throw new Error('no folder');
    await destination.writeWhole(1, bytes('new'));
    await destination.writeWhole(2, bytes('new'));
    return destination.finish();
  };

  it('is told, folders merged', async () => {
    const to = occupied();
    const destination = await Destination.open(to, entries, { random: systemRandom });
    expect(await destination.conflicts([0, 1, 2, 3])).toEqual([
      {
        index: 1,
        entry: entries[1],
        existing: join(to, 'd/a.txt'),
        existingSize: 7,
        existingMtimeMs: expect.closeTo(MTIME_MS + 0.1, 2) as number,
      },
      expect.objectContaining({ index: 3, existing: join(to, 'd/l') }),
    ]);
    expect(await destination.conflicts([0, 2])).toEqual([]);
  });

  it('stays, and the new gets a free name', async () => {
    const to = occupied();
    const result = await receive(to, await planned(to, entries, 'rename'));
    expect(tree(to)).toEqual([
      'b',
      'd/',
      'd/a (2).txt',
      'd/a (3).txt',
      'd/a.txt',
      'd/l',
      'd/l (2)',
    ]);
    expect(text(to, 'd/a.txt')).toBe('old one');
    expect(text(to, 'd/a (2).txt')).toBe('older');
    expect(text(to, 'd/a (3).txt')).toBe('new');
    expect(result.roots).toEqual([join(to, 'd'), join(to, 'b')]);
  });

  it('is replaced in one step', async () => {
    const to = occupied();
    const result = await receive(to, await planned(to, entries, 'overwrite'));
    expect(tree(to)).toEqual(['b', 'd/', 'd/a (2).txt', 'd/a.txt', 'd/l']);
    expect(text(to, 'd/a.txt')).toBe('new');
    expect(readlinkSync(join(to, 'd/l'))).toBe('a.txt');
    expect(result.files).toBe(3);
  });

  it('stays, and the new is left out', async () => {
    const to = occupied();
    const destination = await Destination.open(to, entries, { random: systemRandom });
    expect([0, 1, 2, 3].map((index) => destination.plan(index, 'skip'))).toEqual([
      true,
      false,
      true,
      false,
    ]);
    await destination.writeWhole(2, bytes('new'));
    expect(await destination.finish()).toMatchObject({ files: 1, bytes: 3 });
    expect(text(to, 'd/a.txt')).toBe('old one');
  });

  it('is not overwritten by a name that is given and also offered', async () => {
    const to = temporary();
    writeFileSync(join(to, 'a.txt'), 'old');
    const offer = [file('a.txt', 'first'), file('A (2).txt', 'other'), file('x', 1)];
    const destination = await planned(to, offer);
    await destination.writeWhole(0, bytes('first'));
    await destination.writeWhole(1, bytes('other'));
    await destination.writeWhole(2, bytes('1'));
    const { roots } = await destination.finish();
    expect(roots).toEqual(['a (3).txt', 'A (2).txt', 'x'].map((name) => join(to, name)));
    expect(text(to, 'a (3).txt')).toBe('first');
  });

  it.each(['rename', 'skip', 'overwrite'] as const)(
    'when it appears meanwhile: %s',
    async (choice) => {
      const to = temporary();
      const offer = [file('a.txt', 'new'), file('d/b', 'new'), link('d/l', 'b')];
      const destination = await planned(to, offer, choice);
      await destination.writeWhole(0, bytes('new'));
      await destination.writeAt(1, 0, bytes('ne'));
      writeFileSync(join(to, 'a.txt'), 'sudden');
      writeFileSync(join(to, 'd/b'), 'sudden');
      writeFileSync(join(to, 'd/l'), 'sudden');
      await destination.writeAt(1, 2, bytes('w'));
      const { files, roots } = await destination.finish();
      const expected = {
        rename: ['a (2).txt', 'a.txt', 'd/', 'd/b', 'd/b (2)', 'd/l', 'd/l (2)'],
        skip: ['a.txt', 'd/', 'd/b', 'd/l'],
        overwrite: ['a.txt', 'd/', 'd/b', 'd/l'],
      };
      expect(tree(to)).toEqual(expected[choice]);
      expect(text(to, 'a.txt')).toBe(choice === 'overwrite' ? 'new' : 'sudden');
      expect(files).toBe(choice === 'skip' ? 0 : 3);
      if (choice === 'rename') {
        expect(text(to, 'a (2).txt')).toBe('new');
        expect(roots).toEqual([join(to, 'a (2).txt'), join(to, 'd')]);
      }
    },
  );

  it('is a folder where a file is offered', async () => {
    const to = temporary();
    mkdirSync(join(to, 'b/inner'), { recursive: true });
    const offer = [file('b', 'new')];
    const destination = await Destination.open(to, offer, { random: systemRandom });
    expect(await destination.conflicts([0])).toMatchObject([{ existing: join(to, 'b') }]);
    expect(await codeOf(() => destination.plan(0, 'overwrite'))).toBe('target_in_the_way');
    expect(destination.plan(0, 'rename')).toBe(true);
    await destination.writeWhole(0, bytes('new'));
    await destination.finish();
    expect(tree(to)).toEqual(['b/', 'b/inner/', 'b (2)']);
  });

  it('is a pipe where a file is offered', async () => {
    const to = temporary();
    execFileSync('mkfifo', [join(to, 'b')]);
    const destination = await Destination.open(to, [file('b', 1)], { random: systemRandom });
    expect(await codeOf(() => destination.plan(0, 'overwrite'))).toBe('target_in_the_way');
  });

  it('is a file where a folder is offered: the folder gets another name, with all in it', async () => {
    const to = temporary();
    writeFileSync(join(to, 'd'), 'a file');
    const offer = [folder('d'), folder('d/e'), file('d/e/a', 'new'), link('d/l', 'e/a')];
    const destination = await Destination.open(to, offer, { random: systemRandom });
    expect(await destination.conflicts([0, 1, 2, 3])).toMatchObject([
      { index: 0, existingSize: 6 },
    ]);
    expect(await destination.conflicts([2])).toMatchObject([{ index: 2, existing: join(to, 'd') }]);
    expect(await codeOf(() => destination.plan(2, 'overwrite'))).toBe('target_in_the_way');
    for (const index of offer.keys()) expect(destination.plan(index, 'rename')).toBe(true);
    await destination.writeWhole(2, bytes('new'));
    expect((await destination.finish()).roots).toEqual([join(to, 'd (2)')]);
    expect(tree(to)).toEqual(['d', 'd (2)/', 'd (2)/e/', 'd (2)/e/a', 'd (2)/l']);
    expect(text(to, 'd (2)/l')).toBe('new');
    expect(Math.floor(statSync(join(to, 'd (2)')).mtimeMs)).toBe(MTIME_MS);
  });

  it('is a file where a folder is offered: skipping the folder skips all in it', async () => {
    const to = temporary();
    writeFileSync(join(to, 'd'), 'a file');
    const destination = await Destination.open(to, entries, { random: systemRandom });
    expect(destination.plan(0, 'skip')).toBe(false);
    expect(destination.plan(1, 'overwrite')).toBe(false);
    expect(destination.plan(2, 'rename')).toBe(true);
    expect(destination.plan(3, 'rename')).toBe(false);
    await destination.writeWhole(2, bytes('new'));
    await destination.finish();
    expect(tree(to)).toEqual(['b', 'd']);
  });
});

describe('links in the destination', () => {
  it('are never written through, neither as a parent nor as a target', async () => {
    const to = temporary();
    const outside = temporary();
    writeFileSync(join(outside, 'precious'), 'precious');
    symlinkSync(outside, join(to, 'd'));
    symlinkSync(join(outside, 'precious'), join(to, 'f'));
    const offer = [file('d/precious', 'evil'), file('f', 'evil')];
    const destination = await Destination.open(to, offer, { random: systemRandom });
    expect(await destination.conflicts([0, 1])).toMatchObject([
      { index: 0, existing: join(to, 'd') },
      { index: 1, existing: join(to, 'f') },
    ]);
    expect(await codeOf(() => destination.plan(0, 'overwrite'))).toBe('target_in_the_way');
    expect(destination.plan(0, 'rename')).toBe(true);
    expect(destination.plan(1, 'overwrite')).toBe(true);
    await destination.writeWhole(0, bytes('evil'));
    await destination.writeWhole(1, bytes('evil'));
    await destination.finish();
    expect(tree(outside)).toEqual(['precious']);
    expect(text(outside, 'precious')).toBe('precious');
    expect(lstatSync(join(to, 'f')).isFile()).toBe(true);
    expect(tree(to)).toEqual(['d', 'd (2)/', 'd (2)/precious', 'f']);
  });

  it('planted where a folder is about to be made are not followed', async () => {
    const to = temporary();
    const outside = temporary();
    const destination = await planned(to, [file('d/e/a', 'evil')], 'overwrite');
    symlinkSync(outside, join(to, 'd'));
    expect(await codeOf(() => destination.writeWhole(0, bytes('evil')))).toBe('target_in_the_way');
    await destination.abort();
    expect(tree(outside)).toEqual([]);
    expect(tree(to)).toEqual(['d']);
  });

  it('may be the destination itself', async () => {
    const to = temporary();
    const alias = join(temporary(), 'alias');
    symlinkSync(to, alias);
    const destination = await planned(alias, [file('a', 0)]);
    expect((await destination.finish()).roots).toEqual([join(to, 'a')]);
  });

  it('do not lead a received link out', async () => {
    const to = temporary();
    const outside = temporary();
    mkdirSync(join(to, 'd'));
    symlinkSync(outside, join(to, 'd/away'));
    symlinkSync('/nowhere/at/all', join(to, 'd/lost'));
    for (const target of ['away/x', 'away', 'lost', 'lost/x']) {
      const destination = await planned(to, [link('d/l', target)]);
      expect(await codeOf(destination.finish())).toBe('unsafe_path');
      await destination.abort();
      expect(tree(join(to, 'd'))).toEqual(['away', 'lost']);
    }
  });

  it('may point at each other, and at nothing', async () => {
    const to = temporary();
    const offer = [
      ...[folder('d'), folder('d/e'), link('d/a', 'b'), link('d/b', 'a'), link('d/n', 'none/x')],
      ...[
        link('d/e/up', '..'),
        link('d/e/through', 'up/e/up/f'),
        file('d/f', 'x'),
        link('d/self', '.'),
      ],
    ];
    const destination = await planned(to, offer);
    await destination.writeWhole(7, bytes('x'));
    expect((await destination.finish()).files).toBe(7);
    expect(text(to, 'd/e/through')).toBe('x');
    expect(text(to, 'd/self/self/f')).toBe('x');
  });
});

describe('abort', () => {
  it('removes what is not whole and what is empty, and keeps the rest', async () => {
    const to = temporary();
    mkdirSync(join(to, 'old'));
    const before = isLinux ? openDescriptors() : 0;
    const offer = [
      ...[file('old/a', 4), file('new/whole', 4), file('new/begun', 200_000)],
      ...[file('other/deep/begun', 4), file('waiting', 4)],
    ];
    const destination = await planned(to, offer);
    await destination.writeWhole(1, bytes('1234'));
    await destination.flush();
    expect(text(to, 'new/whole')).toBe('1234');
    await destination.writeAt(0, 0, bytes('12'));
    await destination.writeAt(3, 0, bytes('12'));
    await destination.writeWhole(4, bytes('1234'));
    const running = destination.writeAt(2, 0, Buffer.alloc(100_000));
    await Promise.all([destination.abort(), destination.abort(), codeOf(running)]);
    expect(tree(to)).toEqual(['new/', 'new/whole', 'old/']);
    if (isLinux) expect(openDescriptors()).toBe(before);
    expect(await codeOf(destination.writeAt(0, 2, bytes('34')))).toBe('cancelled');
    expect(await codeOf(destination.finish())).toBe('cancelled');
    expect(tree(to)).toEqual(['new/', 'new/whole', 'old/']);
  });

  it('does nothing after a good end', async () => {
    const to = temporary();
    const destination = await planned(to, [folder('d'), file('a', 0)]);
    await destination.finish();
    await destination.abort();
    expect(tree(to)).toEqual(['a', 'd/']);
  });

  it('while it ends leaves no temporary file', async () => {
    const to = temporary();
    const offer = Array.from({ length: 500 }, (_, i) => file(`d/${i}`, i % 2 === 0 ? 0 : 4));
    const destination = await planned(to, offer);
    for (const index of offer.keys())
      if (index % 2 === 1) await destination.writeWhole(index, bytes('1234'));
    const finishing = codeOf(destination.finish());
    await destination.abort();
    expect(['cancelled', 'none']).toContain(await finishing);
    expect(partsIn(to)).toEqual([]);
    for (const name of existsSync(join(to, 'd')) ? readdirSync(join(to, 'd')) : [])
      expect(statSync(join(to, 'd', name)).size).toBe(Number(name) % 2 === 0 ? 0 : 4);
  });

  it('does not mind that everything is gone', async () => {
    const to = join(temporary(), 'to');
    mkdirSync(to);
    const destination = await planned(to, [file('d/a', 4)]);
    await destination.writeAt(0, 0, bytes('12'));
    rmSync(to, { recursive: true });
    await destination.abort();
    expect(existsSync(to)).toBe(false);
  });
});
