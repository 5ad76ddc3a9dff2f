/**
 * In which records the wanted files go: large files in pieces of a whole record, small ones packed
 * together, so that no file costs a record or a round trip of its own. Planning touches no disk, so
 * every lane can ask for its next batch at any moment.
 *
 * Of a file of which the recipient may have blocks, only what lies behind these is planned at once;
 * of the blocks themselves those that it turns out to lack, when that is known (`judge`).
 */
import { deferred } from '../async.js';
import { BLOCK_BYTES, blocksOf } from '../files/blocks.js';
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

/**
 * Several whole small files, one piece of a large one, or files of which nothing is left to send but
 * the sender's word that they are as they were offered.
 */
export type Batch =
  | { readonly kind: 'small'; readonly pieces: readonly PlannedPiece[] }
  | { readonly kind: 'large'; readonly piece: PlannedPiece }
  | { readonly kind: 'vouch'; readonly pieces: readonly PlannedPiece[] };

/** Bytes of a file that are to be sent. */
interface Range {
  readonly entry: number;
  offset: number;
  end: number;
}

/** Hands out batches: what the recipient lacks of compared files first, then in the order of the offer. */
export class SendPlan {
  readonly #entries: readonly WalkEntry[];
  readonly #wanted: readonly number[];
  /** Entry → blocks that are compared and not judged yet. */
  readonly #unjudged: Map<number, number>;
  readonly #bases: ReadonlyMap<number, number>;
  /** Ranges of compared files that the recipient lacks. */
  #lacking: Range[] = [];
  #lackingAt = 0;
  #toVouch: number[] = [];
  #next = 0;
  #current: Range | undefined;
  #more = deferred<undefined>();

  /**
   * @param wanted - indices of files, ascending
   * @param bases - entry → how many of its blocks, from the first, are compared, at least 1
   */
  constructor(
    entries: readonly WalkEntry[],
    wanted: readonly number[],
    bases: ReadonlyMap<number, number> = new Map(),
  ) {
    this.#entries = entries;
    this.#wanted = wanted;
    this.#bases = bases;
    this.#unjudged = new Map(bases);
  }

  /**
   * The next batch; undefined when there is none at this moment.
   *
   * @param mostBytes - of the batch, more only for one small file
   */
  next(mostBytes = MAX_PAYLOAD_BYTES): Batch | undefined {
    if (this.#toVouch.length > 0) return this.#vouchBatch();
    const pieces: PlannedPiece[] = [];
    let bytes = 0;
    for (;;) {
      const piece = this.#peek(mostBytes);
      if (!piece || piece.file.size > SMALL_FILE_BYTES) break;
      if (pieces.length > 0 && bytes + piece.length > mostBytes) break;
      if (pieces.length === MAX_PIECES) break;
      pieces.push(piece);
      bytes += piece.length;
      this.#advance(piece);
    }
    if (pieces.length > 0) return { kind: 'small', pieces };
    const piece = this.#peek(mostBytes);
    if (piece) this.#advance(piece);
    return piece && { kind: 'large', piece };
  }

  /** Whether everything was handed out and nothing can come any more. */
  get finished(): boolean {
    return this.#toVouch.length === 0 && this.#unjudged.size === 0 && this.#peek(1) === undefined;
  }

  /** Resolves when `next` may give something again, or all is finished. */
  get more(): Promise<undefined> {
    return this.#more.promise;
  }

  /**
   * Notes that of a file's next compared blocks `same` are there and `lacking` are to be sent.
   *
   * @returns the bytes that are there
   */
  judge(entry: number, same: number, lacking: number): number {
    const left = this.#unjudged.get(entry) ?? 0;
    const size = this.#entries[entry]?.size ?? 0;
    const first = (this.#bases.get(entry) ?? 0) - left;
    const at = (block: number): number => Math.min(size, (first + block) * BLOCK_BYTES);
    if (lacking > 0) this.#add(entry, at(same), at(same + lacking));
    if (left > same + lacking) this.#unjudged.set(entry, left - same - lacking);
    else this.#unjudged.delete(entry);
    this.#wake();
    return at(same) - at(0);
  }

  /** Plans the word that a file of which everything is there is as it was offered. */
  vouch(entry: number): void {
    this.#toVouch.push(entry);
    this.#wake();
  }

  #add(entry: number, offset: number, end: number): void {
    const last = this.#lacking.at(-1);
    if (last?.entry === entry && last.end === offset) last.end = end;
    else this.#lacking.push({ entry, offset, end });
  }

  #wake(): void {
    const more = this.#more;
    this.#more = deferred();
    more.resolve(undefined);
  }

  #vouchBatch(): Batch {
    const pieces = this.#toVouch.splice(0, MAX_PIECES).flatMap((entry) => {
      const file = this.#entries[entry];
      return file ? [{ entry, file, offset: file.size, length: 0 }] : [];
    });
    return { kind: 'vouch', pieces };
  }

  #peek(mostBytes: number): PlannedPiece | undefined {
    const range = this.#lacking[this.#lackingAt] ?? this.#nextInOrder();
    const file = range && this.#entries[range.entry];
    if (!range || !file) return undefined;
    const { entry, offset, end } = range;
    // A small file stays whole.
    const most = file.size > SMALL_FILE_BYTES ? mostBytes : MAX_PAYLOAD_BYTES;
    return { entry, file, offset, length: Math.min(most, end - offset) };
  }

  #nextInOrder(): Range | undefined {
    while (this.#current === undefined) {
      const entry = this.#wanted[this.#next];
      if (entry === undefined) return undefined;
      const end = this.#entries[entry]?.size ?? 0;
      const compared = this.#bases.get(entry) ?? 0;
      if (compared === 0 || compared < blocksOf(end))
        this.#current = { entry, offset: compared * BLOCK_BYTES, end };
      else this.#next += 1;
    }
    return this.#current;
  }

  /** Takes a piece that `#peek` gave. */
  #advance({ length }: PlannedPiece): void {
    const lacking = this.#lacking[this.#lackingAt];
    const range = lacking ?? this.#current;
    if (!range) return;
    range.offset += length;
    if (range.offset < range.end) return;
    if (!lacking) {
      this.#current = undefined;
      this.#next += 1;
      return;
    }
    this.#lackingAt += 1;
    if (this.#lackingAt < this.#lacking.length) return;
    this.#lacking = [];
    this.#lackingAt = 0;
  }
}
