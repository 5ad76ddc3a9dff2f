import { describe, expect, it } from 'vitest';
import type { OfferEntry } from '../../src/core/index.js';
import { findConflicts } from '../../src/extension/receive/conflicts.js';
import {
  chosenOf,
  offerRows,
  settleTicks,
  type OfferRow,
} from '../../src/extension/receive/offerTree.js';

const file = (path: string, size = 1): OfferEntry => ({
  path,
  kind: 'file',
  size,
  mtimeMs: 0,
  executable: false,
});
const folder = (path: string): OfferEntry => ({ ...file(path, 0), kind: 'folder' });
const link = (path: string): OfferEntry => ({ ...file(path, 0), kind: 'symlink', target: 'x' });

const TREE = [
  folder('a'),
  file('a/1', 10),
  folder('a/b'),
  file('a/b/2', 20),
  link('a/b/3'),
  file('c', 5),
];
const at = (rows: readonly OfferRow[], path: string): number =>
  rows.findIndex((row) => row.path === path);

describe('offerRows', () => {
  it('has a row for each entry, a folder before what is in it, with sums', () => {
    const { rows, complete } = offerRows(TREE);
    expect(complete).toBe(true);
    expect(rows.map(({ path, files, bytes }) => [path, files, bytes])).toEqual([
      ['a', 3, 30],
      ['a/1', 1, 10],
      ['a/b', 2, 20],
      ['a/b/2', 1, 20],
      ['a/b/3', 1, 0],
      ['c', 1, 5],
    ]);
    expect(rows.flatMap((row) => row.own).toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('sorts by parts of the path, not by characters', () => {
    const { rows } = offerRows([folder('a'), file('a.txt'), file('a/z'), file('a-b')]);
    expect(rows.map((row) => row.path)).toEqual(['a', 'a/z', 'a-b', 'a.txt']);
  });

  it('lists only the levels that fit; a folder then stands for what is below', () => {
    const { rows, complete } = offerRows(TREE, 4);
    expect(complete).toBe(false);
    expect(rows.map(({ path, own }) => [path, [...own]])).toEqual([
      ['a', [0]],
      ['a/1', [1]],
      ['a/b', [2, 3, 4]],
      ['c', [5]],
    ]);
  });

  it('has one last row for all the rest when the top level alone is too long', () => {
    const many = Array.from({ length: 10 }, (_, index) => file(`f${index}`, index));
    const { rows, complete } = offerRows(many, 4);
    expect(complete).toBe(false);
    expect(rows).toHaveLength(4);
    expect(rows[3]).toMatchObject({
      kind: 'more',
      own: [3, 4, 5, 6, 7, 8, 9],
      files: 7,
      bytes: 42,
    });
  });

  it('works without the folders being named', () => {
    const { rows } = offerRows([file('x/y/1'), file('x/2')]);
    expect(rows.map((row) => row.path)).toEqual(['x/2', 'x/y/1']);
  });

  it('loses nothing that is deeper than the rows when its folder is not named', () => {
    const { rows } = offerRows([file('x/y/1'), file('z')], 2);
    expect(rows.flatMap((row) => row.own).toSorted()).toEqual([0, 1]);
  });
});

describe('settleTicks', () => {
  const { rows } = offerRows(TREE);
  const all = new Set(rows.keys());
  const without = (...paths: string[]): Set<number> =>
    new Set([...all].filter((index) => !paths.includes(rows[index]?.path ?? '')));

  it('unticks what is in an unticked folder', () => {
    expect(settleTicks(rows, all, without('a/b'))).toEqual(without('a/b', 'a/b/2', 'a/b/3'));
  });

  it('leaves the folder ticked when only something in it is unticked', () => {
    expect(settleTicks(rows, all, without('a/b/2'))).toEqual(without('a/b/2'));
  });

  it('ticks everything in a ticked folder, and the folders above', () => {
    const none = new Set<number>();
    const after = new Set([at(rows, 'a/b')]);
    expect(settleTicks(rows, none, after)).toEqual(
      new Set(['a', 'a/b', 'a/b/2', 'a/b/3'].map((path) => at(rows, path))),
    );
  });

  it('brings the folders above a ticked file, and nothing else of them', () => {
    const after = new Set([at(rows, 'a/b/2')]);
    expect(settleTicks(rows, new Set(), after)).toEqual(
      new Set(['a', 'a/b', 'a/b/2'].map((path) => at(rows, path))),
    );
  });

  it('changes nothing when all are ticked or unticked at once', () => {
    expect(settleTicks(rows, new Set(), all)).toEqual(all);
    expect(settleTicks(rows, all, new Set())).toEqual(new Set());
  });
});

describe('chosenOf', () => {
  it('is everything when everything is ticked', () => {
    const { rows } = offerRows(TREE, 4);
    expect(chosenOf(TREE, rows, new Set(rows.keys()))).toEqual({
      only: undefined,
      files: 4,
      bytes: 35,
    });
  });

  it('takes along what a row stands for', () => {
    const { rows } = offerRows(TREE, 4);
    expect(chosenOf(TREE, rows, new Set([at(rows, 'a/b')]))).toEqual({
      only: [2, 3, 4],
      files: 2,
      bytes: 20,
    });
  });
});

describe('findConflicts', () => {
  const there = (...files: string[]) => {
    const asked: string[] = [];
    const exists = (path: string): Promise<boolean> => {
      asked.push(path);
      return Promise.resolve(files.includes(path));
    };
    return { asked, exists };
  };

  it('finds files and links that are there, and only those that are wanted', async () => {
    const { exists } = there('/to/a', '/to/a/1', '/to/a/b', '/to/a/b/3', '/to/c');
    expect(await findConflicts('/to', TREE, undefined, exists)).toEqual(['a/1', 'a/b/3', 'c']);
    expect(await findConflicts('/to', TREE, [1], exists)).toEqual(['a/1']);
  });

  it('does not look into a folder that is not there', async () => {
    const { asked, exists } = there();
    expect(await findConflicts('/to', TREE, undefined, exists)).toEqual([]);
    expect(asked).toEqual(['/to/a', '/to/c']);
  });
});
