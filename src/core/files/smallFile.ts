/** A small file that came whole: its temporary file is made, written and dressed in one go. */
import { closeSync, constants, fsyncSync, openSync, writeSync } from 'node:fs';
import { flushFile } from './flushing.js';
import { writingError } from './fsErrors.js';
import {
  NEW_FILE_FLAGS,
  removeQuietly,
  setMode,
  setTime,
  type FileLooks,
  type WrittenFile,
} from './partFile.js';
import type { Patience } from './patience.js';

/** What a small file is. */
export interface SmallFileSpec {
  readonly index: number;
  /** The offered path, for errors. */
  readonly offered: string;
  /** Absolute path of the folder of the file's final name. */
  readonly folder: string;
  /** Whether that folder is in memory, so that there is no disk to put the file on. */
  readonly inMemory: boolean;
  readonly looks: FileLooks;
}

/** A written temporary file, open until it is flushed. */
export class SmallFile implements WrittenFile {
  readonly index: number;
  readonly path: string;
  readonly #offered: string;
  #fd: number | undefined;

  private constructor(spec: SmallFileSpec, path: string, fd: number | undefined) {
    this.index = spec.index;
    this.path = path;
    this.#offered = spec.offered;
    this.#fd = fd;
  }

  /**
   * Writes the file; nothing is left of it on failure. Blocks for microseconds where the system has memory
   * for it.
   *
   * @throws CrocError as `writingError` gives
   */
  static write(spec: SmallFileSpec, data: Uint8Array, newName: () => string): SmallFile {
    const path = `${spec.folder}/${newName()}`;
    let fd: number | undefined;
    let made = false;
    try {
      // With its final mode from the start: it is whole before anybody could look into it for long.
      fd = openSync(path, NEW_FILE_FLAGS, spec.looks.mode);
      made = true;
      for (let done = 0; done < data.length;)
        done += writeSync(fd, data, done, data.length - done, done);
      // The process's mask may have taken away what the mode has beyond that of a file.
      if ((spec.looks.mode & constants.S_IXUSR) !== 0) setMode(fd, spec.looks.mode);
      setTime(fd, spec.looks.mtimeMs);
      if (!spec.inMemory) return new SmallFile(spec, path, fd);
      const open = fd;
      fd = undefined;
      closeSync(open);
      return new SmallFile(spec, path, undefined);
    } catch (error) {
      if (fd !== undefined) closeQuietly(fd);
      if (made) removeQuietly(path);
      throw writingError(error, spec.offered);
    }
  }

  flushNow(disk: Patience): boolean {
    const fd = this.#fd;
    if (fd === undefined) return true;
    if (!disk.mayBlock) return false;
    try {
      disk.block(() => fsyncSync(fd));
      this.#close();
    } catch (error) {
      throw writingError(error, this.#offered);
    }
    return true;
  }

  async flush(): Promise<void> {
    try {
      if (this.#fd !== undefined) await flushFile(this.#fd);
      this.#close();
    } catch (error) {
      throw writingError(error, this.#offered);
    }
  }

  discard(): Promise<void> {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) closeQuietly(fd);
    removeQuietly(this.path);
    return Promise.resolve();
  }

  /** Some disks tell only now that they are full. */
  #close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) closeSync(fd);
  }
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // It is thrown away.
  }
}
