/**
 * Reading what is sent. A file is sent as it was offered or not at all: size and modification time
 * are compared when it is opened and again when all of it was read. The change time is left out on
 * purpose: a rename, a new hard link or an extended attribute (a search index, a virus scanner)
 * moves it while the content stays the same.
 */
import { closeSync, constants, fstatSync, openSync, read, readSync } from 'node:fs';
import { CrocError } from '../errors.js';
import { readingError } from './fsErrors.js';
import { Patience } from './patience.js';
import type { WalkEntry } from './walk.js';

/**
 * Not through a link, and not waiting for the other end of a pipe: either may have taken the file's
 * place since it was offered. Windows has neither flag.
 */
const READ_FLAGS =
  constants.O_RDONLY |
  (process.platform === 'win32' ? 0 : constants.O_NOFOLLOW | constants.O_NONBLOCK);

function changed(entry: WalkEntry): CrocError {
  return new CrocError('file_changed', { detail: entry.path });
}

function checkAsOffered(fd: number, entry: WalkEntry): void {
  const now = fstatSync(fd);
  const same = now.isFile() && now.size === entry.size && now.mtimeMs === entry.mtimeMs;
  if (!same) throw changed(entry);
}

/** One open file of the offer. */
export class SourceFile {
  readonly #entry: WalkEntry;
  /** Of a file in memory: there is no descriptor, and nothing that could change. */
  readonly #content: Uint8Array | undefined;
  readonly #disk = new Patience();
  #fd: number | undefined;
  /** Reads that run; the descriptor lives as long as they do. */
  #reading = 0;
  #closing = false;

  private constructor(entry: WalkEntry, fd: number | undefined) {
    this.#entry = entry;
    this.#content = entry.content;
    this.#fd = fd;
  }

  /**
   * Opens a file that was offered. Blocks for some microseconds.
   *
   * @throws CrocError `file_not_found`, `file_unreadable`, `file_changed`
   */
  static open(entry: WalkEntry): SourceFile {
    return new SourceFile(entry, entry.content ? undefined : openAsOffered(entry));
  }

  /**
   * Fills `buffer` from its start with `length` bytes at `offset` of the file, fewer only where the
   * offered size ends.
   *
   * @returns how many bytes were read
   * @throws CrocError `file_changed` when the file is shorter now, `file_unreadable`
   */
  async read(offset: number, buffer: Uint8Array, length: number): Promise<number> {
    const wanted = this.#wanted(offset, length);
    if (this.#content) {
      buffer.set(this.#content.subarray(offset, offset + wanted));
      return wanted;
    }
    const fd = this.#use();
    this.#reading++;
    try {
      for (let done = 0; done < wanted;) {
        const rest = [fd, buffer, done, wanted - done, offset + done] as const;
        const got = this.#disk.mayBlock
          ? this.#disk.block(() => readSync(...rest))
          : await readOnce(...rest);
        if (got === 0) throw changed(this.#entry);
        done += got;
      }
      return wanted;
    } catch (error) {
      throw readingError(error, this.#entry.path);
    } finally {
      this.#reading--;
      if (this.#closing) this.close();
    }
  }

  /** Says that all was read. @throws CrocError `file_changed` when the file is another than offered */
  verifyUnchanged(): void {
    if (this.#content) return;
    try {
      checkAsOffered(this.#use(), this.#entry);
    } catch (error) {
      throw readingError(error, this.#entry.path);
    }
  }

  /** Closes the file, once reads that run have ended. May be called again. Never throws. */
  close(): void {
    this.#closing = true;
    if (this.#fd === undefined || this.#reading > 0) return;
    const fd = this.#fd;
    this.#fd = undefined;
    closeQuietly(fd);
  }

  #wanted(offset: number, length: number): number {
    return Math.max(0, Math.min(length, this.#entry.size - offset));
  }

  #use(): number {
    if (this.#fd === undefined || this.#closing)
      throw new CrocError('internal', { detail: `${this.#entry.path} is closed` });
    return this.#fd;
  }
}

/**
 * Reads a whole small file in one go: open, read, check, close. Blocks; meant for files of some hundred
 * KiB at most. That it is as it was offered after it was read says the same of before.
 *
 * @param into - gets the content, from byte `at` on; must have room for the offered size
 * @returns the file's size
 * @throws CrocError `file_not_found`, `file_unreadable`, `file_changed`
 */
export function readSmallFile(entry: WalkEntry, into: Uint8Array, at: number): number {
  if (entry.content) {
    into.set(entry.content, at);
    return entry.size;
  }
  let fd: number | undefined;
  try {
    fd = openSync(entry.source, READ_FLAGS);
    readAll(fd, entry, into, at);
    checkAsOffered(fd, entry);
    return entry.size;
  } catch (error) {
    // Where something else has taken the file's place, reading it may fail in any way.
    if (fd !== undefined) checkAsOffered(fd, entry);
    throw readingError(error, entry.path);
  } finally {
    if (fd !== undefined) closeQuietly(fd);
  }
}

function openAsOffered(entry: WalkEntry): number {
  let fd: number | undefined;
  try {
    fd = openSync(entry.source, READ_FLAGS);
    checkAsOffered(fd, entry);
    return fd;
  } catch (error) {
    if (fd !== undefined) closeQuietly(fd);
    throw readingError(error, entry.path);
  }
}

function readAll(fd: number, entry: WalkEntry, into: Uint8Array, at: number): void {
  for (let done = 0; done < entry.size;) {
    const got = readSync(fd, into, at + done, entry.size - done, done);
    if (got === 0) throw changed(entry);
    done += got;
  }
}

function readOnce(
  fd: number,
  buffer: Uint8Array,
  at: number,
  length: number,
  position: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, buffer, at, length, position, (error, got) => {
      if (error) reject(error);
      else resolve(got);
    });
  });
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Nothing was written, so nothing can be lost.
  }
}
