/** Opens files and folders where the person can see them: editor, Explorer, file manager, new window. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';

const inWorkspace = (uri: vscode.Uri): boolean =>
  vscode.workspace.getWorkspaceFolder(uri) !== undefined;

async function isGone(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  if (found !== undefined) return false;
  void vscode.window.showWarningMessage(
    vscode.l10n.t('{0} is not there any more.', path.basename(file)),
  );
  return true;
}

/** Opens what arrived: a file in the editor, a folder in the Explorer or in a new window. */
export async function openFiles([root]: readonly string[]): Promise<void> {
  if (root === undefined || (await isGone(root))) return;
  const uri = vscode.Uri.file(root);
  if (!(await stat(root)).isDirectory()) await vscode.commands.executeCommand('vscode.open', uri);
  else if (inWorkspace(uri)) await vscode.commands.executeCommand('revealInExplorer', uri);
  else await vscode.commands.executeCommand('vscode.openFolder', uri, { forceNewWindow: true });
}

/**
 * Shows where files are: in the Explorer, in the system's file manager, or in a new window.
 *
 * @param files - absolute paths, of which the first is shown
 * @param folder - absolute, opened where there is no file manager; default: the folder of the file
 */
export async function revealFiles(
  [root]: readonly string[],
  folder: string | undefined,
): Promise<void> {
  if (root === undefined || (await isGone(root))) return;
  const uri = vscode.Uri.file(root);
  // A file manager sees only this machine's disk, and a browser has none.
  const local = vscode.env.remoteName === undefined && vscode.env.uiKind === vscode.UIKind.Desktop;
  if (inWorkspace(uri)) await vscode.commands.executeCommand('revealInExplorer', uri);
  else if (local) await vscode.commands.executeCommand('revealFileInOS', uri);
  else {
    const opened = vscode.Uri.file(folder ?? path.dirname(root));
    await vscode.commands.executeCommand('vscode.openFolder', opened, { forceNewWindow: true });
  }
}
