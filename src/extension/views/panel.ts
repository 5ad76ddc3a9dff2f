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
import type { Entry } from '../history/entry.js';
import type { History } from '../history/history.js';
import type { Transfer, Transfers } from '../transfers.js';
import { endedView, offerView, pastView, viewOf, type Offered } from './panelView.js';

/** What came of a button: something was copied, or another transfer took the place of this one. */
export type Outcome = 'copied' | 'replaced' | 'done';

/** Do what a button of the panel asks for. */
export interface PanelActs {
  /** Of a transfer of this window. */
  running(action: Action, transfer: Transfer): Promise<Outcome>;
  /** Of one that only the history knows, by its id. */
  past(action: Action, id: string): Promise<Outcome>;
}

/** How long ago a window may have gone whose panel comes back without a word. */
const JUST_MS = 5 * 60_000;

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
  /** Of the transfer; undefined as long as there is only an offer, or nothing is known. */
  id: string | undefined;
  /** What is shown when neither a transfer nor the history has the id. */
  otherwise: PanelView;
}

/** The panel of an offer, while the person is asked what to take. */
export interface OfferPanel {
  /** The offer was taken: from now on the panel shows the transfer. */
  becomes(transfer: Transfer): void;
  /** Nothing came of it. */
  close(): void;
}

/** Opens, feeds and restores panels. */
export class Panels implements vscode.Disposable {
  readonly #shown = new Set<Shown>();
  readonly #subscription: vscode.Disposable;

  constructor(
    private readonly root: vscode.Uri,
    private readonly transfers: Transfers,
    private readonly history: History,
    private readonly log: vscode.LogOutputChannel,
    private readonly act: PanelActs,
  ) {
    this.#subscription = history.onDidChange((transfer) => {
      for (const shown of this.#shown)
        if (transfer === undefined || shown.id === transfer.id) this.#feed(shown);
    });
  }

  /** Opens the panel of a transfer, or brings it to the front. */
  show(transfer: Transfer): void {
    this.#open(transfer.id, viewOf(transfer));
  }

  /** Opens the panel of a transfer that only the history knows, or brings it to the front. */
  showPast(entry: Entry): void {
    this.#open(entry.id, pastView(entry));
  }

  /** Opens a panel with what is offered; the questions keep the keyboard. */
  showOffer(offered: Offered): OfferPanel {
    const shown = this.#open(undefined, offerView(offered), true);
    return {
      becomes: (transfer) => {
        shown.id = transfer.id;
        this.#feed(shown);
      },
      close: () => {
        shown.panel.dispose();
      },
    };
  }

  /** Whether the panel of a transfer is in front of the person. */
  isVisible(transfer: Transfer): boolean {
    return this.#find(transfer.id)?.panel.visible ?? false;
  }

  /** Fills a panel that VS Code kept over a reload with what the history knows of its transfer. */
  async restore(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const saved = parseSavedPage(state);
    const all = await this.history.all();
    // VS Code may reload before it has kept what the page said: then it is what was just interrupted.
    const known = saved === undefined || saved.id === '' ? undefined : saved.id;
    const id = known ?? all.find((entry) => this.#justInterrupted(entry))?.id;
    this.#wire({ panel, id, otherwise: endedView(saved) });
  }

  dispose(): void {
    this.#subscription.dispose();
    for (const { panel } of [...this.#shown]) panel.dispose();
  }

  #justInterrupted({ id, state, runner }: Entry): boolean {
    const sinceMs = Date.now() - runner.seenAtMs;
    return state === 'interrupted' && sinceMs < JUST_MS && this.#find(id) === undefined;
  }

  #find(id: string): Shown | undefined {
    return [...this.#shown].find((shown) => shown.id === id);
  }

  #open(id: string | undefined, otherwise: PanelView, preserveFocus = false): Shown {
    const open = id === undefined ? undefined : this.#find(id);
    if (open !== undefined) {
      open.panel.reveal();
      return open;
    }
    const panel = vscode.window.createWebviewPanel('croc.transfer', 'Croc', {
      viewColumn: vscode.ViewColumn.Active,
      preserveFocus,
    });
    return this.#wire({ panel, id, otherwise });
  }

  #viewOf({ id, otherwise }: Shown): PanelView {
    if (id === undefined) return otherwise;
    const transfer = this.transfers.find(id);
    if (transfer !== undefined) return viewOf(transfer);
    const entry = this.history.find(id);
    return entry === undefined ? otherwise : pastView(entry);
  }

  #wire(shown: Shown): Shown {
    const { panel } = shown;
    this.#shown.add(shown);
    panel.onDidDispose(() => this.#shown.delete(shown));
    panel.iconPath = vscode.Uri.joinPath(this.root, 'media', 'croc.svg');
    panel.webview.options = {
      enableScripts: true,
      localResourceRoots: ['dist', 'media'].map((part) => vscode.Uri.joinPath(this.root, part)),
    };
    panel.webview.onDidReceiveMessage((message: unknown) => {
      void this.#heard(shown, message);
    });
    // A hidden page is thrown away; when it is back it says `ready` and gets everything again.
    panel.onDidChangeViewState(() => this.#feed(shown));
    panel.webview.html = pageHtml(panel.webview, this.root);
    panel.title = this.#viewOf(shown).heading;
    return shown;
  }

  #feed(shown: Shown): void {
    const view = this.#viewOf(shown);
    if (shown.panel.title !== view.heading) shown.panel.title = view.heading;
    if (shown.panel.visible) this.#post(shown, { type: 'view', view });
  }

  #post(shown: Shown, message: ToPage): void {
    void shown.panel.webview.postMessage(message);
  }

  async #heard(shown: Shown, given: unknown): Promise<void> {
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
    const { id } = shown;
    if (id === undefined) return;
    const transfer = this.transfers.find(id);
    const outcome = await (transfer === undefined
      ? this.act.past(message.action, id)
      : this.act.running(message.action, transfer));
    if (outcome === 'copied') this.#post(shown, { type: 'copied', action: message.action });
    if (outcome === 'replaced') shown.panel.dispose();
  }
}
