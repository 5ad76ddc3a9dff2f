/** What the commands work with. */
import type * as vscode from 'vscode';
import type { Croc } from '../core/index.js';
import type { History } from './history/history.js';
import type { RelayPasswords } from './relayPasswords.js';
import type { PatchView } from './receive/patchView.js';
import type { Relays } from './relays.js';
import type { Transfer, Transfers } from './transfers.js';
import type { Undoing } from './undoing.js';
import type { Outcome, Panels } from './views/panel.js';
import type { Action } from '../webview/messages.js';

/** The parts of the running extension, made once by app.ts. */
export interface Parts {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly croc: Croc;
  readonly relays: Relays;
  readonly relayPasswords: RelayPasswords;
  readonly transfers: Transfers;
  readonly history: History;
  readonly panels: Panels;
  readonly undoing: Undoing;
  readonly patchView: PatchView;
  /** Does what a button of the panel or of a message asks for. */
  act(action: Action, transfer: Transfer | undefined): Promise<Outcome>;
}
