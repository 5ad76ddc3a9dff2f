/** Finding what is here of the files of an offer, and taking as it is what needs no change. */
import { closeSync, fstatSync } from 'node:fs';
import type { OfferEntry } from '../types.js';
import { Basis, type Target } from './basis.js';
import { changed } from './comparing.js';
import { flushFile } from './flushing.js';
import type { Folders } from './folders.js';
import { errnoOf, writingError } from './fsErrors.js';
import type { Ledger } from './ledger.js';
import { pacer } from './pace.js';
import { dressFile, type FileLooks } from './partFile.js';
import { MIN_PARTIAL_BYTES, type Partials } from './partials.js';
import type { Placement } from './placement.js';

/** What systems say that flush only what is open for writing. */
const CANNOT_FLUSH = new Set(['EBADF', 'EINVAL', 'EPERM', 'EACCES']);

/** Files between two looks at the clock. */
const ROUNDS = 32;

/** A file of the offer of which something may be here. */
export interface BasisSize {
  readonly index: number;
  /** Blocks from its start that are to be compared, at least 1. */
  readonly blocks: number;
}

/** The bases of one destination, by place in the offer. */
export class Bases {
  readonly byIndex: ReadonlyMap<number, Basis>;
  /** Bytes of all partial files that were taken over. */
  takenBytes = 0;
  readonly #bases = new Map<number, Basis>();
  readonly #taken = new Map<number, string>();
  readonly #ledger: Ledger;
  readonly #folders: Folders;
  readonly #placement: Placement;
  readonly #partials: Partials;

  constructor(ledger: Ledger, folders: Folders, placement: Placement, partials: Partials) {
    this.byIndex = this.#bases;
    this.#ledger = ledger;
    this.#folders = folders;
    this.#placement = placement;
    this.#partials = partials;
  }

  /**
   * Looks what is here of every planned file, and takes partial files over. Reads no content.
   *
   * @returns in the order of the offer
   */
  async find(): Promise<BasisSize[]> {
    const pause = pacer(ROUNDS);
    for (const [index, entry] of this.#ledger.planned('file')) {
      const turn = pause();
      if (turn !== undefined) await turn;
      if (entry.size === 0) continue;
      const place = this.#ledger.place(index);
      const part =
        entry.size < MIN_PARTIAL_BYTES ? undefined : await this.#partials.take(place, entry.size);
      if (part !== undefined) {
        this.#taken.set(index, part.path);
        this.takenBytes += part.size;
      }
      const target = this.#target(entry);
      if (part === undefined && target === undefined) continue;
      const basis = new Basis(entry.size, part, target);
      if (basis.blocks > 0) this.#bases.set(index, basis);
    }
    return [...this.#bases].map(([index, { blocks }]) => ({ index, blocks }));
  }

  /** The partial file that was taken over for an entry. */
  takenFor(index: number): string | undefined {
    return this.#taken.get(index);
  }

  /**
   * Takes the file that is there as it is, all its blocks being those that were offered. Where it was
   * to be overwritten it gets the offered looks; otherwise it is left alone, and no second one is made.
   *
   * @throws CrocError `write_failed` when it was changed since it was compared
   */
  async adopt(index: number, looks: FileLooks): Promise<void> {
    const basis = this.#bases.get(index);
    const fd = basis?.openUnchangedTarget();
    if (basis?.target === undefined) return;
    if (fd === undefined) throw changed(basis);
    try {
      if (this.#ledger.choice(index) === 'overwrite') dress(fd, looks);
      await flushFile(fd);
    } catch (error) {
      if (!CANNOT_FLUSH.has(errnoOf(error) ?? '')) throw writingError(error, basis.target.path);
    } finally {
      closeSync(fd);
    }
    this.#ledger.done(index, basis.target.path);
  }

  #target(entry: OfferEntry): Target | undefined {
    const path = this.#placement.moved(entry.path);
    const stats = path === undefined ? undefined : this.#folders.look(path);
    if (path === undefined || stats?.isFile() !== true || stats.size === 0) return undefined;
    return { full: this.#folders.fullPath(path), path, stats };
  }
}

/** Changes only what is different, so that a file that is as it should be stays untouched. */
function dress(fd: number, looks: FileLooks): void {
  const now = fstatSync(fd);
  // To the microsecond, which is what can be set.
  const isDressed =
    (now.mode & 0o777) === looks.mode && Math.abs(now.mtimeMs - looks.mtimeMs) < 0.002;
  if (!isDressed) dressFile(fd, looks);
}
