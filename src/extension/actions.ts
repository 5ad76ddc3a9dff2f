/** What the buttons of the panel and of messages do. */
import { stat } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { Action } from '../webview/messages.js';
import { copyLink } from './commands/link.js';
import { receive } from './commands/receive.js';
import { sendFiles } from './commands/send.js';
import { cancel, copyCode, copyReceiveCommand } from './commands/transfer.js';
import type { Parts } from './parts.js';
import { settings } from './settings.js';
import { shortAddress } from './texts.js';
import type { Transfer } from './transfers.js';
import type { Outcome } from './views/panel.js';

const inWorkspace = (uri: vscode.Uri): boolean =>
  vscode.workspace.getWorkspaceFolder(uri) !== undefined;

/** Opens what arrived: a file in the editor, a folder in the Explorer or in a new window. */
async function open(transfer: Transfer): Promise<void> {
  const [root] = transfer.roots;
  if (root === undefined) return;
  const uri = vscode.Uri.file(root);
  const found = await stat(root).catch(() => undefined);
  if (found?.isDirectory() !== true) await vscode.commands.executeCommand('vscode.open', uri);
  else if (inWorkspace(uri)) await vscode.commands.executeCommand('revealInExplorer', uri);
  else await vscode.commands.executeCommand('vscode.openFolder', uri, { forceNewWindow: true });
}

/** Shows where it is: in the Explorer, in the system's file manager, or in a new window. */
async function reveal(transfer: Transfer): Promise<void> {
  const [root] = transfer.roots;
  if (root === undefined) return;
  const uri = vscode.Uri.file(root);
  // A file manager sees only this machine's disk, and a browser has none.
  const local = vscode.env.remoteName === undefined && vscode.env.uiKind === vscode.UIKind.Desktop;
  if (inWorkspace(uri)) await vscode.commands.executeCommand('revealInExplorer', uri);
  else if (local) await vscode.commands.executeCommand('revealFileInOS', uri);
  else {
    const folder = vscode.Uri.file(transfer.facts.paths[0] ?? root);
    await vscode.commands.executeCommand('vscode.openFolder', folder, { forceNewWindow: true });
  }
}

/** The actions that need no transfer. @returns whether it was one of them */
async function actAnyway(parts: Parts, action: Action): Promise<boolean> {
  if (action === 'show-log') parts.log.show();
  else if (action === 'open-settings') await settings.open('relay');
  else if (action === 'receive-again') await receive(parts, { code: '' });
  else return false;
  return true;
}

/** The actions that copy something. @returns whether something was copied */
async function copy(parts: Parts, action: Action, transfer: Transfer): Promise<boolean> {
  if (action === 'copy-code') return copyCode(parts, [transfer.id]);
  if (action === 'copy-command') return copyReceiveCommand(parts, [transfer.id]);
  if (action === 'copy-link') return copyLink(parts, [transfer.id]);
  if (action !== 'copy-relay') return false;
  await vscode.env.clipboard.writeText(shortAddress(transfer.facts.meetingPoint.address));
  return true;
}

/**
 * Does one action.
 *
 * @param transfer - the one the button belongs to; without it only the general ones do something
 */
export async function act(
  parts: Parts,
  action: Action,
  transfer: Transfer | undefined,
): Promise<Outcome> {
  if (await actAnyway(parts, action)) return 'done';
  if (transfer === undefined) return 'done';
  if (await copy(parts, action, transfer)) return 'copied';
  if (action === 'send-again')
    return (await sendFiles(parts, transfer.facts.paths)) ? 'replaced' : 'done';
  if (action === 'cancel') await cancel(parts, [transfer.id]);
  if (action === 'open') await open(transfer);
  if (action === 'reveal') await reveal(transfer);
  return 'done';
}
