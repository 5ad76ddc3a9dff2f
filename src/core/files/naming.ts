/**
 * Final names. Flushed files get theirs in the order in which they came: in this thread, blocking, or, once
 * there is one, in a `Publisher`'s, while this thread already writes the next files. Whatever is more than giving
 * a free name is done here.
 */
import { linkSync, renameSync } from 'node:fs';
import type { ConflictChoice } from '../types.js';
import { parentOf, type Folders } from './folders.js';
import { errnoOf, writingError } from './fsErrors.js';
import { removeQuietly, type WrittenFile } from './partFile.js';
import type { Placement } from './placement.js';
import type { Publisher } from './publisher.js';
import type { UndoLog } from './undo.js';

/** Files that may wait for the other thread. They are closed, so they cost memory only. */
const MOST_WAITING = 2000;

/** A file whose bytes are all written. */
export interface WholeFile {
  readonly part: WrittenFile;
  /** Where it goes, relative to the destination. */
  readonly path: string;
  /** What to do if something has that name by now. */
  readonly choice: ConflictChoice;
  readonly size: number;
}

/** What naming needs. */
export interface NamingParts {
  readonly folders: Folders;
  readonly placement: Placement;
  /** Told where each file lies now, or that it was skipped after all. */
  readonly onDone: (file: WholeFile, path: string | undefined) => void;
  /** Keeps what is replaced. */
  readonly undo: UndoLog | undefined;
  readonly publisher: Publisher | undefined;
}

/** Gives flushed files their final names. */
export class Naming {
  readonly #in: NamingParts;
  /** Those without a name yet, in order. */
  #waiting: WholeFile[] = [];
  /** The end of the work on those, which never rejects. */
  #running: Promise<void> | undefined;
  /** Groups among them that are named here, and so hold up those behind them. */
  #here = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(parts: NamingParts) {
    this.#in = parts;
  }

  /** Throws what made it stop, if anything did. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /**
   * Takes flushed, closed files.
   *
   * @returns what to wait for before more are added, if there is no room
   * @throws CrocError
   */
  add(files: readonly WholeFile[]): Promise<void> | undefined {
    this.#waiting.push(...files);
    this.check();
    const asked = this.#ask(files);
    if (asked === undefined && this.#running === undefined) {
      this.#nameHere(files.length);
      return undefined;
    }
    this.#follow(files.length, asked);
    return this.#waiting.length < MOST_WAITING ? undefined : this.#room();
  }

  /** Resolves when everything added so far has its name. @throws CrocError */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    this.check();
  }

  /** Stops after the step that runs. Never rejects. @returns files that have no name */
  async stop(): Promise<readonly WholeFile[]> {
    this.#fail(new Error('discarded'));
    while (this.#running !== undefined) await this.#running;
    return this.#waiting.splice(0);
  }

  async #room(): Promise<void> {
    while (this.#running !== undefined && this.#waiting.length >= MOST_WAITING) await this.#running;
    this.check();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#in.publisher?.halt();
  }

  /** Asks the other thread, where files need nothing but a free name. @returns how many have one then */
  #ask(files: readonly WholeFile[]): Promise<number> | undefined {
    const { publisher, folders } = this.#in;
    if (publisher?.isReady !== true || this.#here > 0) return undefined;
    if (files.some(({ choice }) => choice === 'overwrite')) return undefined;
    return publisher.name(files.map(({ part, path }) => [part.path, folders.fullPath(path)]));
  }

  /** Names a group once those before it are named: what the other thread was not asked for, or did not do, here. */
  #follow(count: number, asked: Promise<number> | undefined): void {
    const before = this.#running;
    if (asked === undefined) this.#here += 1;
    const running = this.#nameAfter(before, count, asked)
      .catch((error: unknown) => this.#fail(error))
      .then(() => {
        if (asked === undefined) this.#here -= 1;
        if (this.#running === running) this.#running = undefined;
      });
    this.#running = running;
  }

  async #nameAfter(
    before: Promise<void> | undefined,
    count: number,
    asked: Promise<number> | undefined,
  ): Promise<void> {
    await before;
    const named = (await asked) ?? 0;
    for (const file of this.#waiting.splice(0, named)) this.#done(file, file.path);
    if (named < count) this.#nameHere(count - named);
  }

  /** Takes out of what waits what got its final name, so that what is left is what must be removed. */
  #nameHere(count: number): void {
    for (let left = count; left > 0; left--) {
      const file = this.#waiting[0];
      if (file === undefined) return;
      this.check();
      const path = this.#name(file);
      this.#waiting.shift();
      this.#done(file, path);
    }
  }

  #done(file: WholeFile, path: string | undefined): void {
    const { folders, onDone } = this.#in;
    if (path !== undefined) folders.touch(parentOf(path));
    onDone(file, path);
  }

  #name({ part, path: planned, choice }: WholeFile): string | undefined {
    const { folders, placement, undo } = this.#in;
    let path = planned;
    try {
      if (choice === 'overwrite') undo?.keep(folders.fullPath(path));
      while (!moveTo(part.path, folders.fullPath(path), choice, folders, path)) {
        if (choice === 'skip') {
          removeQuietly(part.path);
          return undefined;
        }
        path = placement.freeName(path, 'file');
      }
    } catch (error) {
      throw writingError(error, path);
    }
    return path;
  }
}

/**
 * Gives a file its final name. Unless it may overwrite, by a hard link, which fails when the name
 * was taken meanwhile; on disks without links a look and a rename come as close as can be.
 *
 * @returns false when the name is taken
 */
function moveTo(
  from: string,
  to: string,
  choice: ConflictChoice,
  folders: Folders,
  path: string,
): boolean {
  if (choice === 'overwrite') {
    renameSync(from, to);
    return true;
  }
  try {
    linkSync(from, to);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST' || folders.look(path) !== undefined) return false;
    renameSync(from, to);
    return true;
  }
  removeQuietly(from);
  return true;
}
