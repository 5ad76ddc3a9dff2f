/** What is sent for what the person pointed at: a path, or what stands in the editor. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import type { MemoryFile, SendItem } from '../../core/index.js';
import type { TransferItem } from '../transfers.js';

/** The open document of a uri, if it holds what no disk has. */
function unsavedOf(uri: vscode.Uri): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find(
    (document) =>
      document.uri.toString() === uri.toString() && (document.isDirty || document.isUntitled),
  );
}

/** A name that can be sent, for what has only a title. */
export function fileNameOf(document: vscode.TextDocument): string {
  const name = path.posix.basename(document.uri.path).replace(/[\\/:*?"<>|\p{C}]/gu, '_');
  return name === '' || /^\.+$/.test(name) ? 'untitled' : name;
}

/** What stands in the editor, in the encoding that saving would use. */
async function bufferOf(document: vscode.TextDocument): Promise<MemoryFile> {
  const { encoding } = document;
  const content = await vscode.workspace.encode(document.getText(), { encoding });
  return { name: fileNameOf(document), content };
}

/**
 * What to send for uris of files, folders and open editors. A file with changes that are not saved is
 * sent as it stands in the editor.
 *
 * @returns undefined when one of them is on no disk and in no editor
 */
export async function itemsOfUris(
  uris: readonly vscode.Uri[],
): Promise<readonly SendItem[] | undefined> {
  const items: SendItem[] = [];
  for (const uri of uris) {
    const unsaved = unsavedOf(uri);
    if (unsaved !== undefined) items.push(await bufferOf(unsaved));
    else if (uri.scheme === 'file') items.push(uri.fsPath);
    else return undefined;
  }
  return items;
}

/** How an item is shown in the list. */
export async function shownItem(item: SendItem): Promise<TransferItem> {
  if (typeof item !== 'string' && 'content' in item)
    return { name: item.name, kind: 'file', bytes: Buffer.byteLength(item.content) };
  if (typeof item !== 'string') {
    const { t } = vscode.l10n;
    const name = item.name ?? (item.kind === 'patch' ? t('Changes') : t('Text'));
    return { name, kind: item.kind, bytes: Buffer.byteLength(item.text) };
  }
  const found = await stat(item).catch(() => undefined);
  const folder = found?.isDirectory() ?? false;
  return {
    name: path.basename(item),
    kind: folder ? 'folder' : 'file',
    bytes: folder ? undefined : found?.size,
  };
}

/** The paths among items: what can be sent again in another window, too. */
export const pathsOf = (items: readonly SendItem[]): string[] =>
  items.filter((item) => typeof item === 'string');
