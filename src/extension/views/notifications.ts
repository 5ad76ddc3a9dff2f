/** One message a transfer: progress with Cancel while bytes pass, then how it ended. */
import * as vscode from 'vscode';
import { percentOf } from '../format.js';
import type { Parts } from '../parts.js';
import { sayError } from '../say.js';
import { settings } from '../settings.js';
import { itemsTitle } from '../texts.js';
import type { Transfer } from '../transfers.js';
import { liveText } from './liveTexts.js';

const { t } = vscode.l10n;

/** Watches the transfers and tells about them. */
export class Notifications implements vscode.Disposable {
  readonly #subscriptions: vscode.Disposable[];
  readonly #told = new Set<string>();

  constructor(private readonly parts: Parts) {
    const { transfers } = parts;
    this.#subscriptions = [
      transfers.onDidChange((transfer) => {
        // While a code waits, status bar and panel are enough.
        if (!transfer.active || transfer.stage === 'waiting' || this.#told.has(transfer.id)) return;
        this.#told.add(transfer.id);
        void this.#progress(transfer);
      }),
      transfers.onDidEnd((transfer) => {
        void this.#ended(transfer);
      }),
    ];
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #progress(transfer: Transfer): PromiseLike<void> {
    const title = itemsTitle(transfer.facts.items);
    return vscode.window.withProgress(
      {
        location: vscode.ProgressLocation.Notification,
        title: transfer.direction === 'send' ? t('Sending {0}', title) : t('Receiving {0}', title),
        cancellable: true,
      },
      async (progress, token) => {
        let shown = 0;
        const report = (changed: Transfer): void => {
          if (changed !== transfer) return;
          const percent =
            transfer.progress === undefined
              ? 0
              : percentOf(transfer.progress.bytes, transfer.progress.total);
          progress.report({ message: liveText(transfer), increment: percent - shown });
          shown = percent;
        };
        const changes = this.parts.transfers.onDidChange(report);
        const cancel = token.onCancellationRequested(() => void transfer.cancel());
        report(transfer);
        await transfer.settled;
        changes.dispose();
        cancel.dispose();
      },
    );
  }

  async #ended(transfer: Transfer): Promise<void> {
    this.#told.delete(transfer.id);
    const { stage, direction } = transfer;
    // The panel in front says it already, with the same button; only what arrived has more to offer.
    if (!(stage === 'done' && direction === 'receive') && this.parts.panels.isVisible(transfer))
      return;
    if (stage === 'failed')
      await sayError(this.parts.log, transfer.error, {
        direction,
        ownRelay: transfer.facts.meetingPoint.own,
        act: (remedy) => this.parts.act(remedy, transfer),
      });
    if (stage !== 'done') return;
    const title = itemsTitle(transfer.facts.items);
    if (direction === 'send') {
      if (!settings.tellsWhenSent) return;
      const show = t('Show');
      const never = t("Don't Show Again");
      const picked = await vscode.window.showInformationMessage(t('Sent {0}.', title), show, never);
      if (picked === show) this.parts.panels.show(transfer);
      if (picked === never) await settings.tellNoMoreWhenSent();
      return;
    }
    // What became of a text is told, or seen, where it was taken.
    if (transfer.isText) return;
    const open = t('Open');
    const reveal = t('Reveal');
    const undo = t('Undo');
    const text = t('Received {0}.', title);
    // Where nothing was written, nothing can be taken back.
    const undoing = (transfer.undo?.files ?? 0) > 0 ? [undo] : [];
    const picked = await vscode.window.showInformationMessage(text, open, reveal, ...undoing);
    if (picked === undo) await this.parts.act('undo', transfer);
    if (picked === open) await this.parts.act('open', transfer);
    if (picked === reveal) await this.parts.act('reveal', transfer);
  }
}
