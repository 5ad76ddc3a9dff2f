/** The commands about one transfer: show it, copy its code, cancel it. */
import * as vscode from 'vscode';
import { isCrocRelay } from '../../core/index.js';
import type { Parts } from '../parts.js';
import { itemsTitle, stageText } from '../texts.js';
import type { Transfer } from '../transfers.js';
import { idOf } from '../views/tree.js';
import { crocCommand, receiveCommand } from './receiveCommand.js';
import { showRelay } from './relay.js';

/** The transfer that is meant: the one named, the only one, or the one picked. */
async function choose(
  parts: Parts,
  given: readonly unknown[],
  among: readonly Transfer[],
  placeHolder: string,
): Promise<Transfer | undefined> {
  const id = idOf(given[0]);
  if (id !== undefined) return parts.transfers.find(id);
  if (among.length <= 1) return among[0];
  const picked = await vscode.window.showQuickPick(
    among.map((transfer) => ({
      label: `$(${transfer.direction === 'send' ? 'arrow-up' : 'arrow-down'}) ${itemsTitle(transfer.facts.items)}`,
      description: stageText(transfer),
      transfer,
    })),
    { placeHolder },
  );
  return picked?.transfer;
}

const waitingSends = (parts: Parts): Transfer[] =>
  parts.transfers.all.filter((transfer) => transfer.code !== undefined);

/** Opens the panel of a transfer; without one, tells about the relay if it runs. */
export async function showTransfer(parts: Parts, given: readonly unknown[]): Promise<void> {
  const { active, all } = parts.transfers;
  const id = idOf(given[0]);
  if (id !== undefined && parts.transfers.find(id) === undefined) {
    await parts.history.all();
    const entry = parts.history.find(id);
    if (entry !== undefined) parts.panels.showPast(entry);
    return;
  }
  const transfer = await choose(
    parts,
    given,
    active.length > 0 ? active : all,
    vscode.l10n.t('Which transfer?'),
  );
  if (transfer !== undefined) parts.panels.show(transfer);
  else if (all.length === 0) await showRelay(parts);
}

/** The send that waits and is meant, with its code; says so when there is none. */
export async function chooseWaiting(
  parts: Parts,
  given: readonly unknown[],
): Promise<{ readonly transfer: Transfer; readonly code: string } | undefined> {
  const transfer = await choose(parts, given, waitingSends(parts), vscode.l10n.t('Which code?'));
  if (transfer?.code !== undefined) return { transfer, code: transfer.code };
  void vscode.window.showInformationMessage(vscode.l10n.t('No code is waiting to be used.'));
  return undefined;
}

/** Copies the code of a send that waits. @returns whether there was one */
export async function copyCode(parts: Parts, given: readonly unknown[]): Promise<boolean> {
  const waiting = await chooseWaiting(parts, given);
  if (waiting === undefined) return false;
  await vscode.env.clipboard.writeText(waiting.code);
  vscode.window.setStatusBarMessage(vscode.l10n.t('Code copied'), 3000);
  return true;
}

/** Copies a command line that receives what is being sent. @returns whether it did */
export async function copyReceiveCommand(
  parts: Parts,
  given: readonly unknown[],
): Promise<boolean> {
  const waiting = await chooseWaiting(parts, given);
  if (waiting === undefined) return false;
  const { code, transfer } = waiting;
  const picked = await vscode.window.showQuickPick(
    [
      { label: vscode.l10n.t('macOS, Linux'), shell: 'posix' as const },
      { label: vscode.l10n.t('Windows (PowerShell)'), shell: 'powershell' as const },
    ],
    { placeHolder: vscode.l10n.t('Where will the other side run it?') },
  );
  if (picked === undefined) return false;
  const { address } = transfer.facts.meetingPoint;
  const line = isCrocRelay(address)
    ? crocCommand(code, address, picked.shell)
    : receiveCommand(code, address, picked.shell);
  await vscode.env.clipboard.writeText(line);
  vscode.window.setStatusBarMessage(vscode.l10n.t('Receive command copied'), 3000);
  return true;
}

/** Cancels a transfer that runs. */
export async function cancel(parts: Parts, given: readonly unknown[]): Promise<void> {
  const transfer = await choose(
    parts,
    given,
    parts.transfers.active,
    vscode.l10n.t('Which transfer should be cancelled?'),
  );
  await transfer?.cancel();
}
