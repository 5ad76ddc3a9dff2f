/** Where each entry of an offer goes, and what is there already. */
import type { Stats } from 'node:fs';
import { CrocError } from '../errors.js';
import type { Conflict, ConflictChoice, OfferEntry } from '../types.js';
import type { Folders } from './folders.js';
import { parentOf } from './folders.js';
import { collisionKey, numberedName } from './names.js';

/** A conflict and the entry's place in the offer. */
export interface FoundConflict extends Conflict {
  readonly index: number;
}

/** Finds the places of one offer in one destination. Paths are relative, with `/`. */
export class Placement {
  readonly #entries: readonly OfferEntry[];
  readonly #folders: Folders;
  /** Folders of the offer with something else in their place → where they go; undefined = nowhere. */
  readonly #moved = new Map<string, string | undefined>();
  /** Keys of every offered path and of every name given so far; made when the first is needed. */
  #taken: Set<string> | undefined;

  /** @param entries - checked by `checkOffer` */
  constructor(entries: readonly OfferEntry[], folders: Folders) {
    this.#entries = entries;
    this.#folders = folders;
  }

  /**
   * What is in the way of the entries `wanted`. For a folder in whose place is something else there
   * is one conflict, not one for all below.
   */
  *conflicts(wanted: readonly number[]): Generator<FoundConflict | undefined> {
    const wantedFolders = new Set<string>();
    for (const index of wanted) {
      const entry = this.#entry(index);
      if (entry.kind === 'folder') wantedFolders.add(entry.path);
    }
    for (const index of wanted) {
      const entry = this.#entry(index);
      const existing = this.#existing(entry, wantedFolders);
      const stats = existing === undefined ? undefined : this.#folders.look(existing);
      if (existing === undefined || stats === undefined) yield undefined;
      else yield { index, ...conflict(entry, this.#folders.fullPath(existing), stats) };
    }
  }

  /**
   * Decides where an entry goes.
   *
   * @param choice - what to do if something is there
   * @returns its path, or undefined when it is skipped
   * @throws CrocError `target_in_the_way` when `overwrite` would have to replace something that is
   * neither a file nor a link
   */
  place(index: number, choice: ConflictChoice): string | undefined {
    const entry = this.#entry(index);
    const blocked = this.#folders.blockedAt(folderOf(entry));
    if (blocked !== undefined && !this.#moved.has(blocked)) {
      if (choice === 'overwrite') throw this.#inTheWay(blocked);
      if (choice === 'skip' && entry.path !== blocked) return undefined;
      this.#moved.set(blocked, choice === 'skip' ? undefined : this.freeName(blocked, 'folder'));
    }
    const path = this.moved(entry.path);
    if (path === undefined || entry.kind === 'folder') return path;
    const existing = this.#folders.look(path);
    if (existing === undefined) return path;
    if (choice === 'skip') return undefined;
    if (choice === 'rename') return this.freeName(path, 'file');
    if (!existing.isFile() && !existing.isSymbolicLink()) throw this.#inTheWay(path);
    return path;
  }

  /** Where an offered path lies, folders that had to move considered; undefined = skipped. */
  moved(path: string): string | undefined {
    if (this.#moved.size === 0) return path;
    let end = path.indexOf('/');
    while (end !== -1) {
      const folder = path.slice(0, end);
      if (this.#moved.has(folder)) {
        const place = this.#moved.get(folder);
        return place === undefined ? undefined : place + path.slice(end);
      }
      end = path.indexOf('/', end + 1);
    }
    return this.#moved.has(path) ? this.#moved.get(path) : path;
  }

  /** The first `name (2).ext`, `name (3).ext`, … that is neither on the disk nor offered nor given. */
  freeName(path: string, kind: 'file' | 'folder'): string {
    this.#taken ??= new Set(this.#entries.map((entry) => collisionKey(entry.path)));
    const parent = parentOf(path);
    const name = path.slice(parent === '' ? 0 : parent.length + 1);
    for (let number = 2; ; number++) {
      const numbered = numberedName(name, number, kind);
      const candidate = parent === '' ? numbered : `${parent}/${numbered}`;
      const key = collisionKey(candidate);
      if (this.#taken.has(key) || this.#folders.look(candidate) !== undefined) continue;
      this.#taken.add(key);
      return candidate;
    }
  }

  /** The path of what is in the way of an entry, or undefined. */
  #existing(entry: OfferEntry, wantedFolders: ReadonlySet<string>): string | undefined {
    const blocked = this.#folders.blockedAt(folderOf(entry));
    if (blocked === undefined) return entry.kind === 'folder' ? undefined : entry.path;
    return blocked === entry.path || !wantedFolders.has(blocked) ? blocked : undefined;
  }

  #inTheWay(path: string): CrocError {
    return new CrocError('target_in_the_way', { detail: this.#folders.fullPath(path) });
  }

  #entry(index: number): OfferEntry {
    const entry = this.#entries[index];
    if (entry === undefined) throw new CrocError('internal', { detail: `no entry ${index}` });
    return entry;
  }
}

/** The folder that must be there for an entry. */
function folderOf(entry: OfferEntry): string {
  return entry.kind === 'folder' ? entry.path : parentOf(entry.path);
}

function conflict(entry: OfferEntry, existing: string, stats: Stats): Conflict {
  return { entry, existing, existingSize: stats.size, existingMtimeMs: stats.mtimeMs };
}
