/** What a transfer holds, as the panel lists it. */
import * as vscode from 'vscode';
import { printable, type Skipped, type Totals } from '../../core/index.js';
import type { PanelView } from '../../webview/messages.js';
import { itemsOf, type Entry } from '../history/entry.js';
import { bytesText, totalsText } from '../texts.js';
import type { Transfer, TransferItem } from '../transfers.js';

const { t } = vscode.l10n;
/** Most rows and notes in a list; the rest is counted. */
const MOST_ROWS = 100;
const MOST_NOTES = 5;
const ICONS = {
  file: 'file',
  folder: 'folder',
  symlink: 'file-symlink-file',
  text: 'note',
  patch: 'diff',
} as const;

type List = NonNullable<PanelView['list']>;

function skippedText({ path, reason }: Skipped): string {
  const name = printable(path);
  if (reason === 'special-file') return t('{0} is left out: not a file, folder or link.', name);
  if (reason === 'link-leaves-folder') return t('{0} is left out: a link out of the folder.', name);
  return t('{0} is left out: its name cannot be sent.', name);
}

function notesOf(skipped: readonly Skipped[]): string[] {
  const notes = skipped.slice(0, MOST_NOTES).map(skippedText);
  const more = skipped.length - notes.length;
  return more > 0 ? [...notes, t('{0} more are left out.', more)] : notes;
}

/** What the list is, before and after the transfer is over. */
function titleOf(direction: 'send' | 'receive', state: string, tookPart: boolean): string {
  const sending = direction === 'send';
  if (sending && tookPart) return t('What was offered');
  if (state === 'done') return sending ? t('What was sent') : t('What was received');
  if (state === 'failed' || state === 'cancelled' || state === 'interrupted')
    return sending ? t('What was to be sent') : t('What was to be received');
  return sending ? t('What is sent') : t('What is received');
}

/** What is known of a list beside its items. */
interface ListFacts {
  /** Undefined while they are counted, and when that never came to its end. */
  readonly totals: Totals | undefined;
  /** Sentences below the rows. */
  readonly notes?: readonly string[];
  /** Whether the transfer is over, so that nothing is counted any more. */
  readonly over?: boolean;
}

/** How much it is in all; a text has no files to count. */
function summaryOf([first]: readonly TransferItem[], { totals, over = false }: ListFacts): string {
  if (first?.kind === 'text' || first?.kind === 'patch') return '';
  if (totals === undefined) return over ? '' : t('Counting…');
  return totalsText(totals);
}

/** A list with its first rows; the rest is counted. */
export function listWith(title: string, items: readonly TransferItem[], facts: ListFacts): List {
  const { totals, notes = [] } = facts;
  const rows = items.slice(0, MOST_ROWS).map((item) => {
    const only = items.length === 1 ? totals?.bytes : undefined;
    const bytes = item.bytes ?? only;
    return {
      icon: ICONS[item.kind],
      name: printable(item.name),
      detail: bytes === undefined ? '' : bytesText(bytes),
    };
  });
  const more = items.length - rows.length;
  return {
    title,
    summary: summaryOf(items, facts),
    rows,
    notes: [...(more > 0 ? [t('{0} more are not listed.', more)] : []), ...notes],
  };
}

/** What ignore rules left out, with the button that sends it too. */
function ignoredOf({ ignored, stage }: Transfer): Pick<List, 'ignored'> {
  if (ignored === 0) return {};
  const text =
    ignored === 1
      ? t('1 ignored file or folder left out')
      : t('{0} ignored files and folders left out', ignored);
  const label = stage === 'waiting' ? t('Include') : t('Send Again with Them');
  return {
    ignored: {
      text,
      button: { action: 'include-ignored', label, icon: 'add', primary: false },
    },
  };
}

/** The list of a transfer of this window. */
export function listOf(transfer: Transfer): List {
  const { direction, stage, tookPart, totals, facts, skipped } = transfer;
  return {
    ...listWith(titleOf(direction, stage, tookPart), facts.items, {
      totals,
      notes: notesOf(skipped),
      over: !transfer.active,
    }),
    ...ignoredOf(transfer),
  };
}

/** The list of a transfer that the history knows; its rows are those that were kept. */
export function pastListOf(entry: Entry): List {
  const { direction, state, result, totals } = entry;
  const tookPart = (result?.files ?? Infinity) < (totals?.files ?? 0);
  const kept = itemsOf({ ...entry, moreItems: 0 });
  const notes = entry.moreItems > 0 ? [t('{0} more are not listed.', entry.moreItems)] : [];
  return listWith(titleOf(direction, state, tookPart), kept, {
    totals,
    notes,
    over: state !== 'running',
  });
}
