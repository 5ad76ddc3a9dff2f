/** Tells the person that something went wrong, with the button that helps. */
import * as vscode from 'vscode';
import { CrocError } from '../core/index.js';
import type { Parts } from './parts.js';
import { remedyFor, remedyLabel } from './remedies.js';
import { errorLine } from './texts.js';
import type { Transfer } from './transfers.js';

/**
 * Shows an error. Resolves when the message is gone and what its button asked for is done.
 *
 * @param transfer - the one that failed, if there is one
 */
export async function sayError(
  parts: Pick<Parts, 'act' | 'log'>,
  thrown: unknown,
  direction: 'send' | 'receive',
  transfer?: Transfer,
): Promise<void> {
  const error = CrocError.from(thrown);
  parts.log.error(
    `${direction}: ${error.code}${error.code === 'internal' ? `: ${error.message}` : ''}`,
  );
  const ownRelay = transfer?.facts.meetingPoint.own ?? false;
  const remedy = remedyFor(error, direction, ownRelay);
  // Without a transfer there is nothing that could be sent again.
  const useful = remedy === 'send-again' && transfer === undefined ? undefined : remedy;
  const label = useful === undefined ? undefined : remedyLabel(useful);
  const line = errorLine(error);
  const picked =
    label === undefined
      ? await vscode.window.showErrorMessage(line)
      : await vscode.window.showErrorMessage(line, label);
  if (picked !== undefined && useful !== undefined) await parts.act(useful, transfer);
}
