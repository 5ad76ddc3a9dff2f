/** How the bytes of planned files get into temporary files, and whole ones to the committer. */
import type { RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import type { OfferEntry } from '../types.js';
import type { Bases } from './bases.js';
import type { Committer } from './committer.js';
import { parentOf, type Folders } from './folders.js';
import type { Ledger } from './ledger.js';
import { PartFile, partNames, type FileLooks, type WrittenFile } from './partFile.js';
import type { PartFiles } from './partFiles.js';
import { MIN_PARTIAL_BYTES, type Partials } from './partials.js';
import { withExecute } from './probe.js';
import { SmallFile } from './smallFile.js';

/** The parts of a destination that writing needs. */
export interface WritingParts {
  readonly ledger: Ledger;
  readonly folders: Folders;
  readonly parts: PartFiles;
  readonly partials: Partials;
  readonly bases: Bases;
  readonly committer: Committer;
  /** Mode of a file that is not executable. */
  readonly fileMode: number;
  readonly random: RandomBytes;
  /** Throws when the destination has failed or was aborted meanwhile. */
  readonly check: () => void;
}

/** Writes the files of one destination. Everything throws what `Destination.writeAt` does. */
export class Writing {
  readonly #in: WritingParts;
  readonly #newName: () => string;

  constructor(parts: WritingParts) {
    this.#in = parts;
    this.#newName = partNames(parts.random);
  }

  /** The temporary file of a planned entry, made known if it is not yet. */
  part(index: number): PartFile {
    const { ledger, folders, parts, partials, bases } = this.#in;
    const known = parts.get(index);
    if (known !== undefined) return known;
    const entry = ledger.entry(index);
    if (entry.kind !== 'file' || ledger.status(index) !== 'waiting')
      throw new CrocError('protocol_error', { detail: `${entry.path} is not wanted` });
    const place = ledger.place(index);
    const folder = parentOf(place);
    folders.ensure(folder);
    const { path: offered, size } = entry;
    const keptName = size < MIN_PARTIAL_BYTES ? undefined : partials.nameFor(place);
    const taken = bases.takenFor(index);
    const spec = { index, offered, size, folder: folders.fullPath(folder), keptName, taken };
    const part = new PartFile(spec, this.#newName);
    parts.add(part);
    ledger.setStatus(index, 'started');
    return part;
  }

  /** Writes a piece; the one that makes the file whole also hands it on. */
  async piece(index: number, offset: number, data: Uint8Array, verified: boolean): Promise<void> {
    const part = this.part(index);
    part.coverage.add(offset, data.length);
    if (verified) part.verified = true;
    await this.#in.parts.write(part, offset, data);
    await this.#wholeIfAllIsThere(part);
  }

  /** Writes a file in one go, blocking. @returns what to wait for before the next write, if there is no room */
  whole(index: number, data: Uint8Array): Promise<void> | undefined {
    const { ledger } = this.#in;
    const entry = ledger.entry(index);
    if (ledger.status(index) !== 'waiting' || data.length !== entry.size)
      throw new CrocError('protocol_error', { detail: entry.path });
    return entry.size < MIN_PARTIAL_BYTES
      ? this.#writeSmall(index, entry, data)
      : this.#writeLarge(index, data);
  }

  /** The sender vouches for a file after its last byte was sent or found here. */
  async vouch(index: number): Promise<void> {
    const { ledger, parts, bases } = this.#in;
    if (bases.byIndex.get(index)?.isAllUntouched === true) {
      if (ledger.status(index) !== 'waiting')
        throw new CrocError('protocol_error', { detail: `file ${index} came twice` });
      ledger.setStatus(index, 'whole');
      await bases.adopt(index, this.#looks(index));
      return;
    }
    const part = parts.get(index);
    if (part === undefined)
      throw new CrocError('protocol_error', { detail: `file ${index} did not come` });
    part.verified = true;
    await this.#wholeIfAllIsThere(part);
  }

  #writeLarge(index: number, data: Uint8Array): Promise<void> | undefined {
    const part = this.part(index);
    part.coverage.add(0, data.length);
    part.writeSync(0, data);
    return this.#whole(part);
  }

  /** As `part`, `writeSync` and `#whole` together, in the fewest calls; there may be a million of them. */
  #writeSmall(index: number, entry: OfferEntry, data: Uint8Array): Promise<void> | undefined {
    if (entry.kind !== 'file')
      throw new CrocError('protocol_error', { detail: `${entry.path} is not wanted` });
    const { ledger, folders } = this.#in;
    const place = ledger.place(index);
    const folder = parentOf(place);
    folders.ensure(folder);
    const spec = {
      index,
      offered: entry.path,
      folder: folders.fullPath(folder),
      inMemory: folders.isInMemory(folder),
      looks: this.#looks(index),
    };
    const part = SmallFile.write(spec, data, this.#newName);
    try {
      return this.#commit(part, place, entry.size);
    } catch (error) {
      void part.discard();
      throw error;
    }
  }

  async #wholeIfAllIsThere(part: PartFile): Promise<void> {
    const { ledger, committer } = this.#in;
    // Two last pieces may end together; only one of them finds the file still started.
    const isToBeAdded = () => part.isWhole && ledger.status(part.index) === 'started';
    if (!isToBeAdded()) return;
    // Its descriptor may have been closed for others; too many must not be opened again at a time.
    for (let room = committer.room(); room; room = committer.room()) await room;
    if (isToBeAdded()) await this.#whole(part);
  }

  #looks(index: number): FileLooks {
    const { mtimeMs, executable } = this.#in.ledger.entry(index);
    const { fileMode } = this.#in;
    return { mode: executable ? withExecute(fileMode) : fileMode, mtimeMs };
  }

  #whole(part: PartFile): Promise<void> | undefined {
    const { ledger, parts, check } = this.#in;
    // Aborted meanwhile: the part stays where `abort` finds it.
    check();
    const { index } = part;
    part.dress(this.#looks(index));
    const room = this.#commit(part, ledger.place(index), ledger.entry(index).size);
    parts.release(part);
    return room;
  }

  #commit(part: WrittenFile, path: string, size: number): Promise<void> | undefined {
    const { ledger, committer } = this.#in;
    const { index } = part;
    const room = committer.add({ part, path, choice: ledger.choice(index), size });
    ledger.setStatus(index, 'whole');
    return room;
  }
}
