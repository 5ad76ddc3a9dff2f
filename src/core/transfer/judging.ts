/** The recipient's half of comparing: looks for the blocks whose hashes come, and tells which it lacks. */
import { CrocError } from '../errors.js';
import { HASH_BYTES, blockLength } from '../files/blocks.js';
import type { BasisSize, Destination } from '../files/destination.js';
import type { OfferEntry } from '../types.js';
import type { ControlOf } from '../wire/control.js';
import { MAX_RUNS, MAX_UNJUDGED_BLOCKS } from '../wire/limits.js';

/** What happens with what was judged. */
export interface JudgingEvents {
  /** Sends a message; waits for room. */
  readonly tell: (message: ControlOf<'judged'>) => Promise<void>;
  /** So many bytes of the file are here and will not come. */
  readonly onFound: (entry: number, bytes: number) => void;
}

/** Judges blocks in the order in which their hashes come. */
export class Judging {
  readonly #destination: Destination;
  readonly #entries: readonly OfferEntry[];
  readonly #events: JudgingEvents;
  /** Entry → the block whose hash comes next, and how many there are. */
  readonly #expected = new Map<number, { next: number; readonly blocks: number }>();
  #unjudged = 0;

  /** @param bases - what the sender was told to compare */
  constructor(
    destination: Destination,
    entries: readonly OfferEntry[],
    bases: readonly BasisSize[],
    events: JudgingEvents,
  ) {
    this.#destination = destination;
    this.#entries = entries;
    this.#events = events;
    for (const { index, blocks } of bases) this.#expected.set(index, { next: 0, blocks });
  }

  /**
   * Checks hashes that came, at once.
   *
   * @throws CrocError `protocol_error` when they were not asked for, or come out of order, or are more
   * than may be on their way
   */
  accept({ runs }: ControlOf<'hashes'>): void {
    for (const [entry, first, hashes] of runs) {
      const count = Buffer.byteLength(hashes, 'base64') / HASH_BYTES;
      const expected = this.#expected.get(entry);
      if (expected?.next !== first || first + count > expected.blocks)
        throw new CrocError('protocol_error', { detail: 'hashes that nobody waits for' });
      expected.next += count;
      this.#unjudged += count;
      if (expected.next === expected.blocks) this.#expected.delete(entry);
    }
    if (this.#unjudged > MAX_UNJUDGED_BLOCKS)
      throw new CrocError('protocol_error', { detail: 'too many hashes at a time' });
  }

  /** Compares hashes that `accept` took, and tells the sender. One call at a time. @throws CrocError */
  async judge({ runs }: ControlOf<'hashes'>): Promise<void> {
    let judged: ControlOf<'judged'>['runs'] = [];
    for (const [entry, first, hashes] of runs) {
      const found = await this.#destination.compare(entry, first, Buffer.from(hashes, 'base64'));
      this.#events.onFound(entry, this.#bytesFound(entry, first, found));
      this.#unjudged -= found.length;
      for (const [same, lacking] of runsOf(found)) judged.push([entry, same, lacking]);
      if (judged.length < MAX_RUNS / 2) continue;
      await this.#events.tell({ t: 'judged', runs: judged });
      judged = [];
    }
    if (judged.length > 0) await this.#events.tell({ t: 'judged', runs: judged });
  }

  #bytesFound(entry: number, first: number, found: readonly boolean[]): number {
    const size = this.#entries[entry]?.size ?? 0;
    let bytes = 0;
    for (const [at, is] of found.entries()) if (is) bytes += blockLength(size, first + at);
    return bytes;
  }
}

/** `[found, lacking]` for one run after another: so many are here, then so many are not. */
export function runsOf(found: readonly boolean[]): [number, number][] {
  const runs: [number, number][] = [];
  let run: [number, number] = [0, 0];
  for (const is of found) {
    if (is && run[1] > 0) {
      runs.push(run);
      run = [0, 0];
    }
    run[is ? 0 : 1] += 1;
  }
  if (found.length > 0) runs.push(run);
  return runs;
}
