/** The files that are on their way in, with a bound on how many are open at a time. */
import type { PartFile } from './partFile.js';

/** Files that are being written to at a time; others are closed and opened again when needed. */
const MAX_OPEN = 32;

/** All part files of a destination that are not whole, by their place in the offer. */
export class PartFiles {
  readonly #parts = new Map<number, PartFile>();
  /** Those with a descriptor, the one used longest ago first. */
  readonly #open = new Set<PartFile>();
  #waiting: (() => void)[] = [];
  readonly #writes = new Set<Promise<void>>();
  readonly #room: () => Promise<void> | undefined;

  /** @param room - what to wait for before another file is opened, for it may soon be whole */
  constructor(room: () => Promise<void> | undefined) {
    this.#room = room;
  }

  /** The part files, those written to last at the end. */
  get recent(): readonly PartFile[] {
    return [...this.#open];
  }

  get(index: number): PartFile | undefined {
    return this.#parts.get(index);
  }

  /** Takes a part file in; it is not open yet. */
  add(part: PartFile): void {
    this.#parts.set(part.index, part);
  }

  /** Gives a part file away, with its descriptor. */
  release(part: PartFile): void {
    this.#parts.delete(part.index);
    this.#open.delete(part);
    this.#wake();
  }

  /** Writes a piece, after waiting for a free descriptor if it must. @throws CrocError */
  async write(part: PartFile, offset: number, data: Uint8Array): Promise<void> {
    const write = this.#write(part, offset, data);
    this.#writes.add(write);
    try {
      await write;
    } finally {
      this.#writes.delete(write);
      this.#wake();
    }
  }

  /** Resolves when no write runs any more. Never rejects. */
  async idle(): Promise<void> {
    while (this.#writes.size > 0) await Promise.allSettled(this.#writes);
  }

  /** Removes every part file from the disk; nothing may write any more. Never throws. @param keep - as in `PartFile` */
  async discard(keep: boolean): Promise<void> {
    for (const part of this.#parts.values()) await part.discard(keep);
    this.#parts.clear();
    this.#open.clear();
  }

  async #write(part: PartFile, offset: number, data: Uint8Array): Promise<void> {
    while (!part.isOpen) {
      const room = this.#room();
      if (room !== undefined) await room;
      else if (this.#open.size < MAX_OPEN || this.#closeOne()) break;
      else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    part.open();
    this.#open.delete(part);
    this.#open.add(part);
    await part.write(offset, data);
  }

  #closeOne(): boolean {
    for (const part of this.#open) {
      if (!part.isIdle) continue;
      this.#open.delete(part);
      part.close();
      return true;
    }
    return false;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }
}
