/**
 * Puts the chunks of a file into order. Each connection carries its chunks in order, but one may be ahead of
 * another; how far is bounded by making the one that is ahead wait.
 */
import { deferred } from '../async.js';
import type { Deferred } from '../async.js';
import { CrocError } from '../errors.js';
import { CROC_CHUNK_BYTES } from '../wire/crocChunk.js';
import type { CrocChunk } from '../wire/crocChunk.js';

/** How far a chunk may be ahead, in bytes. */
const WINDOW_BYTES = 4 * 1024 * 1024;

/** The chunks of one file. */
export class InOrder {
  readonly #fileBytes: number;
  readonly #take: (bytes: Buffer) => Promise<void> | undefined;
  readonly #held = new Map<number, Buffer>();
  readonly #done = deferred<undefined>();
  #next = 0;
  #moved: Deferred<undefined> = deferred();
  #taking = false;

  /** @param take - gets every byte in order; a promise makes the senders wait */
  constructor(fileBytes: number, take: (bytes: Buffer) => Promise<void> | undefined) {
    this.#fileBytes = fileBytes;
    this.#take = take;
  }

  /** Resolves when the last byte was taken; rejects with what `take` threw, or `fail` was given. */
  get done(): Promise<undefined> {
    return this.#done.promise;
  }

  /** Stops. */
  fail(error: unknown): void {
    this.#done.reject(error);
  }

  /**
   * Takes a chunk; resolves when its connection may go on.
   *
   * @throws CrocError `protocol_error` when the chunk came before
   */
  async add({ position, bytes }: CrocChunk): Promise<void> {
    if (position < this.#next || this.#held.has(position))
      throw new CrocError('protocol_error', { detail: 'a chunk that came twice' });
    this.#held.set(position, bytes);
    if (position === this.#next) await this.#drain();
    while (position - this.#next > WINDOW_BYTES) await this.#moved.promise;
  }

  async #drain(): Promise<void> {
    if (this.#taking) return;
    this.#taking = true;
    try {
      for (let bytes = this.#pull(); bytes; bytes = this.#pull()) {
        const wait = this.#take(bytes);
        if (wait) await wait;
      }
      if (this.#next >= this.#fileBytes) this.#done.resolve(undefined);
    } catch (error) {
      this.#done.reject(error);
    } finally {
      this.#taking = false;
    }
  }

  #pull(): Buffer | undefined {
    const bytes = this.#held.get(this.#next);
    if (bytes === undefined) return undefined;
    this.#held.delete(this.#next);
    this.#next += CROC_CHUNK_BYTES;
    this.#moved.resolve(undefined);
    this.#moved = deferred();
    return bytes;
  }
}
