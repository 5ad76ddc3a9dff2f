/** What is on the disk of a file before it comes: its partial file, and the file that has its name. */
import { closeSync, constants, fstatSync, openSync, read, readSync, type Stats } from 'node:fs';
import {
  BLOCK_BYTES,
  HASH_BYTES,
  blockLength,
  blocksOf,
  blocksWithin,
  type BlockBuffer,
} from './blocks.js';

/** Windows has no such flags; a pipe that took a file's place would make `open` wait. */
const READ_FLAGS =
  constants.O_RDONLY |
  (process.platform === 'win32' ? 0 : constants.O_NOFOLLOW | constants.O_NONBLOCK);

/** Up to this many bytes a blocking read is cheaper than another thread's attention. */
const BLOCKING_BYTES = 32 * 1024;

/**
 * Where a block was found: already in its place in the partial file, in the buffer after it was read
 * from the file of the same name, or not at all.
 */
export type Found = 'in-part' | 'in-buffer' | 'nowhere';

/** The file that has the name of one that comes. */
export interface Target {
  /** Absolute path. */
  readonly full: string;
  /** Relative to the destination. */
  readonly path: string;
  readonly stats: Stats;
}

/** Hashes that were compared with the target's blocks and found there. */
export interface FoundBlocks {
  readonly first: number;
  readonly hashes: Buffer;
}

/** The basis of one file. */
export class Basis {
  /** Blocks, from the start of the file, that may be here. */
  readonly blocks: number;
  readonly target: Target | undefined;
  /**
   * While every block was found in a target of the same size, nothing is copied: it may turn out
   * that nothing has to be. These are to be copied if not. Undefined once that is out of question.
   */
  untouched: FoundBlocks[] | undefined;
  readonly #size: number;
  readonly #partBlocks: number;
  readonly #targetBlocks: number;
  readonly #partPath: string | undefined;

  /** @param size - bytes of the file that comes @param part - its partial file and bytes of it */
  constructor(
    size: number,
    part: { readonly path: string; readonly size: number } | undefined,
    target: Target | undefined,
  ) {
    this.#size = size;
    this.target = target;
    this.#partPath = part?.path;
    this.#partBlocks = part === undefined ? 0 : blocksWithin(size, part.size);
    this.#targetBlocks = target === undefined ? 0 : blocksWithin(size, target.stats.size);
    this.blocks = Math.max(this.#partBlocks, this.#targetBlocks);
    if (part === undefined && target?.stats.size === size) this.untouched = [];
  }

  /** Whether `untouched` has every block of the file. */
  get isAllUntouched(): boolean {
    const last = this.untouched?.at(-1);
    return (
      last !== undefined && last.first + last.hashes.length / HASH_BYTES === blocksOf(this.#size)
    );
  }

  /** Opens what is here for some comparisons; what cannot be read counts as not here. */
  open(): OpenBasis {
    return new OpenBasis(
      this.#size,
      { fd: openQuietly(this.#partPath), blocks: this.#partBlocks },
      { fd: openQuietly(this.target?.full), blocks: this.#targetBlocks },
    );
  }

  /** Opens the target if it is what it was when it was first looked at. */
  openUnchangedTarget(): number | undefined {
    const fd = openQuietly(this.target?.full);
    if (fd === undefined || this.target === undefined) return undefined;
    const [now, then] = [fstatSync(fd), this.target.stats];
    const same =
      now.isFile() &&
      now.dev === then.dev &&
      now.ino === then.ino &&
      now.size === then.size &&
      now.mtimeMs === then.mtimeMs &&
      now.ctimeMs === then.ctimeMs;
    if (same) return fd;
    closeSync(fd);
    return undefined;
  }
}

interface Source {
  readonly fd: number | undefined;
  readonly blocks: number;
}

/** A basis with its files open; close it. */
export class OpenBasis {
  readonly #size: number;
  readonly #part: Source;
  readonly #target: Source;

  constructor(size: number, part: Source, target: Source) {
    this.#size = size;
    this.#part = part;
    this.#target = target;
  }

  /** Looks for a block with this hash. Errors of the disk count as not found. */
  async find(block: number, hash: Uint8Array, buffer: BlockBuffer): Promise<Found> {
    if (await this.#has(this.#part, block, hash, buffer)) return 'in-part';
    return (await this.#has(this.#target, block, hash, buffer)) ? 'in-buffer' : 'nowhere';
  }

  close(): void {
    for (const { fd } of [this.#part, this.#target]) if (fd !== undefined) closeSync(fd);
  }

  async #has({ fd, blocks }: Source, block: number, hash: Uint8Array, buffer: BlockBuffer) {
    if (fd === undefined || block >= blocks) return false;
    const length = blockLength(this.#size, block);
    if (!(await readBlock(fd, buffer.block, length, block * BLOCK_BYTES))) return false;
    return (await buffer.hash(length)).equals(hash);
  }
}

/** @returns whether there were so many bytes */
async function readBlock(
  fd: number,
  into: Uint8Array,
  length: number,
  position: number,
): Promise<boolean> {
  for (let done = 0; done < length;) {
    const [left, at] = [length - done, position + done];
    const got =
      left <= BLOCKING_BYTES
        ? readNow(fd, into, done, left, at)
        : await readLater(fd, into, done, left, at);
    if (got === 0) return false;
    done += got;
  }
  return true;
}

/** @returns 0 for the end of the file and for errors */
function readNow(fd: number, into: Uint8Array, at: number, length: number, position: number) {
  try {
    return readSync(fd, into, at, length, position);
  } catch {
    return 0;
  }
}

/** As `readNow`, on another thread. */
function readLater(fd: number, into: Uint8Array, at: number, length: number, position: number) {
  return new Promise<number>((resolve) => {
    read(fd, into, at, length, position, (error, count) => resolve(error ? 0 : count));
  });
}

function openQuietly(path: string | undefined): number | undefined {
  if (path === undefined) return undefined;
  try {
    return openSync(path, READ_FLAGS);
  } catch {
    return undefined;
  }
}
