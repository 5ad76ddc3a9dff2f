/** Builds the parts, wires them and takes them down. Loaded at the first call. */
import * as vscode from 'vscode';
import { Croc, type Offer } from '../core/index.js';
import type { Action } from '../webview/messages.js';
import { act, actOnPast } from './actions.js';
import type { CrocApi, TransferInfo } from './api.js';
import { clearHistory, removeTransfer, resume, reveal, sendAgain } from './commands/history.js';
import type { CommandId } from './commands/ids.js';
import { check } from './commands/check.js';
import { copyLink, openLink } from './commands/link.js';
import { forgetRelayPasswords } from './commands/forget.js';
import { lookAround, receive, receiveHere } from './commands/receive.js';
import { showRelay, startRelay, stopRelay } from './commands/relay.js';
import { send, sendUris, startSend } from './commands/send.js';
import { sendChanges } from './commands/sendChanges.js';
import { sendSelection, sendText } from './commands/sendText.js';
import { sendWithCode } from './commands/sendWithCode.js';
import { cancel, copyCode, copyReceiveCommand, showTransfer } from './commands/transfer.js';
import { undoReceive } from './commands/undo.js';
import { History } from './history/history.js';
import { EntryStore } from './history/store.js';
import { PatchView } from './receive/patchView.js';
import { trackOffer } from './receive/track.js';
import type { Parts } from './parts.js';
import { RelayPasswords } from './relayPasswords.js';
import { Relays } from './relays.js';
import { RelayTasks } from './relayTask.js';
import { settings } from './settings.js';
import { Transfers, type Transfer } from './transfers.js';
import { Undoing } from './undoing.js';
import { Notifications } from './views/notifications.js';
import { Panels, type Outcome } from './views/panel.js';
import { StatusBar } from './views/statusBar.js';
import { TransferTree } from './views/tree.js';

const HANDLERS: Record<CommandId, (parts: Parts, given: readonly unknown[]) => Promise<unknown>> = {
  'croc.send': send,
  'croc.receive': (parts) => receive(parts),
  'croc.receiveHere': receiveHere,
  'croc.startRelay': startRelay,
  'croc.stopRelay': stopRelay,
  'croc.showRelay': showRelay,
  'croc.checkRelay': check,
  'croc.showTransfer': showTransfer,
  'croc.copyCode': copyCode,
  'croc.copyReceiveCommand': copyReceiveCommand,
  'croc.copyLink': copyLink,
  'croc.cancel': cancel,
  'croc.sendAgain': sendAgain,
  'croc.resume': resume,
  'croc.reveal': reveal,
  'croc.removeTransfer': removeTransfer,
  'croc.clearHistory': clearHistory,
  'croc.getStarted': ({ context }) =>
    Promise.resolve(
      vscode.commands.executeCommand(
        'workbench.action.openWalkthrough',
        `${context.extension.id}#firstMinute`,
      ),
    ),
  'croc.sendSelection': sendSelection,
  'croc.sendWithCode': sendWithCode,
  'croc.sendText': sendText,
  'croc.sendChanges': sendChanges,
  'croc.undoReceive': undoReceive,
  'croc.forgetRelayPasswords': forgetRelayPasswords,
};

/** What other extensions may know of a transfer. */
const infoOf = ({
  id,
  direction,
  stage,
  facts,
  totals,
  progress,
  error,
}: Transfer): TransferInfo => ({
  ...{ id, direction, stage, totals, progress },
  names: facts.items.map(({ name }) => name),
  error: error?.code,
});

/** The running extension. */
export class App implements Parts {
  readonly croc = new Croc();
  readonly relayPasswords: RelayPasswords;
  readonly transfers: Transfers;
  readonly history: History;
  readonly tree: TransferTree;
  readonly relays: Relays;
  readonly panels: Panels;
  readonly undoing: Undoing;
  readonly patchView = new PatchView();
  readonly relayTasks: RelayTasks;
  readonly api: Omit<CrocApi, 'onDidChangeTransfers'>;

  constructor(
    readonly context: vscode.ExtensionContext,
    readonly log: vscode.LogOutputChannel,
    tell: (transfers: readonly TransferInfo[]) => void,
  ) {
    this.transfers = new Transfers(log);
    this.undoing = new Undoing(this.transfers, context.globalState);
    this.relayPasswords = new RelayPasswords(context.secrets);
    this.relays = new Relays(log);
    this.relayTasks = new RelayTasks(this.relays);
    const store = new EntryStore(vscode.Uri.joinPath(context.globalStorageUri, 'history').fsPath);
    this.history = new History(store, this.transfers, log);
    this.tree = new TransferTree(this.history, this.transfers, async (uris) => {
      await sendUris(this, uris);
    });
    this.panels = new Panels(context.extensionUri, this.transfers, this.history, log, {
      running: (action, transfer) => this.act(action, transfer),
      past: (action, id) => actOnPast(this, action, id),
    });
    this.api = this.#api();
    context.subscriptions.push(
      this.transfers,
      this.undoing,
      this.patchView,
      this.relays,
      this.panels,
      this.history,
      this.tree,
      new StatusBar(this.transfers, this.relays),
      new Notifications(this),
      this.transfers.onDidChange(() => this.#setContext()),
      this.transfers.onDidChange(() => tell(this.transfers.all.map(infoOf))),
      this.relays.onDidChange(() => this.#setContext()),
    );
  }

  /** Runs a command. */
  async run(id: CommandId, given: readonly unknown[]): Promise<void> {
    await HANDLERS[id](this, given);
  }

  /** Somebody opened a link of ours. */
  openLink(uri: vscode.Uri): Promise<void> {
    return openLink(this, uri);
  }

  act(action: Action, transfer: Transfer | undefined): Promise<Outcome> {
    return act(this, action, transfer);
  }

  /** Ends transfers, then relays. Never throws. */
  async close(): Promise<void> {
    this.history.closing();
    await this.transfers.close();
    await this.undoing.close();
    await Promise.all([this.relays.stop(), this.history.flush()]);
  }

  #api(): App['api'] {
    return {
      send: async (items, options) => (await startSend(this, items, options)).send,
      receive: async (code, options = {}): Promise<Offer> => {
        const relay = options.relay ?? settings.relay;
        const offer = await this.croc.receive(code, {
          ...lookAround(options.relay === undefined),
          ...options,
          ...(relay === undefined ? {} : { relay }),
        });
        return trackOffer(this.transfers, this.relays, offer);
      },
      startRelay: (options) => this.relays.start(options ?? {}),
    };
  }

  #setContext(): void {
    const { all, active } = this.transfers;
    const set = (key: string, value: boolean): void => {
      void vscode.commands.executeCommand('setContext', `croc.${key}`, value);
    };
    set('relayRunning', this.relays.current !== undefined);
    set('transferKnown', all.length > 0);
    set('transferActive', active.length > 0);
    set('undoKnown', this.undoing.transfer !== undefined);
    set(
      'codeWaiting',
      active.some((transfer) => transfer.code !== undefined),
    );
  }
}
