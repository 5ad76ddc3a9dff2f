/**
 * In which records the wanted files go: large files in pieces of a whole record, small ones packed
 * together, so that no file costs a record or a round trip of its own. Planning touches no disk, so
 * every lane can ask for its next batch at any moment.
 */
import type { WalkEntry } from '../files/walk.js';
import { MAX_PAYLOAD_BYTES, MAX_PIECES } from '../wire/limits.js';

/** A file up to this size goes whole in one piece, together with others. */
export const SMALL_FILE_BYTES = 256 * 1024;

/** A piece that is still to be read. */
export interface PlannedPiece {
  readonly entry: number;
  readonly file: WalkEntry;
  readonly offset: number;
  readonly length: number;
}

/** Several whole small files, or one piece of a large one. */
export type Batch =
  | { readonly kind: 'small'; readonly pieces: readonly PlannedPiece[] }
  | { readonly kind: 'large'; readonly piece: PlannedPiece };

/** Hands out batches in the order of the offer. */
export class SendPlan {
  readonly #entries: readonly WalkEntry[];
  readonly #wanted: readonly number[];
  #next = 0;
  #offset = 0;

  /** @param wanted - indices of files, ascending */
  constructor(entries: readonly WalkEntry[], wanted: readonly number[]) {
    this.#entries = entries;
    this.#wanted = wanted;
  }

  /** The next batch; undefined when everything was handed out. */
  next(): Batch | undefined {
    const pieces: PlannedPiece[] = [];
    let bytes = 0;
    for (;;) {
      const piece = this.#peek();
      if (!piece || piece.file.size > SMALL_FILE_BYTES) break;
      if (bytes + piece.length > MAX_PAYLOAD_BYTES || pieces.length === MAX_PIECES) break;
      pieces.push(piece);
      bytes += piece.length;
      this.#next += 1;
    }
    return pieces.length > 0 ? { kind: 'small', pieces } : this.#nextLarge();
  }

  #nextLarge(): Batch | undefined {
    const piece = this.#peek();
    if (!piece) return undefined;
    this.#offset += piece.length;
    if (this.#offset === piece.file.size) {
      this.#offset = 0;
      this.#next += 1;
    }
    return { kind: 'large', piece };
  }

  #peek(): PlannedPiece | undefined {
    const entry = this.#wanted[this.#next];
    const file = entry === undefined ? undefined : this.#entries[entry];
    if (entry === undefined || !file) return undefined;
    const length = Math.min(MAX_PAYLOAD_BYTES, file.size - this.#offset);
    return { entry, file, offset: this.#offset, length };
  }
}
