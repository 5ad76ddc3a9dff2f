import { posix, win32 } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CrocError } from '../../src/core/errors.js';
import { collisionKey, numberedName } from '../../src/core/files/names.js';
import { checkEntryPath, checkLinkTarget, checkOffer } from '../../src/core/files/safePath.js';
import type { OfferEntry } from '../../src/core/types.js';

function codeOf(run: () => void): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof CrocError ? error.code : String(error);
  }
}

const pathCode = (path: string, platform: NodeJS.Platform = 'linux') =>
  codeOf(() => checkEntryPath(path, platform));
const file = (path: string, size = 1): OfferEntry => ({
  path,
  kind: 'file',
  size,
  mtimeMs: 0,
  executable: false,
});
const folder = (path: string): OfferEntry => ({ ...file(path, 0), kind: 'folder' });
const link = (path: string, target: string): OfferEntry => ({
  ...file(path, 0),
  kind: 'symlink',
  target,
});
const offerCode = (...entries: OfferEntry[]) => codeOf(() => checkOffer(entries, 'linux'));

describe('checkEntryPath', () => {
  it.each([
    'a',
    'a/b/c.txt',
    '.hidden',
    '..a',
    'a..b/...c',
    'Ünïcödé/日本語/עברית/नमस्ते/emoji 👩‍👩‍👧.png',
    'می‌خواهم.txt',
    'console.log',
    'com10',
    'nullable.txt',
    'auxiliary/con-fig',
    ' leading space',
    'x'.repeat(255),
    'é'.repeat(127),
    Array.from({ length: 100 }, () => 'd').join('/'),
  ])('takes %j', (path) => {
    expect(pathCode(path)).toBeUndefined();
    expect(pathCode(path, 'win32')).toBeUndefined();
  });

  it.each([
    ['nothing', ''],
    ['an absolute path', '/etc/passwd'],
    ['a step up', '../x'],
    ['a step up in the middle', 'a/../../x'],
    ['a step up at the end', 'a/..'],
    ['only a step up', '..'],
    ['a step to itself', './x'],
    ['only itself', '.'],
    ['an empty part', 'a//b'],
    ['a trailing slash', 'a/'],
    ['a backslash', 'a\\b'],
    ['a step up for Windows', '..\\..\\x'],
    ['a share', '\\\\host\\share'],
    ['a drive', 'C:'],
    ['a drive and path', 'c:/windows'],
    ['a drive-relative path', 'C:x'],
    ['a drive further down', 'a/D:x'],
    ['a NUL', 'a\0b'],
    ['a new line', 'a\nb'],
    ['a terminal escape', '\x1b[2Jx'],
    ['DEL', 'a\x7f'],
    ['a C1 control', 'a\x9bb'],
    ['a lone high surrogate', 'a\ud800'],
    ['a lone low surrogate', '\udc00a'],
    ['a direction override', 'gpj.\u202eexe'],
    ['an isolate', '\u2066a'],
    ['an Arabic letter mark', 'a\u061cb'],
    ['a zero-width space', 'a\u200bb'],
    ['a byte-order mark', '\ufeffa'],
    ['a line separator', 'a\u2028b'],
    ['a trailing dot', 'a.'],
    ['a folder with a trailing dot', 'a./b'],
    ['three dots', '...'],
    ['a device', 'NUL'],
    ['a device in lower case', 'con'],
    ['a device with extension', 'aux.txt'],
    ['a device with two', 'prn.tar.gz'],
    ['a device with spaces', 'nul  .txt'],
    ['a device as a folder', 'a/COM1/b'],
    ['a device with a superscript', 'com¹'],
    ['a device with a superscript and extension', 'LPT³.x'],
    ['a device number zero', 'lpt0'],
    ['the console', 'CONIN$'],
    ['the console out', 'conout$.txt'],
    ['a device and a stream', 'con:x'],
    ['a name that is too long', 'x'.repeat(256)],
    ['a name of too many bytes', 'é'.repeat(128)],
    ['a path too deep', Array.from({ length: 101 }, () => 'd').join('/')],
    ['a path too long', Array.from({ length: 41 }, () => 'd'.repeat(100)).join('/')],
  ])('refuses %s everywhere', (_what, path) => {
    for (const platform of ['linux', 'darwin', 'win32'] as const)
      expect(pathCode(path, platform)).toBe('unsafe_path');
  });

  it.each(['a?', 'a*b', 'what: this', '<x>', '"x"', 'a|b', 'trailing ', 'file.txt:stream'])(
    'refuses %j only where it cannot be',
    (path) => {
      expect(pathCode(path, 'linux')).toBeUndefined();
      expect(pathCode(path, 'win32')).toBe('unsafe_path');
    },
  );
});

/** Names made of what breaks path handling, and of ordinary letters. */
const nastyPart = fc
  .array(
    fc.constantFrom(
      ...[
        '..',
        '.',
        '/',
        '\\',
        ':',
        'C:',
        'a',
        'B',
        ' ',
        '\0',
        '~',
        '?',
        '//',
        'nul',
        'é',
        '\u202e',
      ],
    ),
    { maxLength: 6 },
  )
  .map((pieces) => pieces.join(''));
const anyPath = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(nastyPart, { maxLength: 5 }).map((parts) => parts.join('/')),
);

describe('no accepted path leaves the destination', () => {
  it.each(['linux', 'win32'] as const)('by the rules of %s', (platform) => {
    let taken = 0;
    fc.assert(
      fc.property(anyPath, (path) => {
        if (pathCode(path, platform) !== undefined) return;
        taken++;
        expect(posix.resolve('/root/to', path)).toBe(`/root/to/${path}`);
        const own = path.replaceAll('/', '\\');
        expect(win32.resolve('D:\\root\\to', path)).toBe(`D:\\root\\to\\${own}`);
        expect(win32.resolve('\\\\host\\share\\to', path)).toBe(`\\\\host\\share\\to\\${own}`);
      }),
      { numRuns: 20_000 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  it('nor does an accepted link target', () => {
    let taken = 0;
    const names = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 5 });
    const steps = fc.array(fc.constantFrom('..', 'a', '.', '', 'b'), { maxLength: 6 });
    const target = fc.oneof(
      steps.map((parts) => parts.join('/')),
      anyPath,
    );
    fc.assert(
      fc.property(names, target, (parts, to) => {
        const path = parts.join('/');
        if (codeOf(() => checkLinkTarget(path, to, 'linux')) !== undefined) return;
        taken++;
        const home = parts.length > 1 ? `/to/${parts[0] ?? ''}` : '/to';
        const end = posix.resolve('/to', posix.dirname(path), to);
        expect(end === home || end.startsWith(`${home}/`)).toBe(true);
        const drive = win32.resolve('D:\\to', win32.dirname(path), to);
        expect(drive.startsWith('D:\\to')).toBe(true);
      }),
      { numRuns: 20_000 },
    );
    expect(taken).toBeGreaterThan(500);
  });
});

describe('checkLinkTarget', () => {
  it.each([
    ['d/l', 'x'],
    ['d/l', '.'],
    ['d/l', 'e/f/g'],
    ['d/e/l', '../x'],
    ['d/e/l', '..'],
    ['d/e/f/l', '../..'],
    ['d/e/f/l', '../../x/y'],
    ['l', 'x'],
  ])('%s → %s', (path, target) => {
    expect(codeOf(() => checkLinkTarget(path, target))).toBeUndefined();
  });

  it.each([
    ['an absolute target', 'd/l', '/etc/passwd'],
    ['a step out of the folder', 'd/l', '..'],
    ['a step into a neighbour', 'd/l', '../other'],
    ['a step out from the top', 'l', '../x'],
    ['one step too many', 'd/e/l', '../../x'],
    ['a step up after a name', 'd/e/f/l', 'x/../y'],
    ['steps up through a link', 'd/e/f/l', '../l2/../../x'],
    ['a step up at the end', 'd/e/l', 'x/..'],
    ['nothing', 'd/l', ''],
    ['a trailing slash', 'd/e/l', '../'],
    ['a target with a dot step', 'd/l', './x'],
    ['an empty part', 'd/l', 'x//y'],
    ['a backslash', 'd/e/l', '..\\..\\x'],
    ['a drive', 'd/l', 'C:/x'],
    ['a control character', 'd/l', 'x\ny'],
    ['a NUL', 'd/l', 'x\0'],
    ['a device', 'd/l', 'nul'],
    ['a target that is too long', 'd/l', 'x/'.repeat(3000) + 'x'],
  ])('refuses %s', (_what, path, target) => {
    expect(codeOf(() => checkLinkTarget(path, target))).toBe('unsafe_path');
  });
});

describe('checkOffer', () => {
  it('refuses exactly the paths that checkEntryPath refuses', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        expect(offerCode(file(path))).toBe(pathCode(path));
      }),
      { numRuns: 5000 },
    );
    const deep = (parts: number) => Array.from({ length: parts }, () => 'd').join('/');
    expect(offerCode(file(deep(100)))).toBeUndefined();
    expect(offerCode(file(deep(101)))).toBe('unsafe_path');
  });

  it('takes an ordinary offer in any order', () => {
    expect(
      offerCode(file('d/e/a'), folder('d'), link('d/l', 'e/a'), folder('d/e')),
    ).toBeUndefined();
    expect(offerCode()).toBeUndefined();
  });

  it.each([
    ['the same path twice', [file('a'), file('a')]],
    ['a path as file and folder', [folder('a'), file('a')]],
    ['paths equal but for case', [file('d/README'), file('d/readme')]],
    ['paths equal but for normalisation', [file('d/\u00e9'), file('d/e\u0301')]],
    ['paths equal but for a sharp s', [file('STRASSE'), file('straße')]],
    ['paths equal but for the last sigma', [file('ΟΔΟΣ'), file('οδος')]],
    ['paths equal but for a joiner', [file('a\u200cb'), file('ab')]],
    ['folders equal but for case', [file('D/a'), file('d/b')]],
    ['a folder and a file above, in another case', [file('d'), file('D/a')]],
  ])('refuses %s', (_what, entries) => {
    expect(offerCode(...entries)).toBe('name_collision');
  });

  it.each([
    ['a file above a file', [file('a'), file('a/b')]],
    ['a file above a file, the other way round', [file('a/b'), file('a')]],
    ['a link above a file', [link('d/a', 'x'), file('d/a/b')]],
    ['a file far above', [file('a/b/c/d'), file('a/b')]],
    ['an unsafe path', [file('../a')]],
    ['an unsafe link', [link('d/l', '../../x')]],
    ['a link without a target', [{ ...file('l', 0), kind: 'symlink' as const }]],
    ['a file with a target', [{ ...file('l'), target: 'x' }]],
  ])('refuses %s', (_what, entries) => {
    expect(offerCode(...entries)).toBe('unsafe_path');
  });

  it.each([-1, 0.5, NaN, Infinity, 2 ** 53])('refuses the size %d', (size) => {
    expect(offerCode(file('a', size))).toBe('protocol_error');
  });

  it('refuses a folder or link with a size, and a time that is none', () => {
    expect(offerCode({ ...folder('a'), size: 1 })).toBe('protocol_error');
    expect(offerCode({ ...link('a', 'b'), size: 1 })).toBe('protocol_error');
    expect(offerCode({ ...file('a'), mtimeMs: NaN })).toBe('protocol_error');
    expect(offerCode({ ...file('a'), mtimeMs: 1e16 })).toBe('protocol_error');
  });

  it('refuses more bytes than can be counted', () => {
    const half = Number.MAX_SAFE_INTEGER;
    expect(offerCode(file('a', half))).toBeUndefined();
    expect(offerCode(file('a', half), file('b', 1))).toBe('limit_exceeded');
  });

  it('refuses more than a million entries before it looks at any', () => {
    const entries = Array.from({ length: 1_000_001 }, () => file('..'));
    expect(offerCode(...entries.slice(0, 1))).toBe('unsafe_path');
    expect(codeOf(() => checkOffer(entries))).toBe('limit_exceeded');
  });

  it('checks 100,000 entries in less than a second of the processor', () => {
    const entries = Array.from({ length: 100_000 }, (_, i) =>
      file(`project/src/folder ${i % 317}/größe/file-${i}.txt`),
    );
    // Not on the clock on the wall: others may be using the machine.
    const before = process.cpuUsage();
    checkOffer(entries);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(1000);
  });
});

describe('names', () => {
  it('are one when only case or normalisation differs, whichever way it is written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), (name) => {
        const key = collisionKey(name);
        expect(collisionKey(name.normalize('NFD'))).toBe(key);
        expect(collisionKey(name.normalize('NFC'))).toBe(key);
        expect(collisionKey(name.toLowerCase())).toBe(key);
        expect(collisionKey(key)).toBe(key);
      }),
    );
    expect(collisionKey('sıkı')).not.toBe(collisionKey('siki'));
  });

  it.each([
    ['a.txt', 'file', 'a (2).txt'],
    ['a.tar.gz', 'file', 'a (2).tar.gz'],
    ['a.b.c', 'file', 'a.b (2).c'],
    ['.bashrc', 'file', '.bashrc (2)'],
    ['noext', 'file', 'noext (2)'],
    ['v1. final version', 'file', 'v1. final version (2)'],
    ['my.folder', 'folder', 'my.folder (2)'],
  ] as const)('%s (%s) becomes %s', (name, kind, numbered) => {
    expect(numberedName(name, 2, kind)).toBe(numbered);
  });

  it('stay within 255 bytes and whole characters', () => {
    const name = numberedName(`${'日'.repeat(83)}.txt`, 17, 'file');
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
    expect(name).toMatch(/^日+ \(17\)\.txt$/);
    expect(pathCode(name)).toBeUndefined();
  });
});
