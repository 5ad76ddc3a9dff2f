/** Where to put it, and what to do with what is already there. */
import { stat } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { ConflictChoice } from '../../core/index.js';
import { placeText } from '../place.js';
import { settings } from '../settings.js';
import { askOne, type Answer } from './quick.js';

interface Steps {
  readonly title: string;
  readonly step: number;
  readonly totalSteps: number;
  readonly gone: AbortSignal;
}

interface FolderItem extends vscode.QuickPickItem {
  readonly folder: string | undefined;
}

const isFolder = (folder: string): Promise<boolean> =>
  stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );

async function folderItems(): Promise<FolderItem[]> {
  const { t } = vscode.l10n;
  const set = settings.downloadFolder;
  const there = set !== undefined && (await isFolder(set));
  const items: FolderItem[] = there
    ? [{ label: `$(inbox) ${t('Download folder')}`, description: set, folder: set }]
    : [];
  for (const { uri, name } of vscode.workspace.workspaceFolders ?? []) {
    if (uri.scheme === 'file' && uri.fsPath !== set)
      items.push({ label: `$(root-folder) ${name}`, description: uri.fsPath, folder: uri.fsPath });
  }
  items.push({ label: `$(folder-opened) ${t('Browse…')}`, folder: undefined });
  return items;
}

async function browse(): Promise<string | undefined> {
  const picked = await vscode.window.showOpenDialog({
    canSelectFiles: false,
    canSelectFolders: true,
    openLabel: vscode.l10n.t('Receive Here'),
    title: vscode.l10n.t('Folder to receive into'),
  });
  return picked?.[0]?.fsPath;
}

/** The question, with the machine that the folders are on in a remote window. */
function whereText(): string {
  const place = placeText();
  return place === undefined
    ? vscode.l10n.t('Where should it go?')
    : vscode.l10n.t('Where should it go? The folders are {0}.', place);
}

/** @returns an absolute folder that exists */
export async function askFolder(steps: Steps): Promise<Answer<string>> {
  const items = await folderItems();
  for (;;) {
    const answer = await askOne(
      { ...steps, placeholder: whereText(), items },
      { back: true, gone: steps.gone },
    );
    if (answer.kind !== 'value') return answer;
    const folder = answer.value.folder ?? (await browse());
    if (steps.gone.aborted) return { kind: 'gone' };
    // Leaving the dialog goes back to the list, where it was opened.
    if (folder !== undefined) return { kind: 'value', value: folder };
  }
}

/** What to do with what is there; `review`: receive beside it, then ask for each with a diff. */
export type ConflictWish = ConflictChoice | 'review';

interface ChoiceItem extends vscode.QuickPickItem {
  readonly choice: ConflictWish;
}

/** @param paths - relative paths that are taken, at least one */
export async function askConflict(
  paths: readonly string[],
  steps: Steps,
): Promise<Answer<ConflictWish>> {
  const { t } = vscode.l10n;
  const items: ChoiceItem[] = [
    {
      choice: 'rename',
      label: `$(files) ${t('Keep both')}`,
      detail: t('What arrives gets a free name beside what is there.'),
    },
    {
      choice: 'skip',
      label: `$(debug-step-over) ${t('Skip')}`,
      detail: t('What is there stays, and what is offered for it is not received.'),
    },
    {
      choice: 'overwrite',
      label: `$(replace-all) ${t('Overwrite')}`,
      detail: t('What is there is replaced. Undo brings it back for half an hour.'),
    },
    {
      choice: 'review',
      label: `$(diff) ${t('Decide one by one')}`,
      detail: t('Everything arrives beside what is there; then you see both and choose.'),
    },
  ];
  const placeholder =
    paths.length === 1
      ? t('{0} is already there.', paths[0] ?? '')
      : t('{0} files are already there, such as {1}.', paths.length, paths[0] ?? '');
  const answer = await askOne({ ...steps, placeholder, items }, { back: true, gone: steps.gone });
  return answer.kind === 'value' ? { kind: 'value', value: answer.value.choice } : answer;
}
