/** The comparison that other tests trust finds each kind of difference. */
import { chmod, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compareTrees, makeTree } from '../support/tree.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'croc-tree-'));
  for (const name of ['a', 'b']) await makeTree(path.join(folder, name), { files: 40 });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const there = (name: string) => path.join(folder, 'b', name);
const differences = () => compareTrees(path.join(folder, 'a'), path.join(folder, 'b'));

test('two trees of the same options are identical, and the tree has as many files as asked for', async () => {
  expect(await differences()).toEqual([]);
  const entries = await readdir(path.join(folder, 'a'), { recursive: true, withFileTypes: true });
  expect(entries.filter((entry) => entry.isFile())).toHaveLength(40);
  expect(entries.filter((entry) => entry.isSymbolicLink())).toHaveLength(1);
});

test.each<[string, () => Promise<unknown>]>([
  ['missing: zero bytes', () => rm(there('zero bytes'))],
  ['missing: an empty folder', () => rm(there('an empty folder'), { recursive: true })],
  ['extra: more', () => symlink('x', there('more'))],
  ['run.sh: executable is false instead of true', () => chmod(there('run.sh'), 0o644)],
  ['run.sh: mtimeMs is 1000 instead of ', () => utimes(there('run.sh'), 1, 1)],
  ['zero bytes: size is 1 instead of 0', () => writeFile(there('zero bytes'), 'x')],
  ['plain.txt: sha256 is ', () => writeFile(there('plain.txt'), '')],
  [
    'link to the zero-byte file: target is run.sh instead of zero bytes',
    async () => {
      await rm(there('link to the zero-byte file'));
      await symlink('run.sh', there('link to the zero-byte file'));
    },
  ],
  [
    'an empty folder: kind is file instead of folder',
    async () => {
      await rm(there('an empty folder'), { recursive: true });
      await writeFile(there('an empty folder'), '');
    },
  ],
])('finds: %s', async (sentence, change) => {
  await change();
  expect((await differences()).filter((found) => found.startsWith(sentence))).toHaveLength(1);
});
