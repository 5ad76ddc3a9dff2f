import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkOffer } from '../../src/core/files/safePath.js';
import { readSmallFile, SourceFile } from '../../src/core/files/source.js';
import { walk, type WalkEntry } from '../../src/core/files/walk.js';
import {
  codeOf,
  isLinux,
  isRoot,
  MTIME_MS,
  openDescriptors,
  runProgram,
  temporary,
  walked,
} from './files-support.js';

const IGNORE = { onSkip: () => undefined };

describe('walk', () => {
  it('gives folders before their contents, names in the order of their bytes', async () => {
    const root = temporary();
    mkdirSync(join(root, 'd/b/empty'), { recursive: true });
    for (const name of [
      'd/z',
      'd/C',
      'd/a',
      'd/b/x',
      'd/\u{1F40A}',
      'd/\uff5e',
      'd/日本語',
      'd/שלום',
    ])
      writeFileSync(join(root, name), name);
    const { entries, skipped, paths } = await walked(join(root, 'd'));
    expect(paths).toEqual([
      ...['d', 'd/C', 'd/a', 'd/b', 'd/b/empty', 'd/b/x', 'd/z'],
      ...['d/שלום', 'd/日本語', 'd/\uff5e', 'd/\u{1F40A}'],
    ]);
    expect(skipped).toEqual([]);
    expect(() => checkOffer(entries)).not.toThrow();
    expect(entries.find(({ path }) => path === 'd/日本語')).toMatchObject({
      kind: 'file',
      size: 11,
      source: join(root, 'd/日本語'),
    });
  });

  it('leaves out what an unfinished transfer left, unless that itself is named', async () => {
    const root = temporary();
    mkdirSync(join(root, 'd/.croc-0123456789abcdef.part'), { recursive: true });
    const own = ['.croc-fedcba9876543210.part', `.disk.img.croc-${'0'.repeat(16)}.part`];
    const others = ['.croc-fedcba987654321.part', 'croc-fedcba9876543210.part', 'x.part'];
    for (const name of [...own, ...others]) writeFileSync(join(root, 'd', name), name);
    const { paths, skipped } = await walked(join(root, 'd'));
    expect(paths).toEqual(
      ['d', 'd/.croc-0123456789abcdef.part', ...others.map((name) => `d/${name}`)].sort(),
    );
    expect(skipped).toEqual([]);
    expect((await walked(...own.map((name) => join(root, 'd', name)))).paths).toEqual(own);
  });

  it('tells size, time with its fractions, and whether a file may be executed', async () => {
    const root = temporary();
    writeFileSync(join(root, 'tool'), 'x');
    chmodSync(join(root, 'tool'), 0o755);
    utimesSync(join(root, 'tool'), 1, (MTIME_MS + 0.7) / 1000);
    const { entries } = await walked(join(root, 'tool'));
    expect(entries).toEqual([
      {
        path: 'tool',
        kind: 'file',
        size: 1,
        mtimeMs: expect.closeTo(MTIME_MS + 0.7, 2) as number,
        executable: true,
        source: join(root, 'tool'),
      },
    ]);
  });

  it('names roots by their own names, however they are written', async () => {
    const root = temporary();
    mkdirSync(join(root, 'real/inner'), { recursive: true });
    symlinkSync('real', join(root, 'named'));
    symlinkSync('real/inner', join(root, 'deep'));
    const own = relative(process.cwd(), root);
    expect((await walked(`${root}/real/`)).paths).toEqual(['real', 'real/inner']);
    expect((await walked(join(own, 'real'))).paths).toEqual(['real', 'real/inner']);
    expect((await walked(`${root}/real/inner/..`)).paths).toEqual(['real', 'real/inner']);
    // The step up from a link starts where it leads.
    expect((await walked(`${root}/deep/..`)).paths).toEqual(['real', 'real/inner']);
    // A link that was named is followed.
    expect((await walked(join(root, 'named'))).paths).toEqual(['named', 'named/inner']);
    const before = process.cwd();
    process.chdir(join(root, 'real'));
    try {
      expect((await walked('.')).paths).toEqual(['real', 'real/inner']);
      expect((await walked('inner')).paths).toEqual(['inner']);
    } finally {
      process.chdir(before);
    }
  });

  it('gives two of one name two names, and one thing named twice one', async () => {
    const root = temporary();
    for (const folder of ['a', 'b', 'c']) {
      mkdirSync(join(root, folder, 'my.dir'), { recursive: true });
      writeFileSync(join(root, folder, folder === 'c' ? 'NOTES.txt' : 'notes.txt'), folder);
    }
    const notes = ['a/notes.txt', 'b/notes.txt', 'c/NOTES.txt', 'a/notes.txt'];
    const { paths } = await walked(
      ...[...notes, 'a/my.dir', 'b/my.dir'].map((path) => join(root, path)),
    );
    expect(paths).toEqual(['notes.txt', 'notes (2).txt', 'NOTES (3).txt', 'my.dir', 'my.dir (2)']);
  });

  it('sends links that stay inside, as relative ones, and skips those that leave', async () => {
    const root = temporary();
    mkdirSync(join(root, 'd/sub/deeper'), { recursive: true });
    writeFileSync(join(root, 'd/file'), 'x');
    writeFileSync(join(root, 'outside'), 'secret');
    const links: Record<string, string> = {
      plain: 'file',
      dotted: './sub//deeper/',
      absolute: join(root, 'd/file'),
      self: '.',
      nowhere: 'missing',
      circle: 'circle',
      detour: `../d/file`,
      zigzag: 'sub/../file',
      'sub/up': '..',
      'sub/deeper/up': '../../file',
      'sub/through': 'up/file',
      out: '../outside',
      'out-absolute': join(root, 'outside'),
      'out-nowhere': '../missing',
      'through-out': 'sub/away/outside',
      'sub/away': root,
    };
    for (const [name, target] of Object.entries(links)) symlinkSync(target, join(root, 'd', name));
    const { entries, skipped } = await walked(join(root, 'd'));
    const targets = entries.filter(({ kind }) => kind === 'symlink').map((e) => [e.path, e.target]);
    expect(Object.fromEntries(targets)).toEqual({
      'd/plain': 'file',
      'd/dotted': 'sub/deeper',
      'd/absolute': 'file',
      'd/self': '.',
      'd/nowhere': 'missing',
      'd/circle': 'circle',
      'd/detour': 'file',
      'd/zigzag': 'file',
      'd/sub/up': '..',
      'd/sub/deeper/up': '../../file',
      'd/sub/through': 'up/file',
    });
    expect(skipped.map(({ path, reason }) => `${path} ${reason}`)).toEqual([
      'd/out link-leaves-folder',
      'd/out-absolute link-leaves-folder',
      'd/out-nowhere link-leaves-folder',
      'd/sub/away link-leaves-folder',
      'd/through-out link-leaves-folder',
    ]);
    expect(() => checkOffer(entries)).not.toThrow();
    expect(entries.every(({ path }) => !path.startsWith('d/sub/away'))).toBe(true);
  });

  it.runIf(isLinux)('skips pipes and sockets inside, and refuses them when named', async () => {
    const root = temporary();
    mkdirSync(join(root, 'd'));
    execFileSync('mkfifo', [join(root, 'd/pipe')]);
    const server = createServer().listen(join(root, 'd/socket'));
    try {
      const { paths, skipped } = await walked(join(root, 'd'));
      expect(paths).toEqual(['d']);
      expect(skipped).toEqual([
        { path: 'd/pipe', reason: 'special-file' },
        { path: 'd/socket', reason: 'special-file' },
      ]);
      expect(await codeOf(walked(join(root, 'd/pipe')))).toBe('unsupported_file');
      expect(await codeOf(walked('/dev/null'))).toBe('unsupported_file');
      expect(await codeOf(walked('/'))).toBe('unsupported_file');
    } finally {
      server.close();
    }
  });

  it.runIf(isLinux)('skips names that cannot be sent, and only those', async () => {
    const root = temporary();
    const d = join(root, 'd');
    mkdirSync(d);
    const invalid = Buffer.concat([Buffer.from(`${d}/bad-`), Buffer.from([0xff])]);
    writeFileSync(invalid, 'x');
    for (const name of ['bad-\ufffd', 'dot.', 'nul.txt', 'new\nline', 'back\\slash', 'good'])
      writeFileSync(join(d, name), name);
    const { paths, skipped, entries } = await walked(d);
    expect(paths).toEqual(['d', 'd/bad-\ufffd', 'd/good']);
    expect(entries[1]?.size).toBe(7);
    expect(skipped.every(({ reason }) => reason === 'unsendable-name')).toBe(true);
    expect(skipped.map(({ path }) => path).sort()).toEqual(
      ['d/bad-\ufffd', 'd/dot.', 'd/nul.txt', 'd/new\nline', 'd/back\\slash'].sort(),
    );
  });

  it('says what is missing', async () => {
    const root = temporary();
    symlinkSync('nowhere', join(root, 'dangling'));
    expect(await codeOf(walked(join(root, 'no')))).toBe('file_not_found');
    expect(await codeOf(walked(join(root, 'dangling')))).toBe('file_not_found');
    expect(await codeOf(walked())).toBe('nothing_to_send');
  });

  it.runIf(isRoot)('says what another user may not read', async () => {
    const root = temporary();
    chmodSync(root, 0o755);
    mkdirSync(join(root, 'd/locked'), { recursive: true });
    mkdirSync(join(root, 'e'));
    writeFileSync(join(root, 'e/private'), 'x', { mode: 0o600 });
    chmodSync(join(root, 'd/locked'), 0o700);
    const printed = await runProgram(
      `import { walk } from 'CORE/files/walk.ts';
       for (const path of ['d', 'e', 'd/locked', 'e/private']) {
         try {
           for await (const _ of walk(['${root}/' + path], { onSkip() {} }));
         } catch (error) { console.log(error.code, error.detail); }
       }`,
      true,
    );
    expect(printed.split('\n')).toEqual([
      'file_unreadable d/locked',
      'file_unreadable e/private',
      'file_unreadable locked',
      'file_unreadable private',
    ]);
  });

  it('stops when it is cancelled', async () => {
    const root = temporary();
    mkdirSync(join(root, 'd'));
    for (let i = 0; i < 20; i++) writeFileSync(join(root, `d/${i}`), '');
    const stop = new AbortController();
    const reason = new Error('enough');
    let seen = 0;
    const run = async () => {
      for await (const entry of walk([join(root, 'd')], { ...IGNORE, signal: stop.signal }))
        if (entry.path !== '' && ++seen === 5) stop.abort(reason);
    };
    await expect(run()).rejects.toBe(reason);
    expect(seen).toBe(5);
  });
});

async function oneFile(content: string): Promise<{ path: string; entry: WalkEntry }> {
  const path = join(temporary(), 'file');
  writeFileSync(path, content);
  utimesSync(path, 1, MTIME_MS / 1000);
  const entry = (await walked(path)).entries[0];
  if (entry === undefined) throw new Error('nothing found');
  return { path, entry };
}

function inPlaceOf(path: string, make: () => unknown): void {
  renameSync(path, `${path}.old`);
  make();
}

describe('reading what is sent', () => {
  it('reads at offsets, up to the offered size', async () => {
    const { entry } = await oneFile('0123456789');
    const source = SourceFile.open(entry);
    const buffer = Buffer.alloc(8);
    expect(await source.read(2, buffer, 4)).toBe(4);
    expect(buffer.toString('utf8', 0, 4)).toBe('2345');
    expect(await source.read(7, buffer, 8)).toBe(3);
    expect(buffer.toString('utf8', 0, 3)).toBe('789');
    expect(await source.read(10, buffer, 8)).toBe(0);
    source.verifyUnchanged();
    source.close();
    source.close();
    const whole = Buffer.alloc(12, '-');
    expect(readSmallFile(entry, whole, 1)).toBe(10);
    expect(whole.toString()).toBe('-0123456789-');
  });

  it.each<[string, string, (path: string) => void]>([
    ['it grew', 'file_changed', (path) => appendFileSync(path, 'more')],
    ['it shrank', 'file_changed', (path) => truncateSync(path, 3)],
    ['it was written again', 'file_changed', (path) => writeFileSync(path, '9876543210')],
    ['it was deleted', 'file_not_found', (path) => rmSync(path)],
    [
      'it became a folder',
      'file_changed',
      (path) => {
        inPlaceOf(path, () => mkdirSync(path));
      },
    ],
    [
      'it became a pipe',
      'file_changed',
      (path) => {
        inPlaceOf(path, () => execFileSync('mkfifo', [path]));
      },
    ],
    [
      'it became a link to the same',
      'file_changed',
      (path) => {
        inPlaceOf(path, () => symlinkSync(`${path}.old`, path));
      },
    ],
  ])('notices when it is opened that %s', async (_what, code, change) => {
    const { path, entry } = await oneFile('0123456789');
    const before = isLinux ? openDescriptors() : 0;
    change(path);
    expect(await codeOf(() => SourceFile.open(entry))).toBe(code);
    expect(await codeOf(() => readSmallFile(entry, Buffer.alloc(10), 0))).toBe(code);
    if (isLinux) expect(openDescriptors()).toBe(before);
  });

  it('notices in the middle that it shrank', async () => {
    const { path, entry } = await oneFile('0123456789');
    const source = SourceFile.open(entry);
    truncateSync(path, 4);
    expect(await codeOf(source.read(0, Buffer.alloc(10), 10))).toBe('file_changed');
    source.close();
  });

  it('notices at the end that it was written to', async () => {
    const { path, entry } = await oneFile('0123456789');
    const source = SourceFile.open(entry);
    await source.read(0, Buffer.alloc(10), 10);
    source.verifyUnchanged();
    writeFileSync(path, '9876543210');
    expect(await codeOf(() => source.verifyUnchanged())).toBe('file_changed');
    source.close();
  });

  it('keeps reading what was offered when another file takes its name', async () => {
    const { path, entry } = await oneFile('0123456789');
    const source = SourceFile.open(entry);
    writeFileSync(`${path}2`, 'other');
    renameSync(`${path}2`, path);
    const buffer = Buffer.alloc(10);
    await source.read(0, buffer, 10);
    source.verifyUnchanged();
    source.close();
    expect(buffer.toString()).toBe('0123456789');
  });

  it('closes only when reads have ended, and reads nothing afterwards', async () => {
    const { entry } = await oneFile('0123456789');
    const source = SourceFile.open(entry);
    const buffer = Buffer.alloc(10);
    const reading = source.read(0, buffer, 10);
    source.close();
    expect(await reading).toBe(10);
    expect(await codeOf(source.read(0, buffer, 10))).toBe('internal');
  });

  it.runIf(isRoot)('says that another user may not read it', async () => {
    const { path, entry } = await oneFile('0123456789');
    chmodSync(join(path, '..'), 0o755);
    chmodSync(path, 0o600);
    const printed = await runProgram(
      `import { readSmallFile } from 'CORE/files/source.ts';
       try { readSmallFile(${JSON.stringify(entry)}, new Uint8Array(10), 0); }
       catch (error) { console.log(error.code, error.detail); }`,
      true,
    );
    expect(printed).toBe('file_unreadable file');
  });
});
