/** Writes a file that comes in order, in large pieces, and lets it have its name only if its hash is right. */
import { CrocError } from '../errors.js';
import type { Destination } from '../files/destination.js';
import type { CrocFile } from '../wire/crocOffer.js';
import type { FileHash } from './hashes.js';

/** Bytes of one write. */
const BLOCK_BYTES = 1024 * 1024;

/** One file on its way to the disk. */
export class FileWriter {
  readonly #destination: Destination;
  readonly #file: CrocFile;
  readonly #size: number;
  readonly #hash: FileHash | undefined;
  #parts: Buffer[] = [];
  #partBytes = 0;
  #written = 0;

  /** @param hash - compared with the sender's at the end; undefined to compare nothing */
  constructor(destination: Destination, file: CrocFile, size: number, hash: FileHash | undefined) {
    this.#destination = destination;
    this.#file = file;
    this.#size = size;
    this.#hash = hash;
  }

  /**
   * Takes the next bytes of the file; wait for the promise before the next ones.
   *
   * @throws CrocError `file_changed` when the last byte is there and the hash is another, and as the destination
   */
  write(bytes: Buffer): Promise<void> | undefined {
    this.#hash?.update(bytes);
    this.#parts.push(bytes);
    this.#partBytes += bytes.length;
    const isLast = this.#written + this.#partBytes === this.#size;
    if (!isLast && this.#partBytes < BLOCK_BYTES) return undefined;
    if (isLast && this.#hash && !this.#hash.digest().equals(this.#file.hash))
      throw new CrocError('file_changed');
    const block = Buffer.concat(this.#parts);
    const offset = this.#written;
    this.#parts = [];
    this.#partBytes = 0;
    this.#written += block.length;
    const { entry } = this.#file;
    if (block.length === this.#size) return this.#destination.writeWhole(entry, block);
    return this.#destination.writeAt(entry, offset, block, isLast);
  }
}
