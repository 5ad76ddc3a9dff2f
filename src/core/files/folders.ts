/**
 * The folders below the destination. Each is looked at once: what is there must be a real folder,
 * never a link, so nothing is ever written through one. What is missing is made once, remembered,
 * and removed again if the transfer fails while it is still empty.
 *
 * Somebody else on this machine who may write to the destination could exchange a folder for a link
 * after it was looked at; Node cannot open relative to a folder, and who may do that may as well
 * change what was received. A peer cannot: links of an offer are made after every file.
 */
import { lstatSync, mkdirSync, rmdirSync, utimesSync, type Stats } from 'node:fs';
import { sep } from 'node:path';
import { CrocError } from '../errors.js';
import { errnoOf, writingError } from './fsErrors.js';
import { flushFolder, inParallel } from './flushing.js';
import { isMemoryDisk } from './freeSpace.js';
import { onDiskTime } from './times.js';

/** `there` = it was there before, `made` = by this transfer, `blocked` = it or one above is no folder. */
type FolderState = 'there' | 'made' | 'absent' | 'blocked';

/** The folders of one destination. Paths are relative to it, with `/`; '' is the destination. */
export class Folders {
  readonly #root: string;
  readonly #states = new Map<string, FolderState>([['', 'there']]);
  readonly #inMemory = new Map<string, boolean>();
  /** In the order of making: parents first. */
  readonly #made: string[] = [];
  /** Folders whose list of names changed since they were last flushed. */
  #touched = new Set<string>();

  /** @param root - absolute real path of the destination */
  constructor(root: string) {
    this.#root = root;
  }

  /** The absolute path on this disk, in the system's own form. */
  fullPath(path: string): string {
    if (path === '') return this.#root;
    const own = sep === '/' ? path : path.replaceAll('/', sep);
    return this.#root.endsWith(sep) ? this.#root + own : this.#root + sep + own;
  }

  /**
   * What is at a path, or undefined; a link is seen as a link. Costs nothing where the folder above
   * does not exist.
   */
  look(path: string): Stats | undefined {
    const above = this.#state(parentOf(path));
    if (above === 'absent' || above === 'blocked') return undefined;
    return this.#stat(path);
  }

  /** Whether what is written in a folder stays in memory: such a disk has nothing to be flushed to. */
  isInMemory(folder: string): boolean {
    const known = this.#inMemory.get(folder);
    if (known !== undefined) return known;
    // What was made here lies on the same disk as the folder above; another one may be another disk.
    const found =
      folder !== '' && this.#states.get(folder) === 'made'
        ? this.isInMemory(parentOf(folder))
        : isMemoryDisk(this.fullPath(folder));
    this.#inMemory.set(folder, found);
    return found;
  }

  /** Whether a folder was there before this transfer. */
  wasThere(folder: string): boolean {
    return this.#state(folder) === 'there';
  }

  /** Folders that were there before and whose list of names changed since the last flush. */
  get touched(): readonly string[] {
    return [...this.#touched].filter((folder) => this.wasThere(folder));
  }

  /** The topmost part of a folder's path that exists and is no real folder, or undefined. */
  blockedAt(folder: string): string | undefined {
    if (this.#state(folder) !== 'blocked') return undefined;
    const parent = parentOf(folder);
    return this.#state(parent) === 'blocked' ? this.blockedAt(parent) : folder;
  }

  /**
   * Makes a folder and those above it that are missing.
   *
   * @throws CrocError `target_in_the_way`, or what `writingError` gives
   */
  ensure(folder: string): void {
    const state = this.#state(folder);
    if (state === 'there' || state === 'made') return;
    if (state === 'blocked') throw new CrocError('target_in_the_way', { detail: folder });
    this.ensure(parentOf(folder));
    try {
      mkdirSync(this.fullPath(folder));
    } catch (error) {
      this.#acceptExisting(folder, error);
      return;
    }
    this.#states.set(folder, 'made');
    this.#made.push(folder);
    this.#touched.add(parentOf(folder)).add(folder);
  }

  /** Absolute paths of the folders that this transfer made, parents first. */
  get made(): string[] {
    return this.#made.map((folder) => this.fullPath(folder));
  }

  /** Notes that names in a folder changed. */
  touch(folder: string): void {
    this.#touched.add(folder);
  }

  /** Gives a folder its modification time, if this transfer made it; the last thing done in it. */
  setTime(folder: string, mtimeMs: number): void {
    if (this.#states.get(folder) !== 'made') return;
    try {
      utimesSync(this.fullPath(folder), onDiskTime(mtimeMs), onDiskTime(mtimeMs));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') throw writingError(error, folder);
      // A disk that keeps no such times: the folder is whole all the same.
    }
  }

  /** Puts every changed list of names on the disk. @throws CrocError */
  async flush(): Promise<void> {
    const touched = [...this.#touched];
    this.#touched = new Set();
    await inParallel(touched, async (folder) => {
      try {
        await flushFolder(this.fullPath(folder));
      } catch (error) {
        throw writingError(error, folder);
      }
    });
  }

  /** Removes the folders that this transfer made and that are empty. Never throws. */
  removeEmpty(): void {
    const left: string[] = [];
    for (const folder of this.#made.splice(0).reverse()) {
      try {
        rmdirSync(this.fullPath(folder));
        this.#states.set(folder, 'absent');
      } catch {
        // Something is in it, or it is gone: both are fine.
        left.unshift(folder);
      }
    }
    this.#made.push(...left);
  }

  #state(folder: string): FolderState {
    const known = this.#states.get(folder);
    if (known !== undefined) return known;
    const above = this.#state(parentOf(folder));
    const state =
      above === 'there' ? this.#stateOnDisk(folder) : above === 'made' ? 'absent' : above;
    this.#states.set(folder, state);
    return state;
  }

  #stateOnDisk(folder: string): FolderState {
    const stats = this.#stat(folder);
    if (stats === undefined) return 'absent';
    return stats.isDirectory() ? 'there' : 'blocked';
  }

  #stat(path: string): Stats | undefined {
    try {
      return lstatSync(this.fullPath(path), { throwIfNoEntry: false });
    } catch (error) {
      throw writingError(error, path);
    }
  }

  /** Somebody else made the folder meanwhile; a link in its place is not one. */
  #acceptExisting(folder: string, error: unknown): void {
    if (errnoOf(error) !== 'EEXIST') throw writingError(error, folder);
    if (this.#stat(folder)?.isDirectory() !== true)
      throw new CrocError('target_in_the_way', { detail: folder, cause: error });
    this.#states.set(folder, 'there');
  }
}

/** The folder that was asked for last: paths come folder by folder, and the same text is found faster in a table. */
let lastParent = '';

/** The folder that a path is in; '' at the top. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  if (slash === -1) return '';
  if (slash !== lastParent.length || !path.startsWith(lastParent))
    lastParent = path.slice(0, slash);
  return lastParent;
}
