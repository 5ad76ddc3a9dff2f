/** The second question, only when no relay is set: where both sides meet. */
import * as vscode from 'vscode';
import { CrocError, parseRelayAddress } from '../../core/index.js';
import { errorLine } from '../texts.js';
import { ask, type Answer } from './quick.js';

/** @param prefilled - `host:port`, or empty @returns `http://host:port` */
export async function askRelay(
  prefilled: string,
  steps: { readonly title: string; readonly totalSteps: number; readonly foreign?: boolean },
): Promise<Answer<string>> {
  const { t } = vscode.l10n;
  const input = vscode.window.createInputBox();
  input.title = steps.title;
  input.step = 2;
  input.totalSteps = steps.totalSteps;
  input.prompt =
    steps.foreign === true
      ? t(
          'This relay comes from the link. It learns the address of this machine and how much is received, not what. Go on only if you know who sent the link.',
        )
      : t('The relay address that the sender sees beside the code');
  input.placeholder = '192.168.1.20:8003';
  input.value = prefilled;
  const check = (): string | undefined => {
    try {
      const address = parseRelayAddress(input.value);
      input.validationMessage = undefined;
      return address;
    } catch (error) {
      input.validationMessage = errorLine(CrocError.from(error));
      return undefined;
    }
  };
  // An empty box is told about at Enter only: nobody has made a mistake yet.
  input.onDidChangeValue(() => {
    if (input.value === '') input.validationMessage = undefined;
    else check();
  });
  return ask(input, { back: true, onAccept: check });
}
