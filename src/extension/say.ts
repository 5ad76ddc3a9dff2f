/** Tells the person that something went wrong, with the button that helps. */
import * as vscode from 'vscode';
import { CrocError, type ErrorCode } from '../core/index.js';
import { remedyFor, remedyLabel, type Remedy } from './remedies.js';
import { errorLine } from './texts.js';

/** What the message is about. */
export interface Trouble {
  readonly direction: 'send' | 'receive';
  /** Whether this window runs the relay in use. */
  readonly ownRelay: boolean;
  /** Does what the button says. */
  readonly act: (remedy: Remedy) => Promise<unknown>;
}

/** What people decide or leave is not an error. */
const HUMAN: ReadonlySet<ErrorCode> = new Set(['refused', 'peer_cancelled', 'nobody_came']);

/** Shows an error. Resolves when the message is gone and what its button asked for is done. */
export async function sayError(
  log: vscode.LogOutputChannel,
  thrown: unknown,
  { direction, ownRelay, act }: Trouble,
): Promise<void> {
  const error = CrocError.from(thrown);
  // The other messages may hold names and addresses, and the code says enough.
  log.error(`${direction}: ${error.code === 'internal' ? error.message : error.code}`);
  const remedy = remedyFor(error, direction, ownRelay);
  const labels = remedy === undefined ? [] : [remedyLabel(remedy)];
  const show = HUMAN.has(error.code)
    ? vscode.window.showWarningMessage
    : vscode.window.showErrorMessage;
  const picked = await show(errorLine(error, direction), ...labels);
  if (picked !== undefined && remedy !== undefined) await act(remedy);
}
