/**
 * The sender's half of comparing: hashes of the blocks that the recipient may have, told while other
 * files are on their way already. It runs at most `MAX_UNJUDGED_BLOCKS` ahead of the recipient's word
 * about them, so nothing is held that grows with the size of the files.
 */
import { deferred } from '../async.js';
import { CrocError } from '../errors.js';
import { BLOCK_BYTES, BlockBuffer, HASH_BYTES, blockLength } from '../files/blocks.js';
import { SourceFile, readSmallFile } from '../files/source.js';
import type { WalkEntry } from '../files/walk.js';
import type { ControlOf } from '../wire/control.js';
import { MAX_UNJUDGED_BLOCKS } from '../wire/limits.js';

/** Blocks that are read and hashed at a time. */
const PARALLEL = 4;
/** Blocks in one `hashes` message: the recipient begins to compare after so many. */
const BLOCKS_PER_MESSAGE = 64;

/** The hashes of some blocks of one file: entry, first block, hashes. */
type Run = ControlOf<'hashes'>['runs'][number];

/** Hashes what is to be compared, in the order of the offer. */
export class Hashing {
  readonly #entries: readonly WalkEntry[];
  readonly #bases: ReadonlyMap<number, number>;
  readonly #tell: (message: ControlOf<'hashes'>) => Promise<void>;
  readonly #buffers: readonly BlockBuffer[];
  /** Entry → blocks whose hashes were told and that were not judged. */
  readonly #pending = new Map<number, number>();
  #unjudged = 0;
  #room = deferred<undefined>();
  #stopped = false;

  /**
   * @param bases - entry → how many of its blocks to hash, from the first
   * @param salt - from the recipient's answer
   * @param tell - sends a message; waits for room
   */
  constructor(
    entries: readonly WalkEntry[],
    bases: ReadonlyMap<number, number>,
    salt: Uint8Array,
    tell: (message: ControlOf<'hashes'>) => Promise<void>,
  ) {
    this.#entries = entries;
    this.#bases = bases;
    this.#tell = tell;
    this.#buffers = Array.from({ length: PARALLEL }, () => new BlockBuffer(salt));
  }

  /** Runs until every hash is told. @throws CrocError what is wrong with a file, or the connection */
  async run(): Promise<void> {
    let runs: Run[] = [];
    let held = 0;
    for (const [entry, first, count] of this.#groups()) {
      while (this.#unjudged + held + count > MAX_UNJUDGED_BLOCKS) {
        if (held > 0) await this.#send(runs.splice(0));
        held = 0;
        if (this.#unjudged + count > MAX_UNJUDGED_BLOCKS) await this.#room.promise;
        if (this.#stopped) return;
      }
      const hashes = await this.#hash(entry, first, count);
      if (this.#stopped) return;
      runs.push([entry, first, hashes.toString('base64')]);
      held += count;
      if (held < BLOCKS_PER_MESSAGE) continue;
      await this.#send(runs);
      runs = [];
      held = 0;
    }
    if (held > 0) await this.#send(runs);
  }

  /**
   * Notes that the recipient has looked for the next `count` blocks of a file.
   *
   * @throws CrocError `protocol_error` when it was not told their hashes
   */
  judged(entry: number, count: number): void {
    const left = (this.#pending.get(entry) ?? 0) - count;
    if (left < 0 || count < 1)
      throw new CrocError('protocol_error', { detail: 'blocks that were not compared' });
    if (left > 0) this.#pending.set(entry, left);
    else this.#pending.delete(entry);
    this.#unjudged -= count;
    this.#wake();
  }

  /** Ends `run` soon. */
  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  *#groups(): Generator<[entry: number, first: number, count: number]> {
    for (const [entry, blocks] of this.#bases)
      for (let first = 0; first < blocks; first += BLOCKS_PER_MESSAGE)
        yield [entry, first, Math.min(BLOCKS_PER_MESSAGE, blocks - first)];
  }

  async #send(runs: Run[]): Promise<void> {
    for (const [entry, , hashes] of runs) {
      const count = Buffer.byteLength(hashes, 'base64') / HASH_BYTES;
      this.#pending.set(entry, (this.#pending.get(entry) ?? 0) + count);
      this.#unjudged += count;
    }
    await this.#tell({ t: 'hashes', runs });
  }

  async #hash(entry: number, first: number, count: number): Promise<Buffer> {
    const file = this.#entries[entry];
    if (!file) throw new CrocError('internal', { detail: `no entry ${entry}` });
    const [small] = this.#buffers;
    if (small && file.size <= BLOCK_BYTES) return small.hash(readSmallFile(file, small.block, 0));
    const hashes = Buffer.allocUnsafe(count * HASH_BYTES);
    const source = SourceFile.open(file);
    let next = 0;
    const ends = await Promise.allSettled(
      this.#buffers.map(async (buffer) => {
        for (let at = next++; at < count && !this.#stopped; at = next++) {
          const length = blockLength(file.size, first + at);
          await source.read((first + at) * BLOCK_BYTES, buffer.block, length);
          hashes.set(await buffer.hash(length), at * HASH_BYTES);
        }
      }),
    );
    source.close();
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    return hashes;
  }

  #wake(): void {
    const room = this.#room;
    this.#room = deferred();
    room.resolve(undefined);
  }
}
