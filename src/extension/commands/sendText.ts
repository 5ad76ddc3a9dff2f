/** Send Selection, and Send Text: what has no file of its own. */
import * as vscode from 'vscode';
import type { Parts } from '../parts.js';
import { fileNameOf } from '../sending/sources.js';
import { sendItems } from './send.js';

/** The selected text of the active editor; several selections a line each. */
export async function sendSelection(parts: Parts): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const { t } = vscode.l10n;
  const selected = editor?.selections.filter((selection) => !selection.isEmpty) ?? [];
  if (editor === undefined || selected.length === 0) {
    await vscode.window.showInformationMessage(t('Select some text in an editor first.'));
    return;
  }
  const { document } = editor;
  const ordered = [...selected].sort((a, b) => a.start.compareTo(b.start));
  const text = ordered.map((selection) => document.getText(selection)).join('\n');
  await sendItems(parts, [{ kind: 'text', text, name: fileNameOf(document) }]);
}

/** Asks for a text and sends it. */
export async function sendText(parts: Parts): Promise<void> {
  const { t } = vscode.l10n;
  const text = await vscode.window.showInputBox({
    title: t('Send Text'),
    prompt: t(
      'The text to send. For several lines, write them in an editor and send the selection.',
    ),
    ignoreFocusOut: true,
    validateInput: (value) => (value === '' ? t('Type something.') : undefined),
  });
  if (text !== undefined && text !== '') await sendItems(parts, [{ kind: 'text', text }]);
}
