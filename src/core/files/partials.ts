/**
 * Partial files: what a broken transfer leaves beside its targets, and the next one takes over. Their
 * names tell what they are of and, by an id, who writes them (lock.ts).
 *
 * A partial file is only taken over if nobody writes it and it is a regular file of ours under one
 * name; what its content is worth is for block hashes to say. Taking over is a rename to an id of our
 * own, so of two that want it one gets it.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  type Stats,
} from 'node:fs';
import type { Folders } from './folders.js';
import { parentOf } from './folders.js';
import { isHeld } from './lock.js';
import { removeQuietly } from './partFile.js';

/** Files below this size leave nothing behind: sending them again costs less than keeping them. */
export const MIN_PARTIAL_BYTES = 1024 * 1024;
/** What has not been touched for this long is removed. */
const STALE_MS = 7 * 24 * 60 * 60 * 1000;
/** Names up to this many bytes are told whole; the rest of the 255 is for the id. */
const MAX_LABEL_BYTES = 200;

/** Windows has no such flag. */
const NO_FOLLOW = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW;

/** The name of a file that is not whole: safe to delete when nothing is received. */
export const PART_NAME = /^\.(?:(?<label>.+)\.)?croc-(?<id>[0-9a-f]{16})\.part$/s;

/** A partial file that was taken over. */
export interface TakenPartial {
  /** Absolute path, under our id. */
  readonly path: string;
  /** Bytes, at most those of its target. */
  readonly size: number;
}

/** The name of the partial file of a target. @param target - a file name @param id - of a `PartLock` */
export function partialName(target: string, id: string): string {
  return `.${labelOf(target)}.croc-${id}.part`;
}

/** The target's name, shortened and with a hash of it when it is long. */
function labelOf(target: string): string {
  if (Buffer.byteLength(target) <= MAX_LABEL_BYTES) return target;
  const hash = createHash('sha256').update(target).digest('hex').slice(0, 16);
  const cut = Buffer.from(target).subarray(0, MAX_LABEL_BYTES - 17);
  // A character that was cut in the middle reads as U+FFFD.
  const label = cut.toString().replace(/\ufffd+$/, '');
  return `${label}~${hash}`;
}

/** The partial files in the folders of one destination. */
export class Partials {
  readonly #folders: Folders;
  readonly #id: string | undefined;
  /** Folder → what was found there when it was first looked into. */
  readonly #found = new Map<string, readonly string[]>();
  /** Ids of others and whether they were held when first asked. */
  readonly #held = new Map<string, Promise<boolean>>();

  /** @param id - of our `PartLock`; without one nothing is taken over and nothing left behind */
  constructor(folders: Folders, id: string | undefined) {
    this.#folders = folders;
    this.#id = id;
  }

  /** The name for a new partial file, if it may be left. @param target - path relative to the destination */
  nameFor(target: string): string | undefined {
    return this.#id === undefined ? undefined : partialName(nameOf(target), this.#id);
  }

  /** Notes what is in a folder, for `removeStale`. */
  lookInto(folder: string): void {
    this.#in(folder);
  }

  /**
   * Takes over the largest partial file of a target.
   *
   * @param target - path relative to the destination
   * @param size - what the target will have; a longer partial file is cut
   * @returns undefined when there is none that may be taken
   */
  async take(target: string, size: number): Promise<TakenPartial | undefined> {
    const folder = parentOf(target);
    const mine = this.nameFor(target);
    if (mine === undefined) return undefined;
    let best: { name: string; stats: Stats } | undefined;
    for (const name of this.#of(target)) {
      const stats = ownFile(this.#path(folder, name));
      if (stats === undefined || stats.size === 0) continue;
      if (best !== undefined && best.stats.size >= stats.size) continue;
      if (!(await this.#isHeld(name))) best = { name, stats };
    }
    return best && this.#takeOver(this.#path(folder, best.name), this.#path(folder, mine), size);
  }

  /** Removes what else was left of a target that is whole now. Never throws. */
  async removeOthers(target: string): Promise<void> {
    for (const name of this.#of(target)) {
      const path = this.#path(parentOf(target), name);
      if (ownFile(path) !== undefined && !(await this.#isHeld(name))) removeQuietly(path);
    }
  }

  /** Removes what was left long ago in every folder that was looked into. Never throws. */
  async removeStale(nowMs: number): Promise<void> {
    for (const [folder, names] of this.#found) {
      for (const name of names) {
        const path = this.#path(folder, name);
        const stats = ownFile(path);
        if (stats === undefined || nowMs - stats.mtimeMs < STALE_MS) continue;
        if (!(await this.#isHeld(name))) removeQuietly(path);
      }
    }
  }

  /** The names of what was left of a target. */
  #of(target: string): string[] {
    const label = labelOf(nameOf(target));
    return this.#in(parentOf(target)).filter(
      (name) => PART_NAME.exec(name)?.groups?.label === label,
    );
  }

  #in(folder: string): readonly string[] {
    const known = this.#found.get(folder);
    if (known !== undefined) return known;
    const found = this.#folders.wasThere(folder) ? namesIn(this.#folders.fullPath(folder)) : [];
    this.#found.set(folder, found);
    return found;
  }

  #path(folder: string, name: string): string {
    return this.#folders.fullPath(folder === '' ? name : `${folder}/${name}`);
  }

  #isHeld(name: string): Promise<boolean> {
    const id = PART_NAME.exec(name)?.groups?.id ?? '';
    const known = this.#held.get(id) ?? isHeld(id);
    this.#held.set(id, known);
    return known;
  }

  #takeOver(from: string, to: string, size: number): TakenPartial | undefined {
    try {
      renameSync(from, to);
      return prepare(to, size);
    } catch {
      // Somebody else was faster, or it may not be touched.
      return undefined;
    }
  }
}

/** Looks once more, at the open file, and makes it ours alone. */
function prepare(path: string, size: number): TakenPartial | undefined {
  const fd = openSync(path, constants.O_RDWR | NO_FOLLOW);
  try {
    const stats = fstatSync(fd);
    if (!isOwn(stats)) return undefined;
    if (process.platform !== 'win32') fchmodSync(fd, 0o600);
    if (stats.size > size) ftruncateSync(fd, size);
    return { path, size: Math.min(stats.size, size) };
  } finally {
    closeSync(fd);
  }
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path).filter((name) => PART_NAME.test(name));
  } catch {
    return [];
  }
}

/** What is at a path if it is a regular file of ours that has no other name. */
function ownFile(path: string): Stats | undefined {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    return stats !== undefined && isOwn(stats) ? stats : undefined;
  } catch {
    return undefined;
  }
}

function isOwn(stats: Stats): boolean {
  const uid = process.getuid?.();
  return stats.isFile() && stats.nlink === 1 && (uid === undefined || uid === stats.uid);
}

/** The last part of a path. */
function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
