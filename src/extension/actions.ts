/** What the buttons of the panel and of messages do. */
import * as vscode from 'vscode';
import type { Action } from '../webview/messages.js';
import { removeTransfer, resume, sendAgain } from './commands/history.js';
import { copyLink } from './commands/link.js';
import { receive } from './commands/receive.js';
import { includeIgnored, sendItems } from './commands/send.js';
import { undoReceive } from './commands/undo.js';
import { cancel, copyCode, copyReceiveCommand } from './commands/transfer.js';
import type { Parts } from './parts.js';
import { openFiles, revealFiles } from './places.js';
import { settings } from './settings.js';
import { shortAddress } from './texts.js';
import type { Transfer } from './transfers.js';
import type { Outcome } from './views/panel.js';

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
  const { facts, roots } = transfer;
  if (action === 'send-again')
    return (await sendItems(parts, facts.sent ?? facts.paths)) ? 'replaced' : 'done';
  if (action === 'include-ignored')
    return (await includeIgnored(parts, transfer)) ? 'replaced' : 'done';
  if (action === 'undo') await undoReceive(parts, [transfer.id]);
  if (action === 'cancel') await cancel(parts, [transfer.id]);
  if (action === 'open') await openFiles(roots);
  if (action === 'reveal')
    await revealFiles(roots.length > 0 ? roots : facts.paths, facts.paths[0]);
  return 'done';
}

/**
 * Does one action of a transfer that only the history knows.
 *
 * @param id - of the entry
 */
export async function actOnPast(parts: Parts, action: Action, id: string): Promise<Outcome> {
  if (await actAnyway(parts, action)) return 'done';
  if (action === 'send-again') return (await sendAgain(parts, [id])) ? 'replaced' : 'done';
  if (action === 'resume') return (await resume(parts, [id])) ? 'replaced' : 'done';
  if (action === 'remove') {
    await removeTransfer(parts, [id]);
    return 'replaced';
  }
  const entry = parts.history.find(id);
  if (entry === undefined) return 'done';
  if (action === 'open') await openFiles(entry.roots);
  if (action === 'reveal')
    await revealFiles(entry.roots.length > 0 ? entry.roots : entry.paths, entry.paths[0]);
  return 'done';
}
