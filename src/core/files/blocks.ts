/**
 * Blocks of files and their hashes: how two disks find out what they have in common. A block is
 * hashed behind a salt that is new in every transfer, so nobody who made a file long ago could make
 * two blocks that are taken for each other; then 128 bits are enough.
 */
import { createHash, webcrypto } from 'node:crypto';

/** Bytes of a block; the last one of a file may be shorter. Block k begins at k times this. */
export const BLOCK_BYTES = 256 * 1024;
/** Bytes of a hash: the first of SHA-256(salt ‖ block). */
export const HASH_BYTES = 16;
/** Bytes of a transfer's salt. */
export const SALT_BYTES = 16;

/** Up to this many bytes hashing at once is cheaper than another thread's attention. */
const BLOCKING_BYTES = 32 * 1024;

/** How many blocks a file of `size` bytes has. */
export function blocksOf(size: number): number {
  return Math.ceil(size / BLOCK_BYTES);
}

/**
 * How many blocks of a file of `size` bytes lie wholly in its first `held` bytes. The last, shorter
 * block counts when everything is held.
 */
export function blocksWithin(size: number, held: number): number {
  return held >= size ? blocksOf(size) : Math.floor(held / BLOCK_BYTES);
}

/** Bytes of block `block` in a file of `size` bytes. */
export function blockLength(size: number, block: number): number {
  return Math.max(0, Math.min(BLOCK_BYTES, size - block * BLOCK_BYTES));
}

/** Room for one block, with the salt in front, so that both are hashed in one go. */
export class BlockBuffer {
  /** Read a block into this. */
  readonly block: Buffer<ArrayBuffer>;
  readonly #whole: Buffer<ArrayBuffer>;

  /** @param salt - `SALT_BYTES` bytes, the same on both sides */
  constructor(salt: Uint8Array) {
    this.#whole = Buffer.allocUnsafeSlow(SALT_BYTES + BLOCK_BYTES);
    this.#whole.set(salt.subarray(0, SALT_BYTES));
    this.block = this.#whole.subarray(SALT_BYTES);
  }

  /** Hashes the first `length` bytes of `block`, many of them on another thread. @returns `HASH_BYTES` bytes */
  async hash(length: number): Promise<Buffer> {
    const bytes = this.#whole.subarray(0, SALT_BYTES + length);
    if (length <= BLOCKING_BYTES)
      return createHash('sha256').update(bytes).digest().subarray(0, HASH_BYTES);
    const digest = await webcrypto.subtle.digest('SHA-256', bytes);
    return Buffer.from(digest, 0, HASH_BYTES);
  }
}
