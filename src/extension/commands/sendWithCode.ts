/** Send with a Code of My Own: for two people who have agreed on one before. */
import * as vscode from 'vscode';
import { CrocError, networkOf, parseCode } from '../../core/index.js';
import type { Parts } from '../parts.js';
import { settings } from '../settings.js';
import { errorTexts } from '../texts.js';
import { sendUris, urisToSend } from './send.js';

/** Why `text` is no code to send with; undefined when it is one. */
function problemOf(text: string): string | undefined {
  try {
    if (settings.network === 'croc') networkOf(text);
    else parseCode(text);
    return undefined;
  } catch (thrown) {
    const error = CrocError.from(thrown, 'invalid_code');
    if (error.code === 'croc_network')
      return vscode.l10n.t('Begin with a number and a dash, like 42-what-we-agreed-on.');
    return errorTexts(error).what;
  }
}

/** The command. @param given - `(uri, uris?)`, or nothing */
export async function sendWithCode(parts: Parts, given: readonly unknown[]): Promise<void> {
  const uris = await urisToSend(given);
  if (uris.length === 0) return;
  const { t } = vscode.l10n;
  const code = await vscode.window.showInputBox({
    title: t('Send with a Code of My Own'),
    prompt: t(
      'Whoever guesses it can receive: a number, a dash, and words that nobody else thinks of.',
    ),
    placeHolder: t('42-what-we-agreed-on'),
    ignoreFocusOut: true,
    validateInput: problemOf,
  });
  // The same code would not do better: perhaps it is in use.
  const again = (): Promise<void> => sendWithCode(parts, [uris[0], uris]);
  if (code !== undefined) await sendUris(parts, uris, { code, again });
}
