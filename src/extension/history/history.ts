/**
 * The history of every window: follows the transfers of this one, writes each into its file, and
 * reads what other windows wrote. A transfer whose window has gone is interrupted.
 */
import { hostname } from 'node:os';
import * as vscode from 'vscode';
import type { Transfer, Transfers } from '../transfers.js';
import { entryOf, type Entry, type EntryState, type Runner } from './entry.js';
import type { EntryStore } from './store.js';

/** How often a transfer that moves is written again, so that a window that dies loses no more. */
const BEAT_MS = 2000;
/** How often one that does not move says that it still runs. */
const SIGN_OF_LIFE_MS = 10_000;
/** A window that has not said anything for so long is gone, whatever has its process number now. */
const SILENT_MS = 60_000;

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process lives too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** @param nowMs - milliseconds since 1970 @returns whether another window still runs this entry */
export function runsElsewhere({ state, runner }: Entry, own: Runner, nowMs: number): boolean {
  if (state !== 'running' || nowMs - runner.seenAtMs > SILENT_MS) return false;
  if (runner.host !== own.host) return true;
  return runner.pid !== own.pid && isRunning(runner.pid);
}

/** The list. Fires when it changed; also for every step of a transfer that runs here. */
export class History implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<Transfer | undefined>();
  /** With the transfer of this window that changed, or undefined when anything may have. */
  readonly onDidChange = this.#changed.event;
  readonly #runner: Runner = { host: hostname(), pid: process.pid };
  readonly #subscriptions: vscode.Disposable[];
  /** As they are on the disk, by id; of this window's transfers the newest that was written. */
  #entries = new Map<string, Entry>();
  /** Removed here; a write that was under way must not bring them back. */
  readonly #removed = new Set<string>();
  #loaded: Promise<void> | undefined;
  #watching: { dispose(): void } | undefined;
  #beat: NodeJS.Timeout | undefined;
  #closing = false;

  constructor(
    private readonly store: EntryStore,
    private readonly transfers: Transfers,
    private readonly log: vscode.LogOutputChannel,
  ) {
    const stages = new WeakMap<Transfer, string>();
    this.#subscriptions = [
      transfers.onDidChange((transfer) => {
        if (stages.get(transfer) !== transfer.stage) {
          stages.set(transfer, transfer.stage);
          this.#write(transfer);
          this.#beatWhileNeeded();
        }
        this.#changed.fire(transfer);
      }),
    ];
  }

  /** The entry of an id as it is now; undefined when there is none. */
  find(id: string): Entry | undefined {
    const transfer = this.transfers.find(id);
    return transfer === undefined ? this.#settled(this.#entries.get(id)) : this.#now(transfer);
  }

  /** Every entry, newest first; reads the disk once and follows it from then on. */
  async all(): Promise<Entry[]> {
    await this.#load();
    const own = this.transfers.all.map((transfer) => this.#now(transfer));
    const ids = new Set(own.map(({ id }) => id));
    const others = [...this.#entries.values()]
      .filter(({ id }) => !ids.has(id))
      .map((entry) => this.#settled(entry))
      .filter((entry) => entry !== undefined);
    return [...own, ...others].sort((a, b) => b.startedAtMs - a.startedAtMs);
  }

  /** Takes entries away, here and on the disk; those that run stay. */
  async remove(ids: readonly string[]): Promise<void> {
    const gone = ids.filter((id) => this.find(id)?.state !== 'running');
    for (const id of gone) {
      this.#removed.add(id);
      this.#entries.delete(id);
      this.transfers.forget(id);
    }
    this.#changed.fire(undefined);
    await Promise.all(gone.map((id) => this.store.remove(id)));
  }

  /** From now on what ends is interrupted: the window goes away. */
  closing(): void {
    this.#closing = true;
  }

  /** Resolves when the disk has everything. Never throws. */
  flush(): Promise<void> {
    return this.store.flush();
  }

  dispose(): void {
    clearInterval(this.#beat);
    this.#watching?.dispose();
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#changed.dispose();
  }

  #load(): Promise<void> {
    this.#loaded ??= (async () => {
      this.#watching = await this.store.watch(() => void this.#read(true));
      await this.store.prune();
      await this.#read(false);
    })();
    return this.#loaded;
  }

  async #read(tell: boolean): Promise<void> {
    const over = this.transfers.all.filter((transfer) => !transfer.active);
    await this.store.flush();
    const found = (await this.store.read()).filter(({ id }) => !this.#removed.has(id));
    // Another window removed it: this one forgets it too.
    for (const { id } of over)
      if (!found.some((entry) => entry.id === id)) this.transfers.forget(id);
    const before = JSON.stringify([...this.#entries.values()].filter((entry) => !this.#own(entry)));
    this.#entries = new Map(found.map((entry) => [entry.id, entry]));
    const after = JSON.stringify([...this.#entries.values()].filter((entry) => !this.#own(entry)));
    // What this window writes comes back here; it has been told already.
    if (tell && before !== after) this.#changed.fire(undefined);
  }

  #own = ({ id }: Entry): boolean => this.transfers.find(id) !== undefined;

  #now(transfer: Transfer): Entry {
    const nowMs = Date.now();
    return entryOf(transfer, { runner: this.#runner, closing: false, nowMs });
  }

  /** An entry that says it runs, although nobody runs it any more, was interrupted. */
  #settled(entry: Entry | undefined): Entry | undefined {
    if (entry?.state !== 'running') return entry;
    const state: EntryState = runsElsewhere(entry, this.#runner, Date.now())
      ? 'running'
      : 'interrupted';
    return { ...entry, state };
  }

  #write(transfer: Transfer): void {
    if (this.#removed.has(transfer.id)) return;
    const about = { runner: this.#runner, closing: this.#closing, nowMs: Date.now() };
    const entry = entryOf(transfer, about);
    this.#entries.set(entry.id, entry);
    this.store.write(entry).catch((error: unknown) => {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
      this.log.warn(`history: an entry could not be written: ${code}`);
    });
  }

  #beatWhileNeeded(): void {
    if (this.transfers.active.length === 0) {
      clearInterval(this.#beat);
      this.#beat = undefined;
    } else {
      this.#beat ??= setInterval(() => {
        for (const transfer of this.transfers.active) this.#beatOf(transfer);
      }, BEAT_MS);
    }
  }

  #beatOf(transfer: Transfer): void {
    const written = this.#entries.get(transfer.id);
    const moved = written?.progress?.bytes !== transfer.progress?.bytes;
    const silentMs = Date.now() - (written?.runner.seenAtMs ?? 0);
    if (moved || silentMs >= SIGN_OF_LIFE_MS) this.#write(transfer);
  }
}
