/** The files and folders that a person named: where they really are, and how they are offered. */
import { realpathSync, statSync, type Stats } from 'node:fs';
import { basename, resolve } from 'node:path';
import { CrocError } from '../errors.js';
import { readingError } from './fsErrors.js';
import { collisionKey, numberedName } from './names.js';

/** One thing that was named. */
export interface Root {
  /** Its name in the offer. */
  readonly name: string;
  /** Its absolute path with every link resolved. */
  readonly source: string;
}

/**
 * Finds what was named and gives each its own name in the offer: two of the same base name (or
 * equal but for case or normalisation) become `name` and `name (2)`. The same thing named twice is
 * one.
 *
 * @throws CrocError `file_not_found`, `file_unreadable`, `unsupported_file`
 */
export function namedRoots(paths: readonly string[]): Root[] {
  const roots: Root[] = [];
  const taken = new Set<string>();
  const known = new Set<string>();
  const found = paths.map(locate);
  for (const { plain, source, isFolder } of found) {
    const identity = `${plain}\0${source}`;
    if (known.has(identity)) continue;
    known.add(identity);
    let name = plain;
    for (let number = 2; taken.has(collisionKey(name)); number++)
      name = numberedName(plain, number, isFolder ? 'folder' : 'file');
    taken.add(collisionKey(name));
    roots.push({ name, source });
  }
  return roots;
}

function locate(path: string): { plain: string; source: string; isFolder: boolean } {
  let source: string;
  let stats: Stats;
  try {
    source = realpathSync.native(path);
    stats = statSync(source);
  } catch (error) {
    throw readingError(error, path);
  }
  // A step up starts where the link before it leads, so only the real path knows the name.
  const plain = basename(/(^|[\\/])\.\.([\\/]|$)/.test(path) ? source : resolve(path));
  if (plain === '' || !(stats.isFile() || stats.isDirectory()))
    throw new CrocError('unsupported_file', { detail: path });
  return { plain, source, isFolder: stats.isDirectory() };
}
