/** Making received links, after every file, so that no file is ever written through one. */
import { lstatSync, lutimesSync, realpathSync, renameSync, symlinkSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { CrocError } from '../errors.js';
import type { RandomBytes } from '../edges.js';
import type { ConflictChoice } from '../types.js';
import { errnoOf, writingError } from './fsErrors.js';
import { partName, removeQuietly } from './partFile.js';
import { onDiskTime } from './times.js';

/** A link as it is offered. */
export interface OfferedLink {
  readonly path: string;
  /** As checked by `checkLinkTarget`. */
  readonly target: string;
  readonly mtimeMs: number;
}

/** Makes the links of one destination. */
export class Links {
  readonly #root: string;
  readonly #random: RandomBytes;
  /** Absolute paths of links made here; each was checked, so another may lead through it. */
  readonly #made = new Set<string>();

  /** @param root - absolute real path of the destination */
  constructor(root: string, random: RandomBytes) {
    this.#root = root;
    this.#random = random;
  }

  /**
   * Makes one link. Its folder exists and is real.
   *
   * @param full - absolute path of the link
   * @returns false when the name is taken and may not be replaced
   * @throws CrocError `unsafe_path` when a link that was in the destination before would lead it out
   */
  make(full: string, link: OfferedLink, choice: ConflictChoice): boolean {
    const { path: offered, target, mtimeMs } = link;
    const own = sep === '/' ? target : target.replaceAll('/', sep);
    try {
      this.#checkStaysInside(resolve(dirname(full), own), offered);
      if (choice === 'overwrite') this.#replace(full, own);
      else symlinkSync(own, full);
    } catch (error) {
      if (choice !== 'overwrite' && errnoOf(error) === 'EEXIST') return false;
      throw writingError(error, offered);
    }
    setTime(full, mtimeMs);
    this.#made.add(full);
    return true;
  }

  #replace(full: string, target: string): void {
    const part = `${dirname(full)}${sep}${partName(this.#random)}`;
    symlinkSync(target, part);
    try {
      renameSync(part, full);
    } catch (error) {
      removeQuietly(part);
      throw error;
    }
  }

  /**
   * The offer alone cannot lead out, but a link of the same name as an offered folder may have been
   * in the destination before. So what exists of the way must really end inside.
   */
  #checkStaysInside(end: string, offered: string): void {
    for (let at = end; at.length >= this.#root.length; at = dirname(at)) {
      const real = realPath(at);
      if (real !== undefined) {
        if (isInside(real, this.#root)) return;
        break;
      }
      // A link that leads nowhere now could lead anywhere later, unless it is one of ours.
      if (isLink(at) && !this.#made.has(at)) break;
      if (at === dirname(at)) break;
    }
    throw new CrocError('unsafe_path', { detail: offered });
  }
}

/** The time of the link itself; there are disks that keep none, and nobody misses it there. */
function setTime(link: string, mtimeMs: number): void {
  try {
    lutimesSync(link, onDiskTime(mtimeMs), onDiskTime(mtimeMs));
  } catch {
    // The link is whole all the same.
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function isInside(path: string, root: string): boolean {
  const way = relative(root, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}
