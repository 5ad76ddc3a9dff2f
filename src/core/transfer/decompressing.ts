/** Compressed records that are being worked on: one a lane at a time, so that memory stays bounded. */
import { decompress } from '../wire/compressed.js';
import { release } from '../wire/memory.js';

/** Decompresses what comes on the lanes, each lane's records in order. */
export class Decompressing {
  /** Lane → when all of its records so far are done with. */
  readonly #byLane = new Map<number, Promise<void>>();
  readonly #take: (plaintext: Buffer, sentBytes: number) => Promise<void> | undefined;
  readonly #fail: (error: unknown) => void;
  #stopped = false;

  /**
   * @param take - gets a record's plaintext, which is freed when its promise settles, and how long the record was
   * @param fail - told what is wrong with a record, or what `take` throws
   */
  constructor(
    take: (plaintext: Buffer, sentBytes: number) => Promise<void> | undefined,
    fail: (error: unknown) => void,
  ) {
    this.#take = take;
    this.#fail = fail;
  }

  /** Takes the next record of a lane. Resolves when it is done with, never rejects. */
  add(lane: number, record: Buffer): Promise<void> {
    const before = this.#byLane.get(lane);
    const all = this.#work(before, record).catch((error: unknown) => this.#fail(error));
    this.#byLane.set(lane, all);
    return all;
  }

  /** Undefined when nothing is being worked on. */
  get pending(): Promise<unknown> | undefined {
    return this.#byLane.size === 0 ? undefined : Promise.all(this.#byLane.values());
  }

  /** What has not been begun is dropped. */
  stop(): void {
    this.#stopped = true;
  }

  async #work(before: Promise<void> | undefined, record: Buffer): Promise<void> {
    await before;
    if (this.#stopped) return;
    const plaintext = await decompress(record);
    await this.#take(plaintext, record.length);
    release(plaintext);
  }
}
