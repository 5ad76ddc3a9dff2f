/** Which bytes of a file are there: sorted pieces that never touch or overlap. */
import { CrocError } from '../errors.js';

/** Pieces one file may fall into at a time; lanes run in step, so an honest sender stays far below. */
export const MAX_PIECES = 4096;

/** One run of bytes. */
export interface Piece {
  /** First byte, from 0. */
  readonly offset: number;
  /** Bytes, at least 1. */
  readonly length: number;
}

/** Remembers which bytes of one file have come. */
export class Coverage {
  readonly #size: number;
  /** Piece i is [starts[i], ends[i]). */
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #bytes = 0;

  /** @param size - bytes of the whole file, a safe integer ≥ 0 */
  constructor(size: number) {
    this.#size = size;
  }

  /**
   * Notes that `length` bytes at `offset` are there.
   *
   * @throws CrocError `protocol_error` when they are empty, lie outside the file, are partly there
   * already, or would make more than 4096 pieces; nothing is noted then
   */
  add(offset: number, length: number): void {
    const end = offset + length;
    const sound = Number.isSafeInteger(offset) && Number.isSafeInteger(length);
    if (!sound || offset < 0 || length < 1 || end > this.#size)
      throw new CrocError('protocol_error', { detail: 'a piece outside its file' });
    const at = this.#firstStartAfter(offset);
    const before = at === 0 ? -1 : (this.#ends[at - 1] ?? -1);
    const after = this.#starts[at] ?? Infinity;
    if (before > offset || after < end)
      throw new CrocError('protocol_error', { detail: 'a piece that came twice' });
    this.#insert(at, offset, end, before === offset, after === end);
    this.#bytes += length;
  }

  /** Whether every byte is there; an empty file is complete at once. */
  get complete(): boolean {
    return this.#bytes === this.#size;
  }

  /** How many bytes are there. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What is there, in order, with gaps between. */
  pieces(): readonly Piece[] {
    return this.#starts.map((offset, i) => ({ offset, length: (this.#ends[i] ?? 0) - offset }));
  }

  #insert(at: number, start: number, end: number, joinsBefore: boolean, joinsAfter: boolean): void {
    if (joinsBefore && joinsAfter) {
      this.#ends.splice(at - 1, 1);
      this.#starts.splice(at, 1);
    } else if (joinsBefore) {
      this.#ends[at - 1] = end;
    } else if (joinsAfter) {
      this.#starts[at] = start;
    } else {
      if (this.#starts.length >= MAX_PIECES)
        throw new CrocError('protocol_error', { detail: 'a file in too many pieces' });
      this.#starts.splice(at, 0, start);
      this.#ends.splice(at, 0, end);
    }
  }

  /** Index of the first piece that starts after `offset`; binary search. */
  #firstStartAfter(offset: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
