/**
 * Taking back what a receive did: what arrived is removed, what it replaced comes back. While files
 * arrive, `UndoLog` keeps what is about to be replaced in a folder of its own in the destination, by
 * a hard link, so that the final name is never without a file; and notes how each arrived file looked.
 * Later `Undo` puts things back, but touches no file that has changed since.
 */
import {
  copyFileSync,
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { copyFile, link, lstat, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { systemRandom } from '../edges.js';
import type { RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import type { UndoResult } from '../types.js';
import { errnoOf, writingError } from './fsErrors.js';

/** The folder that replaced files are kept in: safe to delete, and then they cannot come back. */
const KEPT_NAME = /^\.croc-undo-[0-9a-f]{16}$/;
/** Where a disk has no hard links, files up to this size are copied; larger ones are not kept. */
const MAX_COPY_BYTES = 64 * 1024 * 1024;

/** A file or link that arrived, and how it looked then. */
interface Arrived {
  /** Absolute path. */
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
  /** Absolute path of what it replaced; absent when it replaced nothing. */
  readonly kept?: string;
  /** It replaced something that could not be kept. */
  readonly lost?: boolean;
}

/** Everything that a receive changed, as plain data. */
export interface UndoRecord {
  /** Absolute path of the destination. */
  readonly root: string;
  /** Absolute path of the folder with what was replaced; absent when nothing was. */
  readonly folder?: string;
  readonly arrived: readonly Arrived[];
  /** Absolute paths of folders that were made, parents first. */
  readonly made: readonly string[];
}

/** Notes what a receive changes. Every call blocks for microseconds, but where it has to copy. */
export class UndoLog {
  readonly #root: string;
  readonly #random: RandomBytes;
  readonly #kept = new Map<string, string | undefined>();
  readonly #arrived: Arrived[] = [];
  #folder: string | undefined;

  /** @param root - absolute path of the destination */
  constructor(root: string, random: RandomBytes) {
    this.#root = root;
    this.#random = random;
  }

  /** Keeps what is at an absolute path, if anything is; to be called right before it is replaced. */
  keep(path: string): void {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined || this.#kept.has(path)) return;
    try {
      this.#folder ??= makeFolder(this.#root, this.#random);
      const kept = join(this.#folder, String(this.#kept.size));
      this.#kept.set(path, duplicate(path, kept, stats) ? kept : undefined);
    } catch {
      // A full disk, or one that has neither links nor room: the person is told at undo.
      this.#kept.set(path, undefined);
    }
  }

  /** Notes that something has its final name now. */
  arrived(path: string): void {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return;
    const { size, mtimeMs } = stats;
    const kept = this.#kept.get(path);
    const lost = this.#kept.has(path) && kept === undefined;
    this.#arrived.push({
      ...{ path, size, mtimeMs },
      ...(kept === undefined ? {} : { kept }),
      ...(lost ? { lost } : {}),
    });
  }

  /** @param made - absolute paths of the folders that were made, parents first */
  record(made: readonly string[]): UndoRecord {
    const folder = this.#folder === undefined ? {} : { folder: this.#folder };
    return { root: this.#root, ...folder, arrived: this.#arrived, made };
  }
}

function makeFolder(root: string, random: RandomBytes): string {
  const folder = join(root, `.croc-undo-${Buffer.from(random(8)).toString('hex')}`);
  mkdirSync(folder, { mode: 0o700 });
  // It lies in somebody's working tree.
  writeFileSync(join(folder, '.gitignore'), '*\n');
  return folder;
}

/** @returns whether there is a second name, or a copy, now */
function duplicate(from: string, to: string, stats: Stats): boolean {
  if (stats.isSymbolicLink()) {
    symlinkSync(readlinkSync(from), to);
    return true;
  }
  if (!stats.isFile()) return false;
  try {
    linkSync(from, to);
    return true;
  } catch {
    if (stats.size > MAX_COPY_BYTES) return false;
    copyFileSync(from, to, constants.COPYFILE_EXCL);
    utimesSync(to, stats.atimeMs / 1000, stats.mtimeMs / 1000);
    return true;
  }
}

/** Takes back one receive. */
export class Undo {
  readonly #root: string;
  readonly #made: readonly string[];
  #folder: string | undefined;
  #arrived: readonly Arrived[];
  #count = 0;

  constructor(record: UndoRecord) {
    this.#root = record.root;
    this.#folder = record.folder;
    this.#made = record.made;
    this.#arrived = record.arrived;
  }

  /** Absolute path of the folder with what was replaced, while there is one. */
  get folder(): string | undefined {
    return this.#folder;
  }

  /** How many files and links can be taken back. */
  get files(): number {
    return this.#arrived.length;
  }

  /**
   * Puts things back as they were. What has changed since stays as it is and is named in the result;
   * it can be tried again.
   *
   * @throws CrocError `folder_not_writable`, `folder_gone`, `write_failed` when the disk refuses
   */
  async run(): Promise<UndoResult> {
    const left: Arrived[] = [];
    let [removed, restored] = [0, 0];
    for (const one of [...this.#arrived].reverse()) {
      if (one.lost === true || !(await isAsArrived(one))) {
        left.push(one);
      } else if (one.kept === undefined) {
        await onDisk(one.path, () => unlink(one.path));
        removed += 1;
      } else {
        const { kept, path } = one;
        await onDisk(path, () => moveOver(kept, path));
        restored += 1;
      }
    }
    this.#arrived = left.reverse();
    for (const folder of [...this.#made].reverse()) await rmdir(folder).catch(() => undefined);
    if (left.length === 0) await this.discard();
    return { removed, restored, left: this.#arrived.map(({ path }) => path) };
  }

  /**
   * Lets a file that arrived beside another take its place; what was there is kept, so that `run`
   * brings it back, too.
   *
   * @param incoming - absolute path of what arrived @param existing - absolute path that it takes
   * @throws CrocError `target_in_the_way` when something else than a file is there, or as `run`
   */
  async replace(incoming: string, existing: string): Promise<void> {
    const one = this.#arrived.find(({ path }) => path === incoming);
    if (one === undefined) throw new CrocError('file_not_found', { detail: incoming });
    const kept = await onDisk(existing, async () => {
      if (!(await lstat(existing)).isFile())
        throw new CrocError('target_in_the_way', { detail: existing });
      this.#folder ??= makeFolder(this.#root, systemRandom);
      const to = join(this.#folder, `replaced-${this.#count++}`);
      await link(existing, to).catch(() => copyFile(existing, to, constants.COPYFILE_EXCL));
      await rename(incoming, existing);
      return to;
    });
    const rest = this.#arrived.filter((other) => other !== one);
    this.#arrived = [...rest, { ...one, path: existing, kept }];
  }

  /** Removes what was kept: from now on nothing can be brought back. Never throws. */
  async discard(): Promise<void> {
    this.#arrived = [];
    const folder = this.#folder;
    this.#folder = undefined;
    if (folder !== undefined) await discardKept(folder);
  }
}

/**
 * Removes a folder that replaced files were kept in, with all in it; any other path is left alone. For
 * what a program left behind that did not end well. Never throws.
 *
 * @param folder - absolute path
 */
export async function discardKept(folder: string): Promise<void> {
  if (!KEPT_NAME.test(basename(folder))) return;
  await rm(folder, { recursive: true, force: true }).catch(() => undefined);
}

async function isAsArrived({ path, size, mtimeMs }: Arrived): Promise<boolean> {
  const now = await lstat(path).catch(() => undefined);
  return now !== undefined && now.size === size && now.mtimeMs === mtimeMs;
}

/** Renames, or on another disk copies and removes. */
async function moveOver(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error;
    await copyFile(from, to);
    await unlink(from);
  }
}

async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw writingError(error, path);
  }
}
