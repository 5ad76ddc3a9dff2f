/** Reads what is sent: whole small files, pieces of large ones, and once more what a broken connection may have lost. */
import { SourceFile, readSmallFile } from '../files/source.js';
import type { WalkEntry } from '../files/walk.js';
import type { ActiveFile } from '../types.js';
import type { FileData, Piece } from '../wire/data.js';
import type { Batch, PlannedPiece } from './plan.js';

/** Large files that are open at a time; others are opened again when another piece is read. */
const MAX_OPEN = 32;

/** The offered files, as they are read. Every one must still be what was offered. */
export class Reading {
  readonly #entries: readonly WalkEntry[];
  /** Large files that are open, the one used longest ago first. */
  readonly #open = new Map<number, SourceFile>();
  /** Entry → bytes that were neither read for sending nor found with the recipient, once some were. */
  readonly #left = new Map<number, number>();

  constructor(entries: readonly WalkEntry[]) {
    this.#entries = entries;
  }

  /**
   * Reads a batch into a buffer, its pieces one behind the other. The piece of a file that is read last says
   * *verified*.
   *
   * @throws CrocError what is wrong with a file
   */
  read(batch: Batch, buffer: Buffer): Piece[] | Promise<Piece[]> {
    switch (batch.kind) {
      case 'small':
        return readSmall(batch.pieces, buffer);
      case 'large':
        return this.#readLarge(batch.piece, buffer);
      case 'vouch':
        return batch.pieces.map(({ entry, file, offset, length }) => {
          this.#verify(entry, file);
          return { entry, offset, length, verified: true };
        });
    }
  }

  /**
   * Reads what was sent on a connection that broke once more. The file must still be what was offered: a
   * piece that says *verified* said it of all that was read until then, and this is read later.
   *
   * @param pieces - what `read` gave for this batch @throws CrocError what is wrong with a file
   */
  async readAgain(batch: Batch, pieces: readonly Piece[]): Promise<FileData> {
    const bytes = Buffer.allocUnsafeSlow(pieces.reduce((sum, { length }) => sum + length, 0));
    if (batch.kind === 'small') return { pieces: readSmall(batch.pieces, bytes), bytes };
    for (const piece of batch.kind === 'large' ? [batch.piece] : batch.pieces) {
      const source = SourceFile.open(piece.file);
      try {
        if (piece.length > 0) await source.read(piece.offset, bytes, piece.length);
        source.verifyUnchanged();
      } finally {
        source.close();
      }
    }
    return { pieces, bytes };
  }

  /** Notes that bytes of a file were read or need not be. @returns whether these were the last ones */
  settle(entry: number, bytes: number): boolean {
    const left = (this.#left.get(entry) ?? this.#entries[entry]?.size ?? 0) - bytes;
    if (left > 0) this.#left.set(entry, left);
    else this.#left.delete(entry);
    return left === 0;
  }

  /** The large files that were read last, the last one first, `most` at most. */
  active(most: number): ActiveFile[] {
    return [...this.#open.keys()]
      .slice(-most)
      .reverse()
      .flatMap((entry) => {
        const file = this.#entries[entry];
        if (!file) return [];
        const { path, size } = file;
        return [{ path, size, bytes: size - (this.#left.get(entry) ?? size) }];
      });
  }

  /** Closes every file. */
  close(): void {
    for (const source of this.#open.values()) source.close();
    this.#open.clear();
  }

  async #readLarge(piece: PlannedPiece, buffer: Buffer): Promise<Piece[]> {
    const { entry, file, offset, length } = piece;
    await this.#source(entry, file).read(offset, buffer, length);
    const verified = this.settle(entry, length);
    if (verified) this.#verify(entry, file);
    return [{ entry, offset, length, verified }];
  }

  /** Looks once more whether a file of which all was read is as it was offered. @throws CrocError */
  #verify(entry: number, file: WalkEntry): void {
    const source = this.#source(entry, file);
    source.verifyUnchanged();
    source.close();
    this.#open.delete(entry);
  }

  #source(entry: number, file: WalkEntry): SourceFile {
    const source = this.#open.get(entry) ?? SourceFile.open(file);
    // Moves it to the end of the order of use.
    this.#open.delete(entry);
    this.#open.set(entry, source);
    const [oldest] = this.#open;
    if (oldest && this.#open.size > MAX_OPEN) {
      oldest[1].close();
      this.#open.delete(oldest[0]);
    }
    return source;
  }
}

function readSmall(pieces: readonly PlannedPiece[], buffer: Buffer): Piece[] {
  let at = 0;
  return pieces.map(({ entry, file, offset, length }) => {
    at += readSmallFile(file, buffer, at);
    return { entry, offset, length, verified: true };
  });
}
