/**
 * The receiving disk. Order of use: `open`, `conflicts`, `plan` for every wanted entry, `findBases`
 * if blocks can be compared, then `writeAt`, `writeWhole`, `compare` and `vouch` in any order, then
 * `finish`; or `abort` at any time.
 *
 * What is promised:
 * - A file's bytes go to a temporary file beside its final name (`PART_NAME`), never through a link.
 *   The one exception: a file that is there with exactly the offered content is left where it is.
 * - A final name appears, or is replaced, in one step, when the content is already on the disk.
 * - When `finish` resolves, content, names, modes and times of everything are on the disk.
 * - After `abort` no temporary file is left but partial files that are worth going on with, if they
 *   are to be kept; after a crash only temporary files are.
 * - Nothing that was there is lost unless the choice was `overwrite`.
 */
import { CrocError } from '../errors.js';
import type { RandomBytes } from '../edges.js';
import type { ActiveFile, ConflictChoice, OfferEntry, Renamed } from '../types.js';
import { Bases, type BasisSize } from './bases.js';
import { Committer } from './committer.js';
import { Comparing } from './comparing.js';
import { finishTree } from './finishing.js';
import { Folders } from './folders.js';
import { Ledger } from './ledger.js';
import { Links } from './links.js';
import { PartLock } from './lock.js';
import { Naming, type WholeFile } from './naming.js';
import { pacer } from './pace.js';
import { PartFiles } from './partFiles.js';
import { MIN_PARTIAL_BYTES, Partials } from './partials.js';
import { Placement, type FoundConflict } from './placement.js';
import { probeFolder, type ProbedFolder } from './probe.js';
import type { Publisher } from './publisher.js';
import { checkOffer } from './safePath.js';
import { UndoLog, type UndoRecord } from './undo.js';
import { Writing } from './writing.js';

export { PART_NAME } from './partials.js';
export type { BasisSize } from './bases.js';
export type { FoundConflict } from './placement.js';

/** What a destination needs from outside. */
export interface DestinationOptions {
  readonly random: RandomBytes;
  /** Whose rules of names hold; this machine's when absent. */
  readonly platform?: NodeJS.Platform;
  /** Whether `checkOffer` has seen these entries already. */
  readonly checked?: boolean;
  /** Keep what is overwritten, and note what arrives, for `undo`. */
  readonly undo?: boolean;
  /** Gives names in another thread; whoever started it ends it, after `finish` or `abort`. */
  readonly publisher?: Publisher | undefined;
}

/** What a finished destination holds. */
export interface Received {
  /** Files and links that were written. */
  readonly files: number;
  /** Bytes of those. */
  readonly bytes: number;
  /** Absolute paths of the topmost files and folders, in the order of the offer. */
  readonly roots: string[];
  /** Files and links that got another name than the offered one; absent when none did. */
  readonly renamed?: readonly Renamed[];
}

const NO_BYTES = new Uint8Array(0);

/** A folder that an offer is received into. */
export class Destination {
  /** Absolute path of the folder, every link resolved. */
  readonly root: string;
  readonly #entries: readonly OfferEntry[];
  readonly #folders: Folders;
  readonly #placement: Placement;
  readonly #links: Links;
  readonly #parts: PartFiles;
  readonly #writing: Writing;
  readonly #committer: Committer;
  readonly #ledger: Ledger;
  readonly #undo: UndoLog | undefined;
  readonly #renamed: Renamed[] = [];
  readonly #lock: PartLock | undefined;
  readonly #partials: Partials;
  readonly #bases: Bases;
  #comparing: Comparing | undefined;
  #failure: CrocError | undefined;
  #finishing: Promise<Received> | undefined;
  #isFinished = false;

  private constructor(
    probed: ProbedFolder,
    entries: readonly OfferEntry[],
    options: DestinationOptions,
    lock: PartLock | undefined,
  ) {
    this.root = probed.root;
    this.#entries = entries;
    this.#folders = new Folders(probed.root);
    this.#placement = new Placement(entries, this.#folders);
    this.#links = new Links(probed.root, options.random);
    this.#ledger = new Ledger(entries);
    this.#undo = options.undo === true ? new UndoLog(probed.root, options.random) : undefined;
    const onDone = ({ part }: WholeFile, path: string | undefined): void => {
      if (path === undefined) this.#ledger.setStatus(part.index, 'skipped');
      else this.#done(part.index, path);
    };
    this.#committer = new Committer(
      new Naming({
        folders: this.#folders,
        placement: this.#placement,
        onDone,
        undo: this.#undo,
        publisher: options.publisher,
      }),
    );
    this.#parts = new PartFiles(() => this.#committer.room());
    this.#lock = lock;
    this.#partials = new Partials(this.#folders, lock?.id);
    this.#bases = new Bases(this.#ledger, this.#folders, this.#placement, this.#partials);
    this.#writing = new Writing({
      ledger: this.#ledger,
      folders: this.#folders,
      parts: this.#parts,
      partials: this.#partials,
      bases: this.#bases,
      committer: this.#committer,
      fileMode: probed.fileMode,
      random: options.random,
      check: () => this.#check(),
    });
  }

  /**
   * Checks the offer (`checkOffer`) and the folder. Only a probe is written and removed again.
   *
   * @param to - an existing folder
   * @throws CrocError as `checkOffer`; `folder_gone`, `folder_not_writable`, `disk_full`
   */
  static async open(
    to: string,
    entries: readonly OfferEntry[],
    options: DestinationOptions,
  ): Promise<Destination> {
    if (options.checked !== true) checkOffer(entries, options.platform);
    const probed = probeFolder(to, options.random);
    const leavesPartials = entries.some(({ size }) => size >= MIN_PARTIAL_BYTES);
    const lock = leavesPartials ? await PartLock.take(options.random) : undefined;
    return new Destination(probed, entries, options, lock);
  }

  /**
   * What is already there, in the order of `wanted`. A folder where a folder is offered is no
   * conflict. Only looks.
   *
   * @param wanted - indices into the offer
   */
  async conflicts(wanted: readonly number[]): Promise<FoundConflict[]> {
    const found: FoundConflict[] = [];
    const pause = pacer(32);
    for (const conflict of this.#placement.conflicts(wanted)) {
      if (conflict !== undefined) found.push(conflict);
      const turn = pause();
      if (turn !== undefined) await turn;
    }
    return found;
  }

  /**
   * Takes an entry in. Call it once for every wanted one, in the order of the offer, so that what
   * is decided for a folder holds for what is in it. Folders above an entry come along by
   * themselves. Blocks for microseconds; makes nothing yet.
   *
   * @param choice - what to do if something is there, now or when the file is whole
   * @returns whether the entry is to be received; false when it is skipped
   * @throws CrocError `target_in_the_way` when `overwrite` would have to replace something that is
   * neither a file nor a link
   */
  plan(index: number, choice: ConflictChoice): boolean {
    this.#check();
    if (this.#ledger.status(index) !== 'unplanned')
      throw new CrocError('internal', { detail: `entry ${index} is planned twice` });
    const place = this.#placement.place(index, choice);
    this.#ledger.plan(index, choice, place);
    return place !== undefined;
  }

  /**
   * Looks what is here already of the planned files: what an earlier transfer left, and files of the
   * same name. Call it at most once, before anything is written.
   *
   * @param salt - `SALT_BYTES` bytes that the hashes will be made with
   * @returns which files are worth comparing, in the order of the offer
   */
  async findBases(salt: Uint8Array): Promise<BasisSize[]> {
    this.#check();
    const found = await this.#bases.find();
    this.#comparing = new Comparing(this.#bases.byIndex, salt, {
      inPlace: (index, offset, length) => this.#writing.part(index).coverage.add(offset, length),
      write: (index, offset, data) => this.writeAt(index, offset, data, false),
    });
    return found;
  }

  /** Files and links that are whole so far. */
  get filesWhole(): number {
    return this.#ledger.filesWhole;
  }

  /** The large files that were written to last, at most `most`, the last one first. */
  active(most: number): ActiveFile[] {
    const recent = this.#parts.recent.slice(-most).reverse();
    return recent.map(({ index, coverage: { bytes } }) => {
      const { path, size } = this.#ledger.entry(index);
      return { path, bytes, size };
    });
  }

  /** Bytes of the partial files that were taken over: so much room is not needed any more. */
  get takenBytes(): number {
    return this.#bases.takenBytes;
  }

  /**
   * Compares blocks of a file that `findBases` named with the sender's, and keeps those that are here.
   * One call at a time.
   *
   * @param hashes - of consecutive blocks from `first` on
   * @returns for each block whether it is here
   * @throws CrocError as `writeAt`
   */
  async compare(index: number, first: number, hashes: Buffer): Promise<boolean[]> {
    this.#check();
    try {
      const { size } = this.#ledger.entry(index);
      if (this.#comparing === undefined) throw new CrocError('internal');
      return await this.#comparing.compare(index, size, first, hashes);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /**
   * Notes that the sender vouches for a file after its last byte was sent or found here.
   *
   * @throws CrocError as `writeAt`
   */
  async vouch(index: number): Promise<void> {
    this.#check();
    try {
      await this.#writing.vouch(index);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /**
   * Writes a piece of a planned file. The piece that makes it whole also hands it on to be flushed.
   *
   * @param offset - of the first byte in the file
   * @param data - at least one byte; must not change before the promise resolves
   * @param verified - whether the sender vouches with this piece that the file did not change while
   * it was read; a file without such a piece is never whole
   * @throws CrocError `protocol_error` (not planned, beyond the offered size, or there already),
   * `disk_full`, `folder_not_writable`, `folder_gone`, `target_in_the_way`, `write_failed`
   */
  async writeAt(index: number, offset: number, data: Uint8Array, verified = true): Promise<void> {
    this.#check();
    try {
      await this.#writing.piece(index, offset, data, verified);
    } catch (error) {
      throw this.#fail(error);
    }
    this.#check();
  }

  /**
   * Writes a small file in one go, blocking: cheaper than any trip to another thread.
   *
   * @param data - exactly the offered bytes
   * @returns a promise to wait for before the next write, when the disk has to catch up
   * @throws CrocError as `writeAt`
   */
  writeWhole(index: number, data: Uint8Array): Promise<void> | undefined {
    this.#check();
    try {
      return this.#writing.whole(index, data)?.catch((error: unknown) => {
        throw this.#fail(error);
      });
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Puts everything that is whole on the disk under its final name. @throws CrocError */
  async flush(): Promise<void> {
    this.#check();
    try {
      await this.#committer.flush();
      await this.#folders.flush();
    } catch (error) {
      throw this.#fail(error);
    }
    this.#check();
  }

  /**
   * Ends well: makes empty files, empty folders and links, gives folders their times, and puts
   * everything on the disk. Every write must have resolved before.
   *
   * @throws CrocError `protocol_error` when a planned file is not whole; otherwise as `writeAt`
   */
  finish(): Promise<Received> {
    this.#finishing ??= this.#finish().catch((error: unknown) => {
      throw this.#fail(error);
    });
    return this.#finishing;
  }

  /**
   * Ends badly: closes everything, removes what is not whole and the folders made here that are
   * empty. Files under their final names stay. May be called at any time; after a `finish` that
   * went well it does nothing. Never throws.
   *
   * @param keep - leave partial files that are worth it for the next transfer
   */
  async abort(keep = false): Promise<void> {
    if (this.#isFinished) return;
    this.#failure ??= new CrocError('cancelled');
    const stopped = this.#committer.discard(keep);
    const couldNotBeStopped = await this.#finishing?.then(
      () => true,
      () => false,
    );
    if (couldNotBeStopped === true) return;
    await this.#parts.idle();
    await stopped;
    await this.#parts.discard(keep);
    this.#folders.removeEmpty();
    this.#lock?.release();
  }

  /** What was changed so far; undefined unless `undo` was asked for, or when nothing was. */
  get undoRecord(): UndoRecord | undefined {
    const record = this.#undo?.record(this.#folders.made);
    return record?.arrived.length === 0 ? undefined : record;
  }

  /** A file or link has its final name. */
  #done(index: number, path: string): void {
    this.#ledger.done(index, path);
    const full = this.#folders.fullPath(path);
    this.#undo?.arrived(full);
    const { path: offered } = this.#ledger.entry(index);
    if (path !== offered) this.#renamed.push({ offered, path: full });
  }

  async #finish(): Promise<Received> {
    this.#check();
    for (const [index, { path, size }] of this.#ledger.planned('file')) {
      const status = this.#ledger.status(index);
      if (status === 'whole' || status === 'done') continue;
      if (size > 0) throw new CrocError('protocol_error', { detail: `${path} is not whole` });
      await this.writeWhole(index, NO_BYTES);
    }
    await this.#committer.flush();
    this.#check();
    await finishTree({
      entries: this.#entries,
      folders: this.#folders,
      placement: this.#placement,
      ledger: this.#ledger,
      links: this.#links,
      partials: this.#partials,
      undo: this.#undo,
      check: () => this.#check(),
      onDone: (index, path) => this.#done(index, path),
    });
    this.#isFinished = true;
    this.#lock?.release();
    const { files, bytes, tops } = this.#ledger;
    const roots = tops.map((top) => this.#folders.fullPath(top));
    const renamed = this.#renamed.length === 0 ? {} : { renamed: this.#renamed };
    return { files, bytes, roots, ...renamed };
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The first failure is the one that counts; everything later says the same. */
  #fail(error: unknown): CrocError {
    this.#failure ??= CrocError.from(error);
    return this.#failure;
  }
}
