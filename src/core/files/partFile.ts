/** One file on its way in: a temporary file beside its final name. */
import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  futimesSync,
  openSync,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs';
import { CrocError } from '../errors.js';
import type { RandomBytes } from '../edges.js';
import { Coverage } from './coverage.js';
import { flushFile } from './flushing.js';
import { errnoOf, writingError } from './fsErrors.js';
import { Patience } from './patience.js';
import { onDiskTime } from './times.js';

/** With fewer bytes a part file is not worth keeping. */
const MIN_KEPT_BYTES = 1024 * 1024;
/** Bytes after which a growing file is flushed in the background, so that its end is no stall. */
const FLUSH_EVERY_BYTES = 64 * 1024 * 1024;
/** Up to this many bytes a blocking write is cheaper than a thread's attention, even on a slow disk. */
const BLOCKING_BYTES = 32 * 1024;

/** Windows has no such flag; there `wx` alone refuses whatever has the name. */
const NO_FOLLOW = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW;
/** Exclusive: whatever has this name, a link too, makes it fail and is left alone. */
export const NEW_FILE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW;
/** What disks say that keep no modes or times. */
const NOT_KEPT = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL']);

/** A new name for a temporary file that tells nothing of its target. */
export function partName(random: RandomBytes): string {
  return nameOf(Buffer.from(random(NAME_BYTES)).toString('hex'));
}

/** Bytes of a name. */
const NAME_BYTES = 8;
/** Bytes that are drawn at a time for names. */
const POOL_BYTES = 4096;

/** Gives one new name after the other, as `partName`, at a tenth of the cost: there may be a million of them. */
export function partNames(random: RandomBytes): () => string {
  let pool = '';
  let next = 0;
  return () => {
    if (next === pool.length) {
      pool = Buffer.from(random(POOL_BYTES)).toString('hex');
      next = 0;
    }
    const digits = pool.slice(next, next + 2 * NAME_BYTES);
    next += 2 * NAME_BYTES;
    return nameOf(digits);
  };
}

function nameOf(digits: string): string {
  return `.croc-${digits}.part`;
}

/** Looks of a finished file. */
export interface FileLooks {
  readonly mode: number;
  readonly mtimeMs: number;
}

/** What a part file is of. */
export interface PartSpec {
  readonly index: number;
  /** The offered path, for errors. */
  readonly offered: string;
  readonly size: number;
  /** Absolute path of the folder of the file's final name. */
  readonly folder: string;
  /** A name by which the next transfer finds it; without one nothing is left after a failure. */
  readonly keptName?: string | undefined;
  /** Absolute path of what an earlier transfer left, to go on with. */
  readonly taken?: string | undefined;
}

/** A temporary file whose bytes are all written, on its way to its final name. */
export interface WrittenFile {
  /** Place in the offer. */
  readonly index: number;
  /** Absolute path of the temporary file. */
  readonly path: string;
  /**
   * Puts the file on the disk and closes it, blocking, if that is quick.
   *
   * @param disk - whether a flush may block
   * @returns false when `flush` has to do it
   * @throws CrocError
   */
  flushNow(disk: Patience): boolean;
  /** Puts the file on the disk, in the background, and closes it. @throws CrocError */
  flush(): Promise<void>;
  /** Closes and removes the file. Never throws. @param keep - leave it for the next transfer if that is worth it */
  discard(keep: boolean): Promise<void>;
}

/** A temporary file. Its descriptor may be closed between writes and is opened again when needed. */
export class PartFile implements WrittenFile {
  readonly index: number;
  readonly coverage: Coverage;
  /** Whether the sender vouched that the file did not change while it was read. */
  verified = false;
  /** The offered path, for errors. */
  readonly #offered: string;
  readonly #spec: PartSpec;
  readonly #newName: () => string;
  readonly #disk = new Patience();
  #path: string | undefined;
  #fd: number | undefined;
  /** Writes that run. */
  #writing = 0;
  #sinceFlush = 0;
  #flushing: Promise<void> | undefined;
  #flushError: CrocError | undefined;

  constructor(spec: PartSpec, newName: () => string) {
    this.index = spec.index;
    this.#spec = spec;
    this.#offered = spec.offered;
    this.#path = spec.taken;
    this.#newName = newName;
    this.coverage = new Coverage(spec.size);
  }

  /** Absolute path of the temporary file, once it was made. */
  get path(): string {
    if (this.#path === undefined) throw new CrocError('internal', { detail: this.#offered });
    return this.#path;
  }

  get isOpen(): boolean {
    return this.#fd !== undefined;
  }

  /** Whether nothing uses the descriptor at this moment. */
  get isIdle(): boolean {
    return this.#writing === 0 && this.#flushing === undefined;
  }

  /** Whether every byte has come, the sender vouched for them, and none is still being written. */
  get isWhole(): boolean {
    return this.coverage.complete && this.verified && this.#writing === 0;
  }

  /** Makes or opens the temporary file. Blocks for microseconds. @throws CrocError */
  open(): void {
    if (this.#fd !== undefined) return;
    try {
      if (this.#path === undefined) this.#create();
      else this.#fd = openSync(this.#path, constants.O_WRONLY | NO_FOLLOW);
    } catch (error) {
      throw writingError(error, this.#offered);
    }
  }

  /** Writes a piece whose bytes `coverage` knows already. @throws CrocError */
  async write(offset: number, data: Uint8Array): Promise<void> {
    if (data.length <= BLOCKING_BYTES || this.#disk.mayBlock) {
      this.#disk.block(() => this.writeSync(offset, data));
      return;
    }
    const fd = this.#descriptor();
    this.#writing++;
    try {
      for (let done = 0; done < data.length;)
        done += await writeOnce(fd, data, done, offset + done);
    } catch (error) {
      throw writingError(error, this.#offered);
    } finally {
      this.#writing--;
    }
    this.#flushBehind(fd, data.length);
  }

  /** As `write`, at once. */
  writeSync(offset: number, data: Uint8Array): void {
    const fd = this.#descriptor();
    try {
      for (let done = 0; done < data.length;)
        done += writeSync(fd, data, done, data.length - done, offset + done);
    } catch (error) {
      throw writingError(error, this.#offered);
    }
    this.#flushBehind(fd, data.length);
  }

  /** Gives the whole file its looks; the last change before it is flushed. @throws CrocError */
  dress(looks: FileLooks): void {
    try {
      dressFile(this.#descriptor(), looks);
    } catch (error) {
      throw writingError(error, this.#offered);
    }
  }

  /** A large file is never flushed without a promise. */
  flushNow(disk: Patience): boolean {
    if (this.#spec.size >= MIN_KEPT_BYTES || !disk.mayBlock) return false;
    try {
      disk.block(() => fsyncSync(this.#descriptor()));
      this.close();
    } catch (error) {
      throw writingError(error, this.#offered);
    }
    return true;
  }

  async flush(): Promise<void> {
    try {
      await this.#flushing;
      if (this.#flushError !== undefined) throw this.#flushError;
      await flushFile(this.#descriptor());
      this.close();
    } catch (error) {
      throw writingError(error, this.#offered);
    }
  }

  /** Closes the descriptor; some disks tell only now that they are full. @throws CrocError */
  close(): void {
    if (this.#fd === undefined) return;
    const fd = this.#fd;
    this.#fd = undefined;
    try {
      closeSync(fd);
    } catch (error) {
      throw writingError(error, this.#offered);
    }
  }

  /**
   * Closes and removes the file. Nothing may write any more. Never throws.
   *
   * @param keep - leave it for the next transfer if that is worth it
   */
  async discard(keep: boolean): Promise<void> {
    await this.#flushing;
    try {
      this.close();
    } catch {
      // It is thrown away.
    }
    if (this.#path === undefined || (keep && this.#isWorthKeeping)) return;
    removeQuietly(this.#path);
  }

  get #isWorthKeeping(): boolean {
    const { taken, keptName } = this.#spec;
    return taken !== undefined || (keptName !== undefined && this.coverage.bytes >= MIN_KEPT_BYTES);
  }

  #create(): void {
    const { folder, keptName } = this.#spec;
    const path = `${folder}/${keptName ?? this.#newName()}`;
    this.#fd = openSync(path, NEW_FILE_FLAGS, 0o600);
    this.#path = path;
  }

  #descriptor(): number {
    this.open();
    if (this.#fd === undefined) throw new CrocError('internal', { detail: this.#offered });
    return this.#fd;
  }

  #flushBehind(fd: number, bytes: number): void {
    this.#sinceFlush += bytes;
    if (this.#sinceFlush < FLUSH_EVERY_BYTES || this.#flushing !== undefined) return;
    this.#sinceFlush = 0;
    this.#flushing = flushFile(fd)
      .catch((error: unknown) => {
        this.#flushError ??= writingError(error, this.#offered);
      })
      .finally(() => {
        this.#flushing = undefined;
      });
  }
}

/** Removes a file if it is there. Never throws. */
export function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is gone, or its folder is.
  }
}

/** Gives an open file its looks, as far as its disk keeps such; the system's error comes out. */
export function dressFile(fd: number, { mode, mtimeMs }: FileLooks): void {
  setMode(fd, mode);
  setTime(fd, mtimeMs);
}

/** Sets the mode of an open file, where its disk keeps modes. */
export function setMode(fd: number, mode: number): void {
  try {
    fchmodSync(fd, mode);
  } catch (error) {
    if (!NOT_KEPT.has(errnoOf(error) ?? '')) throw error;
  }
}

/** Sets the modification time of an open file, where its disk keeps such. */
export function setTime(fd: number, mtimeMs: number): void {
  const time = onDiskTime(mtimeMs);
  try {
    futimesSync(fd, time, time);
  } catch (error) {
    if (!NOT_KEPT.has(errnoOf(error) ?? '')) throw error;
  }
}

function writeOnce(fd: number, data: Uint8Array, at: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, data, at, data.length - at, position, (error, written) => {
      if (error) reject(error);
      else resolve(written);
    });
  });
}
