/**
 * The history on disk: one file a transfer, so that two windows never write the same one. Each is
 * written beside and renamed, so that a reader finds the old or the new.
 */
import { watch, type FSWatcher } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseEntry, type Entry } from './entry.js';

/** Most entries that are kept; the oldest make room. */
const MOST_ENTRIES = 200;
/** A file larger than this is none of ours. */
const MOST_BYTES = 4 << 20;
const NAME = /^([0-9a-f-]{36})\.json$/;
/** Several files change at once; one look is enough. */
const SETTLE_MS = 100;

/** The folder with the entries of every window of this machine. */
export class EntryStore {
  readonly #writing = new Map<string, Promise<void>>();

  /** @param folder - absolute; made when the first entry is written */
  constructor(private readonly folder: string) {}

  /** Every entry that can be read, in no order. Never throws. */
  async read(): Promise<Entry[]> {
    const names = await readdir(this.folder).catch(() => []);
    const entries = await Promise.all(
      names.filter((name) => NAME.test(name)).map((name) => this.#readOne(name)),
    );
    return entries.filter((entry) => entry !== undefined);
  }

  /** Writes an entry, after whatever is under way for it. @throws when the disk does not take it */
  write(entry: Entry): Promise<void> {
    return this.#after(entry.id, async () => {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      const file = this.#file(entry.id);
      const beside = `${file}.${process.pid}.tmp`;
      await writeFile(beside, JSON.stringify(entry), { mode: 0o600 });
      await rename(beside, file);
    });
  }

  /** Removes an entry; one that is not there is fine. */
  remove(id: string): Promise<void> {
    return this.#after(id, () => rm(this.#file(id), { force: true }));
  }

  /** Removes the oldest of those that are over when there are too many. */
  async prune(): Promise<void> {
    const over = (await this.read()).filter(({ state }) => state !== 'running');
    const old = over.sort((a, b) => b.startedAtMs - a.startedAtMs).slice(MOST_ENTRIES);
    await Promise.all(old.map(({ id }) => this.remove(id)));
  }

  /** Resolves when everything that was to be written is on the disk, or was refused. */
  async flush(): Promise<void> {
    await Promise.allSettled(this.#writing.values());
  }

  /** Calls `changed` soon after another window wrote. Undefined where the folder cannot be watched. */
  async watch(changed: () => void): Promise<{ dispose(): void } | undefined> {
    let watcher: FSWatcher;
    let timer: NodeJS.Timeout | undefined;
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      watcher = watch(this.folder, { persistent: false }, () => {
        timer ??= setTimeout(() => {
          timer = undefined;
          changed();
        }, SETTLE_MS);
      });
    } catch {
      return undefined;
    }
    // The folder may be taken away; the list then stays as it is.
    watcher.on('error', () => watcher.close());
    return {
      dispose: () => {
        clearTimeout(timer);
        watcher.close();
      },
    };
  }

  #file(id: string): string {
    return path.join(this.folder, `${id}.json`);
  }

  async #readOne(name: string): Promise<Entry | undefined> {
    const file = path.join(this.folder, name);
    try {
      if ((await stat(file)).size > MOST_BYTES) return undefined;
      const entry = parseEntry(JSON.parse(await readFile(file, 'utf8')));
      return entry?.id === NAME.exec(name)?.[1] ? entry : undefined;
    } catch {
      return undefined;
    }
  }

  #after(id: string, work: () => Promise<void>): Promise<void> {
    const before = this.#writing.get(id) ?? Promise.resolve();
    const done = before.catch(() => undefined).then(work);
    this.#writing.set(id, done);
    const forget = (): void => {
      if (this.#writing.get(id) === done) this.#writing.delete(id);
    };
    done.then(forget, forget);
    return done;
  }
}
