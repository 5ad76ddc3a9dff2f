/**
 * Comparing what is here with what comes, block by block. The sender's hashes come in the order of a
 * file's blocks; a block that is here goes to its place in the partial file, from memory that was
 * just hashed, so what was found equal is what is kept.
 */
import { CrocError } from '../errors.js';
import type { Basis } from './basis.js';
import { type FoundBlocks, type OpenBasis } from './basis.js';
import { BLOCK_BYTES, BlockBuffer, HASH_BYTES, blockLength } from './blocks.js';

/** Blocks that are read and hashed at a time. */
const PARALLEL = 4;
/** Blocks of a file whose hashes are kept for the case that it need not be copied: 1 MiB of hashes. */
const MAX_UNTOUCHED = 65_536;

/** What is done with blocks that are here. */
export interface BlockKeeper {
  /** The block is in its place already. */
  inPlace(index: number, offset: number, length: number): void;
  /** The block is to be written. */
  write(index: number, offset: number, data: Uint8Array): Promise<void>;
}

interface Block {
  readonly block: number;
  readonly hash: Buffer;
}

/** Compares the files of one destination. */
export class Comparing {
  readonly #bases: ReadonlyMap<number, Basis>;
  readonly #keeper: BlockKeeper;
  readonly #buffers: readonly BlockBuffer[];

  /** @param bases - by place in the offer @param salt - of this transfer's hashes */
  constructor(bases: ReadonlyMap<number, Basis>, salt: Uint8Array, keeper: BlockKeeper) {
    this.#bases = bases;
    this.#keeper = keeper;
    this.#buffers = Array.from({ length: PARALLEL }, () => new BlockBuffer(salt));
  }

  /**
   * Looks for the blocks with these hashes and keeps what is found. One call at a time.
   *
   * @param size - bytes of the file
   * @param first - number of the first block
   * @param hashes - one after another
   * @returns for each block whether it is here now
   * @throws CrocError what the disk says; `write_failed` when the file that was compared with was
   * changed by somebody else in between
   */
  async compare(index: number, size: number, first: number, hashes: Buffer): Promise<boolean[]> {
    const basis = this.#basis(index);
    const blocks = Array.from({ length: hashes.length / HASH_BYTES }, (_, at) => ({
      block: first + at,
      hash: hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
    }));
    const open = basis.open();
    try {
      const found = new Array<boolean>(blocks.length).fill(false);
      await this.#each(blocks, async ({ block, hash }, buffer) => {
        found[block - first] = await this.#keep(index, size, block, hash, { basis, open, buffer });
      });
      if (basis.untouched !== undefined)
        await this.#settle(index, size, { basis, open }, { first, hashes }, found);
      return found;
    } finally {
      open.close();
    }
  }

  async #keep(
    index: number,
    size: number,
    block: number,
    hash: Buffer,
    { basis, open, buffer }: { basis: Basis; open: OpenBasis; buffer: BlockBuffer },
  ): Promise<boolean> {
    const [offset, length] = [block * BLOCK_BYTES, blockLength(size, block)];
    const where = await open.find(block, hash, buffer);
    if (where === 'in-part') this.#keeper.inPlace(index, offset, length);
    if (where === 'in-buffer' && basis.untouched === undefined)
      await this.#keeper.write(index, offset, buffer.block.subarray(0, length));
    return where !== 'nowhere';
  }

  /** Goes on copying nothing, or, once a block differs, copies all that was found until now. */
  async #settle(
    index: number,
    size: number,
    { basis, open }: { basis: Basis; open: OpenBasis },
    group: FoundBlocks,
    found: boolean[],
  ): Promise<void> {
    const untouched = basis.untouched ?? [];
    const end = group.first + found.length;
    if (found.every(Boolean) && end <= MAX_UNTOUCHED) {
      untouched.push(group);
      return;
    }
    basis.untouched = undefined;
    const blocks = [...untouched, group].flatMap(({ first, hashes }) =>
      Array.from({ length: hashes.length / HASH_BYTES }, (_, at) => ({
        block: first + at,
        hash: hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
      })),
    );
    const wanted = blocks.filter(({ block }) => block < group.first || found[block - group.first]);
    await this.#each(wanted, async ({ block, hash }, buffer) => {
      if (await this.#keep(index, size, block, hash, { basis, open, buffer })) return;
      // The peer was told already that the earlier ones are here.
      if (block < group.first) throw changed(basis);
      found[block - group.first] = false;
    });
  }

  async #each(
    blocks: readonly Block[],
    work: (block: Block, buffer: BlockBuffer) => Promise<void>,
  ): Promise<void> {
    let next = 0;
    const ends = await Promise.allSettled(
      this.#buffers.map(async (buffer) => {
        for (let one = blocks[next++]; one !== undefined; one = blocks[next++])
          await work(one, buffer);
      }),
    );
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  #basis(index: number): Basis {
    const basis = this.#bases.get(index);
    if (basis === undefined)
      throw new CrocError('protocol_error', { detail: 'hashes of a file that is not here' });
    return basis;
  }
}

/** Somebody else changed a file while it was compared. */
export function changed(basis: Basis): CrocError {
  const detail = `${basis.target?.path ?? 'a file'} was changed meanwhile`;
  return new CrocError('write_failed', { detail });
}
