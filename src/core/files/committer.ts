/**
 * From whole to final. Whole files wait in a batch and are then flushed together, several at a time,
 * so that the disk's journal takes many with one write. Only a file whose content is on the disk gets
 * its final name, so after a crash at any moment a final name holds the old file or the new one,
 * never a part. The names themselves are on the disk once their folders were flushed, which is done
 * once a folder, before *done* is said.
 *
 * Two batches exist at most: one being flushed and one being filled. Who adds to a full one waits.
 */
import { linkSync, renameSync } from 'node:fs';
import type { ConflictChoice } from '../types.js';
import { inParallel } from './flushing.js';
import { parentOf, type Folders } from './folders.js';
import { errnoOf, writingError } from './fsErrors.js';
import { removeQuietly, type WrittenFile } from './partFile.js';
import { Patience } from './patience.js';
import type { Placement } from './placement.js';
import type { UndoLog } from './undo.js';

/** Two batches of open files and those being written stay below 300 descriptors together. */
const BATCH_FILES = 120;
const BATCH_BYTES = 64 * 1024 * 1024;

/** A file whose bytes are all written. */
export interface WholeFile {
  readonly part: WrittenFile;
  /** Where it goes, relative to the destination. */
  readonly path: string;
  /** What to do if something has that name by now. */
  readonly choice: ConflictChoice;
  readonly size: number;
}

/** Flushes whole files and gives them their final names. */
export class Committer {
  readonly #folders: Folders;
  readonly #placement: Placement;
  readonly #onDone: (file: WholeFile, path: string | undefined) => void;
  readonly #undo: UndoLog | undefined;
  readonly #disk = Patience.forFlushes();
  #batch: WholeFile[] = [];
  #bytes = 0;
  /** The batch that is being flushed, and its end, which never rejects. */
  #running: { readonly ended: Promise<void> } | undefined;
  #failure: { readonly error: unknown } | undefined;

  /**
   * @param onDone - told where each file lies now, or that it was skipped after all
   * @param undo - keeps what is replaced
   */
  constructor(
    folders: Folders,
    placement: Placement,
    onDone: (file: WholeFile, path: string | undefined) => void,
    undo?: UndoLog,
  ) {
    this.#undo = undo;
    this.#folders = folders;
    this.#placement = placement;
    this.#onDone = onDone;
  }

  /** Takes a whole file. @returns a promise to wait for before more are added, if there is no room */
  add(file: WholeFile): Promise<void> | undefined {
    this.#check();
    this.#batch.push(file);
    this.#bytes += file.size;
    return this.room();
  }

  /** What to wait for before more files are begun; undefined when there is room. @throws CrocError */
  room(): Promise<void> | undefined {
    if (!this.#isFull()) return undefined;
    this.#check();
    if (this.#running !== undefined) return this.#waitForRoom();
    this.#start();
    return undefined;
  }

  /** Resolves when everything added so far has its final name. @throws CrocError */
  async flush(): Promise<void> {
    while (this.#running !== undefined || this.#batch.length > 0) {
      if (this.#running === undefined) this.#start();
      await this.#running?.ended;
      this.#check();
    }
  }

  /** Stops after the step that runs and removes what has no final name yet. Never throws. @param keep - as in `WrittenFile` */
  async discard(keep: boolean): Promise<void> {
    this.#failure ??= { error: new Error('discarded') };
    await this.#running?.ended;
    for (const file of this.#batch) await file.part.discard(keep);
    this.#batch = [];
  }

  async #waitForRoom(): Promise<void> {
    while (this.#isFull()) {
      if (this.#running === undefined) this.#start();
      else await this.#running.ended;
      this.#check();
    }
  }

  #isFull(): boolean {
    return this.#batch.length >= BATCH_FILES || this.#bytes >= BATCH_BYTES;
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #start(): void {
    const files = this.#batch;
    this.#batch = [];
    this.#bytes = 0;
    const ended = this.#commit(files).then(
      () => {
        this.#running = undefined;
      },
      (error: unknown) => {
        this.#failure ??= { error };
        // What was not published is kept for `discard`.
        this.#batch = [...files, ...this.#batch];
        this.#running = undefined;
      },
    );
    this.#running = { ended };
  }

  /** Takes out of `files` what got its final name, so that what is left is what must be removed. */
  async #commit(files: WholeFile[]): Promise<void> {
    this.#check();
    const slow = files.filter(({ part }) => !part.flushNow(this.#disk));
    await inParallel(slow, ({ part }) => {
      this.#check();
      return part.flush();
    });
    for (let file = files[0]; file !== undefined; file = files[0]) {
      this.#check();
      const path = this.#publish(file);
      files.shift();
      this.#onDone(file, path);
    }
  }

  #publish(file: WholeFile): string | undefined {
    let path = file.path;
    try {
      if (file.choice === 'overwrite') this.#undo?.keep(this.#folders.fullPath(path));
      while (
        !moveTo(file.part.path, this.#folders.fullPath(path), file.choice, this.#folders, path)
      ) {
        if (file.choice === 'skip') {
          removeQuietly(file.part.path);
          return undefined;
        }
        path = this.#placement.freeName(path, 'file');
      }
    } catch (error) {
      throw writingError(error, path);
    }
    this.#folders.touch(parentOf(path));
    return path;
  }
}

/**
 * Gives a file its final name. Unless it may overwrite, by a hard link, which fails when the name
 * was taken meanwhile; on disks without links a look and a rename come as close as can be.
 *
 * @returns false when the name is taken
 */
function moveTo(
  from: string,
  to: string,
  choice: ConflictChoice,
  folders: Folders,
  path: string,
): boolean {
  if (choice === 'overwrite') {
    renameSync(from, to);
    return true;
  }
  try {
    linkSync(from, to);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST' || folders.look(path) !== undefined) return false;
    renameSync(from, to);
    return true;
  }
  removeQuietly(from);
  return true;
}
