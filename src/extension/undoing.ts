/**
 * Which receive can be taken back: the newest one, until the next arrives, the window closes, or half
 * an hour is over. Then what it had replaced is removed. What a window leaves behind that did not
 * close well is removed by the next one that starts after that time.
 */
import * as v from 'valibot';
import type * as vscode from 'vscode';
import { discardKept, type Undo, type UndoResult } from '../core/index.js';
import type { Transfer, Transfers } from './transfers.js';

const WINDOW_MS = 30 * 60 * 1000;
const KEPT = 'undoFolders';

const keptSchema = v.array(v.object({ folder: v.string(), untilMs: v.number() }));
type Kept = v.InferOutput<typeof keptSchema>;

/** Keeps what the newest receive replaced, for a while. */
export class Undoing implements vscode.Disposable {
  readonly #subscriptions: vscode.Disposable[];
  #current: { readonly transfer: Transfer; readonly undo: Undo } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly transfers: Transfers,
    private readonly state: vscode.Memento,
  ) {
    this.#subscriptions = [transfers.onDidEnd((transfer) => void this.#ended(transfer))];
    void this.#clean();
  }

  /** The transfer that can be taken back. */
  get transfer(): Transfer | undefined {
    return this.#current?.transfer;
  }

  /** What takes back a transfer, while it can be. */
  undoOf(transfer: Transfer): Undo | undefined {
    return this.#current?.transfer === transfer ? this.#current.undo : undefined;
  }

  /** Takes back a transfer. @returns undefined when that is not possible any more @throws CrocError */
  async run(transfer: Transfer): Promise<UndoResult | undefined> {
    const undo = this.undoOf(transfer);
    if (undo === undefined) return undefined;
    const result = await undo.run();
    if (result.left.length === 0) await this.#close();
    return result;
  }

  /** Notes again where replaced files are, after `Undo.replace` made a place for them. */
  async remember(): Promise<void> {
    const folder = this.#current?.undo.folder;
    if (folder === undefined) return;
    const others = this.#kept().filter((one) => one.folder !== folder);
    await this.state.update(KEPT, [...others, { folder, untilMs: Date.now() + WINDOW_MS }]);
  }

  /** Closes the window of time: nothing can be taken back any more. Never throws. */
  async close(): Promise<void> {
    await this.#close();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  async #ended(transfer: Transfer): Promise<void> {
    const { undo } = transfer;
    if (undo === undefined || undo.files === 0) return;
    await this.#close();
    this.#current = { transfer, undo };
    transfer.canUndo = true;
    this.#timer = setTimeout(() => void this.#close(), WINDOW_MS);
    await this.remember();
    this.transfers.touch(transfer);
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    current.transfer.canUndo = false;
    const { folder } = current.undo;
    await current.undo.discard();
    if (folder !== undefined) await this.#forget([folder]);
    this.transfers.touch(current.transfer);
  }

  /** Removes what windows left that are gone. */
  async #clean(): Promise<void> {
    const over = this.#kept().filter(({ untilMs }) => untilMs < Date.now());
    await Promise.all(over.map(({ folder }) => discardKept(folder)));
    if (over.length > 0) await this.#forget(over.map(({ folder }) => folder));
  }

  #kept(): Kept {
    const parsed = v.safeParse(keptSchema, this.state.get<unknown>(KEPT));
    return parsed.success ? parsed.output : [];
  }

  async #forget(folders: readonly string[]): Promise<void> {
    const rest = this.#kept().filter(({ folder }) => !folders.includes(folder));
    await this.state.update(KEPT, rest);
  }
}
