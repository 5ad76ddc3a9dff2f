/** What a person named: where it really is, and how it is offered. */
import { realpathSync, statSync, type Stats } from 'node:fs';
import { basename, resolve } from 'node:path';
import { CrocError } from '../errors.js';
import { readingError } from './fsErrors.js';
import { collisionKey, numberedName } from './names.js';

/** A file that is in memory. */
export interface MemorySource {
  /** One part, as `checkEntryPath` takes it. */
  readonly name: string;
  readonly content: Uint8Array;
  readonly mtimeMs: number;
}

/** Something to walk: a path, absolute or relative to the working directory, or a file in memory. */
export type WalkSource = string | MemorySource;

/** One thing that was named. */
export interface Root {
  /** Its name in the offer. */
  readonly name: string;
  /** Its absolute path with every link resolved; empty for what is in memory. */
  readonly source: string;
  readonly isFolder: boolean;
  readonly memory?: MemorySource;
}

interface Located extends Omit<Root, 'name'> {
  readonly plain: string;
}

/**
 * Finds what was named and gives each its own name in the offer: two of the same base name (or
 * equal but for case or normalisation) become `name` and `name (2)`. The same thing named twice is
 * one.
 *
 * @throws CrocError `file_not_found`, `file_unreadable`, `unsupported_file`
 */
export function namedRoots(sources: readonly WalkSource[]): Root[] {
  const roots: Root[] = [];
  const taken = new Set<string>();
  const known = new Set<string>();
  for (const { plain, ...place } of sources.map(locate)) {
    const identity = `${plain}\0${place.source}`;
    if (!place.memory && known.has(identity)) continue;
    known.add(identity);
    let name = plain;
    for (let number = 2; taken.has(collisionKey(name)); number++)
      name = numberedName(plain, number, place.isFolder ? 'folder' : 'file');
    taken.add(collisionKey(name));
    roots.push({ name, ...place });
  }
  return roots;
}

function locate(path: WalkSource): Located {
  if (typeof path !== 'string')
    return { plain: path.name, source: '', isFolder: false, memory: path };
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
