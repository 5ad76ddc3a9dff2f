/**
 * From whole to final. Whole files wait in a batch and are then flushed together, several at a time,
 * so that the disk's journal takes many with one write. Only a file whose content is on the disk gets
 * its final name, so after a crash at any moment a final name holds the old file or the new one,
 * never a part. The names themselves are on the disk once their folders were flushed, which is done
 * once a folder, before *done* is said.
 *
 * Two batches exist at most: one being flushed and one being filled. Who adds to a full one waits.
 */
import { inParallel } from './flushing.js';
import type { Naming, WholeFile } from './naming.js';
import { Patience } from './patience.js';

/** Two batches of open files and those being written stay below 300 descriptors together. */
const BATCH_FILES = 120;
const BATCH_BYTES = 64 * 1024 * 1024;

/** Flushes whole files and gives them their final names. */
export class Committer {
  readonly #naming: Naming;
  readonly #disk = Patience.forFlushes();
  #batch: WholeFile[] = [];
  #bytes = 0;
  /** The batch that is being flushed, and its end, which never rejects. */
  #running: { readonly ended: Promise<void> } | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(naming: Naming) {
    this.#naming = naming;
  }

  /** Takes a whole file. @returns a promise to wait for before more are added, if there is no room */
  add(file: WholeFile): Promise<void> | undefined {
    this.#check();
    this.#batch.push(file);
    this.#bytes += file.size;
    return this.room();
  }

  /** What to wait for before more files are begun; undefined when there is room. @throws CrocError */
  room(): Promise<void> | undefined {
    if (!this.#isFull()) return undefined;
    this.#check();
    if (this.#running !== undefined) return this.#waitForRoom();
    this.#start();
    return undefined;
  }

  /** Resolves when everything added so far has its final name. @throws CrocError */
  async flush(): Promise<void> {
    while (this.#running !== undefined || this.#batch.length > 0) {
      if (this.#running === undefined) this.#start();
      await this.#running?.ended;
      this.#check();
    }
    await this.#naming.idle();
  }

  /** Stops after the step that runs and removes what has no final name yet. Never throws. @param keep - as in `WrittenFile` */
  async discard(keep: boolean): Promise<void> {
    this.#failure ??= { error: new Error('discarded') };
    const stopped = this.#naming.stop();
    await this.#running?.ended;
    for (const { part } of [...(await stopped), ...this.#batch]) await part.discard(keep);
    this.#batch = [];
  }

  async #waitForRoom(): Promise<void> {
    while (this.#isFull()) {
      if (this.#running === undefined) this.#start();
      else await this.#running.ended;
      this.#check();
    }
  }

  #isFull(): boolean {
    return this.#batch.length >= BATCH_FILES || this.#bytes >= BATCH_BYTES;
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#naming.check();
  }

  #start(): void {
    const files = this.#batch;
    this.#batch = [];
    this.#bytes = 0;
    const ended = this.#commit(files).then(
      () => {
        this.#running = undefined;
      },
      (error: unknown) => {
        this.#failure ??= { error };
        // What was not handed on is kept for `discard`.
        this.#batch = [...files, ...this.#batch];
        this.#running = undefined;
      },
    );
    this.#running = { ended };
  }

  async #commit(files: WholeFile[]): Promise<void> {
    this.#check();
    const slow = files.filter(({ part }) => !part.flushNow(this.#disk));
    await inParallel(slow, ({ part }) => {
      this.#check();
      return part.flush();
    });
    this.#check();
    await this.#naming.add(files.splice(0));
  }
}
