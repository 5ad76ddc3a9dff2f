/** Forget Relay Passwords. */
import * as vscode from 'vscode';
import type { Parts } from '../parts.js';

/** The command. */
export async function forgetRelayPasswords(parts: Parts): Promise<void> {
  await parts.relayPasswords.forget();
  vscode.window.setStatusBarMessage(vscode.l10n.t('Relay passwords forgotten'), 3000);
}
