/** Undo: takes back the last receive. */
import * as vscode from 'vscode';
import { CrocError } from '../../core/index.js';
import { foreignText } from '../foreign.js';
import type { Parts } from '../parts.js';
import { errorLine } from '../texts.js';

/** The command. @param given - the id of a transfer, or nothing for the last one */
export async function undoReceive(parts: Parts, given: readonly unknown[]): Promise<void> {
  const { t } = vscode.l10n;
  const [id] = given;
  const transfer = typeof id === 'string' ? parts.transfers.find(id) : parts.undoing.transfer;
  try {
    const result = transfer === undefined ? undefined : await parts.undoing.run(transfer);
    if (result === undefined) {
      void vscode.window.showInformationMessage(
        t('Nothing that was received can be taken back now.'),
      );
      return;
    }
    const { removed, restored, left } = result;
    const done = t('Taken back: {0} removed, {1} put back as before.', removed, restored);
    if (left.length === 0) {
      void vscode.window.showInformationMessage(done);
      return;
    }
    const first = foreignText(left[0] ?? '');
    void vscode.window.showWarningMessage(
      `${done} ${t('{0} stay as they are, because they changed since, such as {1}.', left.length, first)}`,
    );
  } catch (error) {
    void vscode.window.showErrorMessage(errorLine(CrocError.from(error)));
  }
}
