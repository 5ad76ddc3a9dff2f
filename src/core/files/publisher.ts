/**
 * A thread that gives final names. With thousands of small files the system takes a third of their time for
 * that, and the second core has nothing else to do once the sender is done.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { deferred, type Deferred } from '../async.js';
import { CrocError } from '../errors.js';
import { encodeMoves, type Move } from './moves.js';

/** From so many files on the thread saves more than the 16 ms of a processor that it takes to start. */
const WORTH_FILES = 2000;
/** Room of the thread for objects that were just made, in MiB: it has hundreds of paths at a time. */
const YOUNG_MIB = 2;

/** What the thread starts with. */
export interface PublisherData {
  /** One number in memory that both threads see: not 0 = no further name is given. */
  readonly halted: Int32Array;
}

/** The thread, as seen from the one that asks it. */
export class Publisher {
  readonly #worker: Worker;
  readonly #halted = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  /** What it was asked for and has not answered, in order. */
  readonly #asked: Deferred<number>[] = [];
  #runs = false;

  private constructor(file: string) {
    const workerData: PublisherData = { halted: this.#halted };
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MIB };
    const worker = new Worker(file, {
      name: 'croc names',
      execArgv: [],
      resourceLimits,
      workerData,
    });
    this.#worker = worker;
    worker.on('message', (named: number) => this.#onMessage(named));
    // Its exit follows, and says enough.
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      this.#runs = false;
      const error = new CrocError('internal', { detail: 'the thread for names ended' });
      for (const answer of this.#asked.splice(0)) answer.reject(error);
    });
    worker.unref();
  }

  /**
   * Starts the thread, if it is worth it; the caller goes on meanwhile.
   *
   * @param file - the built publisherThread.ts
   * @param files - how many there will be
   * @returns undefined also when the system has no thread to give
   */
  static start(file: string, files: number): Publisher | undefined {
    if (files < WORTH_FILES || availableParallelism() < 2) return undefined;
    try {
      return new Publisher(file);
    } catch {
      return undefined;
    }
  }

  /** Whether it can be asked now: not before it runs, nor once it was halted or has ended. */
  get isReady(): boolean {
    return this.#runs && Atomics.load(this.#halted, 0) === 0;
  }

  /**
   * Gives files their names, in order. Stops for good at the first one that no hard link can be made for, which
   * is then as it was.
   *
   * @returns how many have their name now
   * @throws CrocError `internal` when the thread ended in the middle
   */
  name(moves: readonly Move[]): Promise<number> {
    const answer = deferred<number>();
    // Who waits for an earlier answer first hears the same.
    answer.promise.catch(() => undefined);
    this.#asked.push(answer);
    this.#worker.ref();
    this.#worker.postMessage(encodeMoves(moves));
    return answer.promise;
  }

  /** Lets it give no further name; what it was asked for is still answered. */
  halt(): void {
    Atomics.store(this.#halted, 0, 1);
  }

  /** Ends the thread. Call it when nothing is being asked. */
  async end(): Promise<void> {
    this.#runs = false;
    await this.#worker.terminate();
  }

  /** The first word says that it runs. */
  #onMessage(named: number): void {
    const answer = this.#asked.shift();
    if (answer === undefined) this.#runs = true;
    else answer.resolve(named);
    if (this.#asked.length === 0) this.#worker.unref();
  }
}
