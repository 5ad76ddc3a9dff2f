/** What is offered, each with a tick. */
import * as vscode from 'vscode';
import type { Offer } from '../../core/index.js';
import { foreignText } from '../foreign.js';
import { bytesText, totalsText } from '../texts.js';
import { chosenOf, offerRows, settleTicks, type Chosen, type OfferRow } from './offerTree.js';
import { ask, type Answer } from './quick.js';

interface RowItem extends vscode.QuickPickItem {
  readonly index: number;
}

const ICONS: Record<OfferRow['kind'], string> = {
  file: 'file',
  folder: 'folder',
  symlink: 'file-symlink-file',
  more: 'ellipsis',
};

const MOST_INDENT = 8;

const isHidden = (path: string): boolean => path.split('/').some((part) => part.startsWith('.'));

function folderText(files: number, size: string): string {
  const { t } = vscode.l10n;
  if (files === 0) return t('no files');
  return files === 1 ? t('1 file, {0}', size) : t('{0} files, {1}', files, size);
}

/** Size, and what is worth knowing before taking it. */
function detailsOf(row: OfferRow): string {
  const { t } = vscode.l10n;
  const size = bytesText(row.bytes);
  const facts =
    row.kind === 'folder'
      ? [folderText(row.files, size)]
      : row.kind === 'symlink'
        ? [t('link to {0}', foreignText(row.entry?.target ?? ''))]
        : [size];
  if (row.entry?.kind === 'file' && row.entry.executable) facts.push(t('executable'));
  if (isHidden(row.path)) facts.push(t('hidden'));
  return facts.join(' · ');
}

/** A row below its folder, or with its whole path when the sender names no folder for it. */
function itemOf(row: OfferRow, index: number, folders: ReadonlySet<string>): RowItem {
  const slash = row.path.lastIndexOf('/');
  const inTree = slash > 0 && folders.has(row.path.slice(0, slash));
  const depth = inTree ? row.path.split('/').length - 1 : 0;
  const name =
    row.kind === 'more'
      ? vscode.l10n.t('{0} more', row.own.length)
      : foreignText(inTree ? row.path.slice(slash + 1) : row.path);
  return {
    index,
    label: `${'\u2003'.repeat(Math.min(depth, MOST_INDENT))}$(${ICONS[row.kind]}) ${name}`,
    description: detailsOf(row),
  };
}

/**
 * @param before - what was chosen when the person comes back to this question
 * @returns what the person takes; leaving means no
 */
export async function askWhat(
  offer: Offer,
  steps: { readonly title: string; readonly step: number; readonly totalSteps: number },
  before: ReadonlySet<number> | undefined,
): Promise<Answer<{ readonly chosen: Chosen; readonly ticks: ReadonlySet<number> }>> {
  const { t } = vscode.l10n;
  const { rows, complete } = offerRows(offer.entries);
  const folders = new Set(rows.flatMap(({ kind, path }) => (kind === 'folder' ? [path] : [])));
  const items = rows.map((row, index) => itemOf(row, index, folders));
  const pick = vscode.window.createQuickPick<RowItem>();
  pick.title = `${steps.title}: ${totalsText(offer.totals)}`;
  pick.step = steps.step;
  pick.totalSteps = steps.totalSteps;
  pick.canSelectMany = true;
  pick.matchOnDescription = true;
  pick.placeholder = complete
    ? t('Untick what you do not want. Enter takes the rest, Escape declines.')
    : t(
        'Only the upper levels are listed; a folder stands for all in it. Enter takes what is ticked, Escape declines.',
      );
  pick.items = items;
  let ticks: ReadonlySet<number> = before ?? new Set(rows.keys());
  const apply = (): void => {
    pick.selectedItems = items.filter((item) => ticks.has(item.index));
  };
  apply();
  pick.onDidChangeSelection((selected) => {
    const now = new Set(selected.map((item) => item.index));
    const settled = settleTicks(rows, ticks, now);
    ticks = settled;
    if (settled.size !== now.size || [...settled].some((index) => !now.has(index))) apply();
  });
  return ask(pick, {
    back: false,
    gone: offer.gone,
    onAccept: () =>
      ticks.size === 0 ? undefined : { chosen: chosenOf(offer.entries, rows, ticks), ticks },
  });
}
