/** Links: copy one that opens the other side's VS Code, and open one. */
import * as vscode from 'vscode';
import { receiveLink } from '../link.js';
import { parseLink } from '../links.js';
import type { Parts } from '../parts.js';
import { receive } from './receive.js';
import { chooseWaiting } from './transfer.js';

/** Copies a link that opens Receive with code and relay filled in. @returns whether it did */
export async function copyLink(parts: Parts, given: readonly unknown[]): Promise<boolean> {
  const waiting = await chooseWaiting(parts, given);
  if (waiting === undefined) return false;
  const { address } = waiting.transfer.facts.meetingPoint;
  await vscode.env.clipboard.writeText(receiveLink(waiting.code, address));
  vscode.window.setStatusBarMessage(vscode.l10n.t('Link copied'), 3000);
  return true;
}

/** Somebody's link was opened: fills in what it says and starts nothing. */
export async function openLink(parts: Parts, uri: vscode.Uri): Promise<void> {
  const linked = parseLink(uri);
  // Neither the log nor a message repeats it: there may be a code in it.
  if (linked === undefined) {
    parts.log.warn('link: not one of ours');
    void vscode.window.showWarningMessage(
      vscode.l10n.t('This link is not one that Croc can open. Nothing was done.'),
    );
    return;
  }
  await receive(parts, { ...linked, fromLink: true });
}
