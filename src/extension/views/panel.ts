/** The panels: at most one a transfer. Each shows the whole view again whenever something changes. */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import {
  parseSavedPage,
  parseToExtension,
  type Action,
  type PanelView,
  type ToPage,
} from '../../webview/messages.js';
import type { Transfer, Transfers } from '../transfers.js';
import { endedView, viewOf } from './panelView.js';

/** What came of a button: something was copied, or another transfer took the place of this one. */
export type Outcome = 'copied' | 'replaced' | 'done';

/** Does what a button of the panel asks for. */
export type PanelAct = (action: Action, transfer: Transfer) => Promise<Outcome>;

const escape = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** The page: a shell without a word of the transfer in it, which come as messages. */
function pageHtml(webview: vscode.Webview, root: vscode.Uri): string {
  const nonce = randomBytes(16).toString('base64');
  const at = (...parts: string[]): string =>
    escape(webview.asWebviewUri(vscode.Uri.joinPath(root, ...parts)).toString());
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    // The components put the codicon sheet into their shadow roots too, so it is allowed by source.
    `style-src ${webview.cspSource}`,
    `font-src ${webview.cspSource}`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${escape(vscode.env.language)}">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${escape(policy)}">
<link rel="stylesheet" href="${at('dist', 'codicon.css')}" id="vscode-codicon-stylesheet">
<link rel="stylesheet" href="${at('media', 'panel.css')}">
<title>Croc</title>
</head>
<body>
<main id="page"></main>
<div id="live" role="status" aria-live="polite" class="unseen"></div>
<script nonce="${nonce}" src="${at('dist', 'webview.js')}"></script>
</body>
</html>`;
}

interface Shown {
  readonly panel: vscode.WebviewPanel;
  /** The newest view; undefined once disposed. */
  view: () => PanelView;
}

/** Opens, feeds and restores panels. */
export class Panels implements vscode.Disposable {
  readonly #shown = new Map<string, Shown>();
  readonly #subscription: vscode.Disposable;

  constructor(
    private readonly root: vscode.Uri,
    private readonly transfers: Transfers,
    private readonly act: PanelAct,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.#subscription = transfers.onDidChange((transfer) => {
      const shown = this.#shown.get(transfer.id);
      if (shown !== undefined) this.#feed(shown);
    });
  }

  /** Opens the panel of a transfer, or brings it to the front. */
  show(transfer: Transfer): void {
    const open = this.#shown.get(transfer.id);
    if (open !== undefined) {
      open.panel.reveal();
      return;
    }
    const panel = vscode.window.createWebviewPanel('croc.transfer', 'Croc', {
      viewColumn: vscode.ViewColumn.Active,
    });
    const shown: Shown = { panel, view: () => viewOf(transfer) };
    this.#shown.set(transfer.id, shown);
    panel.onDidDispose(() => this.#shown.delete(transfer.id));
    this.#wire(shown, transfer.id);
  }

  /** Whether the panel of a transfer is in front of the person. */
  isVisible(transfer: Transfer): boolean {
    return this.#shown.get(transfer.id)?.panel.visible ?? false;
  }

  /** Fills a panel that VS Code kept over a reload: its transfer is gone, and it says so. */
  restore(panel: vscode.WebviewPanel, state: unknown): void {
    const view = endedView(parseSavedPage(state));
    this.#wire({ panel, view: () => view }, undefined);
  }

  dispose(): void {
    this.#subscription.dispose();
    for (const { panel } of [...this.#shown.values()]) panel.dispose();
  }

  #wire(shown: Shown, id: string | undefined): void {
    const { panel } = shown;
    panel.iconPath = vscode.Uri.joinPath(this.root, 'media', 'croc.svg');
    panel.webview.options = {
      enableScripts: true,
      localResourceRoots: ['dist', 'media'].map((part) => vscode.Uri.joinPath(this.root, part)),
    };
    panel.webview.onDidReceiveMessage((message: unknown) => {
      void this.#heard(shown, id, message);
    });
    // A hidden page is thrown away; when it is back it says `ready` and gets everything again.
    panel.onDidChangeViewState(() => this.#feed(shown));
    panel.webview.html = pageHtml(panel.webview, this.root);
    panel.title = shown.view().heading;
  }

  #feed(shown: Shown): void {
    const view = shown.view();
    if (shown.panel.title !== view.heading) shown.panel.title = view.heading;
    if (shown.panel.visible) this.#post(shown, { type: 'view', view });
  }

  #post(shown: Shown, message: ToPage): void {
    void shown.panel.webview.postMessage(message);
  }

  async #heard(shown: Shown, id: string | undefined, given: unknown): Promise<void> {
    const message = parseToExtension(given);
    if (message === undefined) {
      this.log.warn('panel: a message that is not one of ours was ignored');
      return;
    }
    if (message.type === 'ready') {
      this.#feed(shown);
      return;
    }
    if (message.action === 'close') {
      shown.panel.dispose();
      return;
    }
    const transfer = id === undefined ? undefined : this.transfers.find(id);
    if (transfer === undefined) return;
    const outcome = await this.act(message.action, transfer);
    if (outcome === 'copied') this.#post(shown, { type: 'copied', action: message.action });
    if (outcome === 'replaced') shown.panel.dispose();
  }
}
