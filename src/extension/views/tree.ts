/** The view *Transfers* in the Explorer's side bar: what runs, then what is over, by day. */
import * as vscode from 'vscode';
import { itemsOf, errorOf, type Entry } from '../history/entry.js';
import type { History } from '../history/history.js';
import { dayText, errorTexts, itemsTitle, timeText, totalsText, bytesText } from '../texts.js';
import type { Transfer, Transfers } from '../transfers.js';
import { percentOf } from '../format.js';
import { rateText, shortStage } from './liveTexts.js';

const { t } = vscode.l10n;

/** The id of the view in package.json. */
export const VIEW = 'croc.transfers';
/** How often a row that moves is drawn at most; nobody reads faster. */
const REDRAW_MS = 1000;
/** How often it is looked whether another window still runs what it said it runs. */
const CHECK_OTHERS_MS = 20_000;

/** A row: a day, or a transfer. Commands of the view's menu get it as their argument. */
export type Row =
  | { readonly kind: 'day'; readonly day: string; readonly entries: readonly Entry[] }
  | { readonly kind: 'entry'; readonly id: string; entry: Entry };

/** The id of a transfer that a command was given: by a row, by a button, or not at all. */
export function idOf(given: unknown): string | undefined {
  if (typeof given === 'string') return given;
  const id: unknown = Reflect.get(Object(given), 'id');
  return typeof id === 'string' ? id : undefined;
}

/** What the menu of a row offers, as words that the `when` clauses of package.json look for. */
function contextOf(entry: Entry, transfer: Transfer | undefined): string {
  if (entry.state === 'running') {
    if (transfer === undefined) return 'elsewhere';
    return transfer.code === undefined ? 'running cancel' : 'running cancel code';
  }
  const words = ['past', 'remove'];
  if (entry.direction === 'send' && entry.paths.length > 0) words.push('again');
  if (entry.state !== 'done' && entry.paths.length > 0) words.push('resume');
  if (entry.roots.length > 0 || entry.paths.length > 0) words.push('reveal');
  return words.join(' ');
}

function iconOf({ state, direction }: Entry): vscode.ThemeIcon {
  const icon = (id: string, color?: string): vscode.ThemeIcon =>
    new vscode.ThemeIcon(id, color === undefined ? undefined : new vscode.ThemeColor(color));
  if (state === 'running') return icon(direction === 'send' ? 'cloud-upload' : 'cloud-download');
  if (state === 'done')
    return icon(direction === 'send' ? 'arrow-up' : 'arrow-down', 'testing.iconPassed');
  if (state === 'failed') return icon('error', 'testing.iconFailed');
  return icon(state === 'interrupted' ? 'debug-disconnect' : 'circle-slash');
}

function runningText(entry: Entry, transfer: Transfer | undefined): string {
  if (transfer === undefined) return t('runs in another window');
  return [shortStage(transfer), rateText(transfer)].filter((text) => text !== '').join(' · ');
}

function pastText(entry: Entry): string {
  const time = timeText(entry.endedAtMs ?? entry.startedAtMs);
  if (entry.state === 'failed') return t('{0} · failed', time);
  if (entry.state === 'cancelled') return t('{0} · cancelled', time);
  if (entry.state === 'interrupted') {
    const { progress } = entry;
    return progress === undefined
      ? t('{0} · interrupted', time)
      : t('{0} · interrupted at {1} %', time, percentOf(progress.bytes, progress.total));
  }
  const bytes = entry.result?.bytes ?? entry.totals?.bytes;
  return bytes === undefined ? time : `${time} · ${bytesText(bytes)}`;
}

/** What a screen reader says of the state. */
function spokenState(entry: Entry): string {
  const sending = entry.direction === 'send';
  if (entry.state === 'done') return sending ? t('Sent') : t('Received');
  if (entry.state === 'running') return sending ? t('Sending…') : t('Receiving…');
  return sending ? t('Not sent') : t('Not received');
}

function tooltipOf(entry: Entry, description: string): string {
  const error = errorOf(entry);
  const where = entry.roots.length > 0 ? entry.roots : entry.paths;
  return [
    `${itemsTitle(itemsOf(entry))}: ${spokenState(entry)}`,
    description,
    ...(entry.totals === undefined ? [] : [totalsText(entry.totals)]),
    ...(error === undefined ? [] : [errorTexts(error, entry.direction).what]),
    ...where.slice(0, 5),
  ].join('\n');
}

/** Data and drop target of the view. */
export class TransferTree implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<Row | undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #rows = new Map<string, Extract<Row, { kind: 'entry' }>>();
  readonly #subscription: vscode.Disposable;
  /** Rows that moved since they were drawn; undefined means the whole list. */
  readonly #moved = new Set<Row | undefined>();
  #visible = false;
  #redraw: NodeJS.Timeout | undefined;
  #check: NodeJS.Timeout | undefined;

  /** @param send - sends what was dropped */
  constructor(
    private readonly history: History,
    private readonly transfers: Transfers,
    private readonly send: (uris: readonly vscode.Uri[]) => Promise<void>,
  ) {
    this.#subscription = history.onDidChange((transfer) => this.#heard(transfer));
  }

  /** Told whenever the view comes or goes; while nobody sees it, nothing is drawn. */
  setVisible(visible: boolean): void {
    this.#visible = visible;
    if (visible) this.#changed.fire(undefined);
    else clearTimeout(this.#check);
  }

  async getChildren(row?: Row): Promise<Row[]> {
    if (row?.kind === 'entry') return [];
    if (row !== undefined) return row.entries.map((entry) => this.#row(entry));
    const all = await this.history.all();
    this.#checkOthers(all);
    const days = new Map<string, Entry[]>();
    for (const entry of all) {
      if (entry.state === 'running') continue;
      const day = dayText(entry.endedAtMs ?? entry.startedAtMs, Date.now());
      days.set(day, [...(days.get(day) ?? []), entry]);
    }
    return [
      ...all.filter(({ state }) => state === 'running').map((entry) => this.#row(entry)),
      ...[...days].map(([day, entries]) => ({ kind: 'day', day, entries }) as const),
    ];
  }

  getTreeItem(row: Row): vscode.TreeItem {
    if (row.kind === 'day') {
      const item = new vscode.TreeItem(row.day, vscode.TreeItemCollapsibleState.Expanded);
      item.id = `day ${row.day}`;
      return item;
    }
    const transfer = this.transfers.find(row.id);
    const entry = this.history.find(row.id) ?? row.entry;
    const title = itemsTitle(itemsOf(entry));
    const description = entry.state === 'running' ? runningText(entry, transfer) : pastText(entry);
    const item = new vscode.TreeItem(title);
    item.id = row.id;
    item.description = description;
    item.iconPath = iconOf(entry);
    item.tooltip = tooltipOf(entry, description);
    item.contextValue = contextOf(entry, transfer);
    item.accessibilityInformation = {
      label: `${title}, ${spokenState(entry)}, ${description}`,
    };
    item.command = {
      command: 'croc.showTransfer',
      title: t('Show Transfer'),
      arguments: [row.id],
    };
    return item;
  }

  async handleDrop(_target: Row | undefined, dropped: vscode.DataTransfer): Promise<void> {
    const list = await dropped.get('text/uri-list')?.asString();
    const uris = (list ?? '')
      .split(/\r?\n/)
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => vscode.Uri.parse(line));
    if (uris.length > 0) await this.send(uris);
  }

  dispose(): void {
    clearTimeout(this.#redraw);
    clearTimeout(this.#check);
    this.#subscription.dispose();
    this.#changed.dispose();
  }

  #row(entry: Entry): Row {
    const row = this.#rows.get(entry.id) ?? { kind: 'entry', id: entry.id, entry };
    row.entry = entry;
    this.#rows.set(entry.id, row);
    return row;
  }

  #heard(transfer: Transfer | undefined): void {
    if (!this.#visible) return;
    const row = transfer === undefined ? undefined : this.#rows.get(transfer.id);
    const ended = transfer?.active === false;
    const moved = ended || row === undefined ? undefined : row;
    if (moved === undefined) {
      // It came, went or ended: people wait for that, so it is drawn at once.
      clearTimeout(this.#redraw);
      this.#redraw = undefined;
      this.#moved.clear();
      this.#changed.fire(undefined);
      return;
    }
    this.#moved.add(moved);
    this.#redraw ??= setTimeout(() => {
      this.#redraw = undefined;
      for (const one of this.#moved) this.#changed.fire(one);
      this.#moved.clear();
    }, REDRAW_MS);
  }

  /** A window that dies tells nobody, so as long as one runs something it is asked after. */
  #checkOthers(all: readonly Entry[]): void {
    clearTimeout(this.#check);
    this.#check = undefined;
    if (!this.#visible) return;
    const others = all.some(
      ({ id, state }) => state === 'running' && this.transfers.find(id) === undefined,
    );
    if (others) this.#check = setTimeout(() => this.#changed.fire(undefined), CHECK_OTHERS_MS);
  }
}
