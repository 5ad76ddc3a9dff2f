/** What is left out of folders, compared with git itself where that is installed. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path, { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { walk } from '../../src/core/files/walk.js';
import type { IgnoreOptions } from '../../src/core/types.js';
import { isRoot, temporary } from './files-support.js';

const hasGit = ((): boolean => {
  try {
    execFileSync('git', ['--version']);
    return true;
  } catch {
    return false;
  }
})();

/** Makes files, each with its content, and the folders above them. */
function make(root: string, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
}

/** The files that are sent, without the name of the root, and how many things were left out. */
async function sent(root: string, ignore: IgnoreOptions = { gitignore: true }) {
  const files: string[] = [];
  let ignored = 0;
  const options = { ignore, onSkip: () => undefined, onIgnore: () => (ignored += 1) };
  for await (const entry of walk([root], options))
    if (entry.kind === 'file') files.push(entry.path.slice(entry.path.indexOf('/') + 1));
  return { files, ignored };
}

/** What git would show of a fresh repository: everything that it does not ignore. */
function gitFiles(root: string): string[] {
  const list = ['ls-files', '--others', '--exclude-standard', '-z'];
  const out = execFileSync('git', ['-c', 'core.excludesFile=', ...list], { cwd: root });
  const names = out.toString().split('\0').slice(0, -1);
  return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
const bytewise = (names: string[]): string[] =>
  names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

describe('what is ignored', () => {
  it('is nothing unless it is asked for', async () => {
    const root = temporary();
    make(root, { '.gitignore': '*', a: '', '.git/HEAD': '' });
    expect((await sent(root, {})).files).toEqual(['.git/HEAD', '.gitignore', 'a']);
  });

  it('counts a folder once, and is not looked into', async () => {
    const root = temporary();
    make(root, { '.gitignore': 'node_modules/\n*.log\n', a: '', 'b.log': '', 'c/d.log': '' });
    make(root, { 'node_modules/x/y': '', 'node_modules/z': '', '.git/HEAD': '' });
    if (!isRoot) chmodSync(join(root, 'node_modules'), 0);
    // node_modules, b.log, c/d.log, .git
    expect(await sent(root)).toEqual({ files: ['.gitignore', 'a'], ignored: 4 });
    if (!isRoot) chmodSync(join(root, 'node_modules'), 0o755);
  });

  it('follows rules above the folder up to the top of the repository, and its own list of excludes', async () => {
    const root = temporary();
    make(root, {
      '.git/info/exclude': 'mine\n',
      '.gitignore': '*.o\n/out\n',
      'src/.gitignore': '!keep.o\n',
    });
    make(root, {
      'src/a.o': '',
      'src/keep.o': '',
      'src/mine': '',
      'src/out': '',
      'src/deep/b.o': '',
    });
    expect((await sent(join(root, 'src'))).files).toEqual(['.gitignore', 'keep.o', 'out']);
  });

  it('is not what was named itself, not even when a rule above would leave it out', async () => {
    const root = temporary();
    make(root, { '.git/HEAD': '', '.gitignore': 'build\n*.log' });
    make(root, { 'build/a': '', 'build/b.log': '', 'build/.gitignore': 'a' });
    expect((await sent(join(root, 'build'))).files).toEqual(['.gitignore', 'b.log']);
    expect((await sent(join(root, '.gitignore'))).files).toEqual(['.gitignore']);
  });

  it('follows given patterns from their base, whatever folder is sent', async () => {
    const root = temporary();
    make(root, {
      'src/a.js': '',
      'src/a.ts': '',
      'src/lib/out/x': '',
      'src/out/x': '',
      'out/x': '',
    });
    const exclude = [{ base: root, patterns: ['**/*.js', '/src/out'] }];
    expect((await sent(join(root, 'src'), { exclude })).files).toEqual(['a.ts', 'lib/out/x']);
    const elsewhere = [{ base: join(root, 'out'), patterns: ['*'] }];
    expect((await sent(join(root, 'src'), { exclude: elsewhere })).files).toHaveLength(4);
  });

  it('a list that cannot be read, or is no text, leaves out nothing', async () => {
    const root = temporary();
    make(root, { a: '', '.gitignore/b': '' });
    writeFileSync(join(root, 'c'), '');
    expect((await sent(root)).files).toEqual(['.gitignore/b', 'a', 'c']);
    make(root, { 'd/.gitignore': '\0\uffff[\n(\n\\\n!!\n', 'd/e': '' });
    expect((await sent(join(root, 'd'))).files).toEqual(['.gitignore', 'e']);
  });
});

describe.skipIf(!hasGit)('as git does', () => {
  it.each<[string, Record<string, string>]>([
    [
      'a deeper list wins',
      { '.gitignore': 'x\n', 'd/.gitignore': '!x\n', x: '', 'd/x': '', 'd/e/x': '' },
    ],
    [
      'a folder taken in again by a deeper list brings its files',
      { '.gitignore': 'build/\n', 'd/.gitignore': '!build/\n', 'd/build/f': '', 'build/f': '' },
    ],
    [
      'nothing comes back from below an ignored folder',
      { '.gitignore': 'd/\n!d/keep\n', 'd/keep': '', 'd/.gitignore': '!*', f: '' },
    ],
    [
      'slashes anchor, a last one means folders',
      {
        '.gitignore': '/a\nb/c\nd/\n',
        a: '',
        'x/a': '',
        'b/c': '',
        'x/b/c': '',
        d: '',
        'x/d/e': '',
      },
    ],
    [
      'escapes, spaces, comments, classes, stars',
      {
        '.gitignore': '\\#a\n\\!b\n# c\ntrail \nkept\\ \n[xy].?\nq**\n**/deep/**\nl/**/m\n',
        ...{ '#a': '', '!b': '', '# c': '', trail: '', 'kept ': '', 'x.1': '', 'z.1': '' },
        ...{ qq: '', 's/deep/t': '', 'l/m': '', 'l/1/2/m': '', 'l/1/2/n': '' },
      },
    ],
    [
      'in a folder whose name looks like a pattern',
      {
        'a[b]*/.gitignore': 'x\n!y\n/z\n',
        'a[b]*/x': '',
        'a[b]*/y': '',
        'a[b]*/s/z': '',
        'ab/x': '',
      },
    ],
    [
      'a byte order mark and Windows line ends',
      { '.gitignore': '\ufeffa\r\nb\r\n', a: '', b: '', c: '' },
    ],
    ["nothing takes git's own folder in again", { '.gitignore': '!**\n', 'd/.gitignore': '!.git' }],
    ['case', { '.gitignore': 'README\n', readme: '', 'd/README': '' }],
  ])('%s', async (_, files) => {
    const root = temporary();
    make(root, files);
    execFileSync('git', ['init', '-q'], { cwd: root });
    expect(bytewise((await sent(root)).files)).toEqual(gitFiles(root));
  });

  it('with random lists in random trees', async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'ab', 'a.b');
    const pattern = fc
      .record({
        not: fc.constantFrom('', '', '!'),
        start: fc.constantFrom('', '', '/', '**/'),
        parts: fc.array(fc.constantFrom('a', 'b', 'c', 'a~', '*', 'a*', '?', '[ab]', '**'), {
          minLength: 1,
          maxLength: 3,
        }),
        end: fc.constantFrom('', '', '/'),
      })
      .map(({ not, start, parts, end }) => `${not}${start}${parts.join('/')}${end}`);
    const list = fc.array(pattern, { minLength: 1, maxLength: 4 });
    const tree = fc.record({
      files: fc.uniqueArray(fc.array(name, { minLength: 1, maxLength: 4 }), { maxLength: 12 }),
      lists: fc.array(fc.tuple(fc.array(name, { maxLength: 2 }), list), { maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(tree, async ({ files, lists }) => {
        const root = temporary();
        for (const parts of files) {
          // A file ends in `~`, so that none has the name of a folder.
          make(root, { [`${parts.join('/')}~`]: '' });
          make(root, { [[...parts, 'a~'].join('/')]: '' });
        }
        for (const [parts, rules] of lists)
          make(root, { [[...parts, '.gitignore'].join('/')]: `${rules.join('\n')}\n` });
        execFileSync('git', ['init', '-q', '--template='], { cwd: root });
        expect(bytewise((await sent(root)).files)).toEqual(gitFiles(root));
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});
