/** The one status item: the code while it waits, the percentage while bytes pass, else nothing. */
import * as vscode from 'vscode';
import type { CommandId } from '../commands/ids.js';
import { percentOf } from '../format.js';
import type { Relays } from '../relays.js';
import { itemsTitle, shortAddress, stageText } from '../texts.js';
import type { Transfer, Transfers } from '../transfers.js';
import { lostText } from './liveTexts.js';

const { t } = vscode.l10n;
/** How long the end of a transfer stays in sight. */
const ENDED_MS = 10_000;

interface Look {
  readonly text: string;
  readonly spoken: string;
  /** The words of the hover; default: what is spoken. Without numbers that run, or it would blink. */
  readonly hover?: string;
  readonly background?: vscode.ThemeColor;
  /** What can be done from the hover. */
  readonly links?: readonly vscode.Command[];
}

/** What can be done with a transfer in its state. */
function linksOf({ id, stage, active, direction, facts, roots }: Transfer): vscode.Command[] {
  const link = (command: CommandId, title: string): vscode.Command => ({
    ...{ command, title },
    arguments: [id],
  });
  if (stage === 'waiting')
    return [
      link('croc.copyCode', t('Copy Code')),
      link('croc.copyReceiveCommand', t('Copy Receive Command')),
      link('croc.copyLink', t('Copy Link')),
      link('croc.cancel', t('Cancel')),
    ];
  if (active) return [link('croc.cancel', t('Cancel'))];
  if (direction === 'receive') return roots.length > 0 ? [link('croc.reveal', t('Reveal'))] : [];
  return facts.paths.length > 0
    ? [link('croc.sendAgain', t('Send Again')), link('croc.reveal', t('Reveal'))]
    : [];
}

/** The hover: its words, and below them the links. Plain text without links. */
function tooltipOf(
  words: string,
  links: readonly vscode.Command[],
): string | vscode.MarkdownString {
  if (links.length === 0) return words;
  const tooltip = new vscode.MarkdownString().appendText(words).appendMarkdown('\n\n');
  tooltip.isTrusted = { enabledCommands: links.map(({ command }) => command) };
  const lines = links.map(({ command, title, arguments: given = [] }) => {
    const target = `command:${command}?${encodeURIComponent(JSON.stringify(given))}`;
    return `[${title}](${target})`;
  });
  return tooltip.appendMarkdown(lines.join(' · '));
}

function runningLook(transfer: Transfer): Look {
  const title = itemsTitle(transfer.facts.items);
  const spoken = `Croc: ${title}. ${stageText(transfer)}`;
  const links = linksOf(transfer);
  const lost = lostText(transfer);
  if (lost !== undefined) {
    const background = new vscode.ThemeColor('statusBarItem.warningBackground');
    const text = `$(debug-disconnect) ${lost}`;
    return { text, spoken: `Croc: ${title}. ${lost}`, hover: spoken, background, links };
  }
  if (transfer.code !== undefined)
    return {
      text: `$(sync~spin) ${transfer.code}`,
      spoken: t('Croc code {0}. {1}', transfer.code, stageText(transfer)),
      links,
    };
  const icon = transfer.direction === 'send' ? 'cloud-upload' : 'cloud-download';
  const { progress } = transfer;
  if (progress === undefined) return { text: `$(sync~spin) ${title}`, spoken, links };
  const percent = t('{0} %', percentOf(progress.bytes, progress.total));
  const text = `$(${icon}) ${percent}`;
  return { text, spoken: `${spoken} ${percent}`, hover: spoken, links };
}

function endedLook(transfer: Transfer): Look {
  const title = itemsTitle(transfer.facts.items);
  const spoken = `Croc: ${title}. ${stageText(transfer)}`;
  const links = linksOf(transfer);
  if (transfer.stage !== 'failed') return { text: `$(check) ${title}`, spoken, links };
  const background = new vscode.ThemeColor('statusBarItem.errorBackground');
  return { text: `$(error) ${title}`, spoken, background, links };
}

/** Arguments are ids of transfers. */
const sameCommand = (one: vscode.Command, other: vscode.Command | undefined): boolean =>
  one.command === other?.command && one.arguments?.join() === other.arguments?.join();

/** Draws the item whenever transfers or relays change. */
export class StatusBar implements vscode.Disposable {
  readonly #item = vscode.window.createStatusBarItem(
    'croc.status',
    vscode.StatusBarAlignment.Left,
    50,
  );
  readonly #subscriptions: vscode.Disposable[];
  #ended: Transfer | undefined;
  #command: vscode.Command | undefined;
  #hover = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly transfers: Transfers,
    private readonly relays: Relays,
  ) {
    this.#item.name = 'Croc';
    this.#subscriptions = [
      // An end is drawn once, below: here the one that ended before would show for a moment.
      transfers.onDidChange((transfer) => {
        if (transfer.active) this.#draw();
      }),
      transfers.onDidEnd((transfer) => this.#keep(transfer)),
      relays.onDidChange(() => this.#draw()),
    ];
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#item.dispose();
  }

  #keep(transfer: Transfer): void {
    this.#ended = transfer.stage === 'cancelled' ? undefined : transfer;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#ended = undefined;
      this.#draw();
    }, ENDED_MS);
    this.#draw();
  }

  #draw(): void {
    const active = this.transfers.active;
    const [newest] = active;
    const shown = newest ?? this.#ended;
    if (shown !== undefined) {
      const look = newest === undefined ? endedLook(shown) : runningLook(shown);
      const more = active.length > 1 ? ` +${active.length - 1}` : '';
      this.#show(
        { ...look, text: `${look.text}${more}` },
        {
          title: t('Show Transfer'),
          command: 'croc.showTransfer',
          arguments: active.length > 1 ? [] : [shown.id],
        },
      );
      return;
    }
    const relay = this.relays.current;
    // A relay that a send has just started is about to be told by that send.
    const early =
      relay !== undefined && this.relays.startedByItself(relay) && this.transfers.all.length === 0;
    if (relay === undefined || early) {
      this.#item.hide();
      return;
    }
    const address = shortAddress(relay.url);
    const connections = this.relays.stats?.connections ?? 0;
    const runs = t('Croc: the workspace relay runs at {0}', address);
    const spoken = connections === 0 ? runs : `${runs}. ${t('Open connections: {0}', connections)}`;
    this.#show(
      { text: `$(radio-tower) Croc${connections === 0 ? '' : ` ${connections}`}`, spoken },
      { title: t('Show Workspace Relay'), command: 'croc.showRelay' },
    );
  }

  #show(look: Look, command: vscode.Command): void {
    const { hover = look.spoken, links = [] } = look;
    const drawn = [hover, ...links.map(({ command, arguments: given }) => [command, given])];
    // An open hover would blink if it were made anew each time.
    if (JSON.stringify(drawn) !== this.#hover) this.#item.tooltip = tooltipOf(hover, links);
    this.#item.text = look.text;
    this.#hover = JSON.stringify(drawn);
    this.#item.accessibilityInformation = { label: look.spoken, role: 'button' };
    this.#item.backgroundColor = look.background;
    // VS Code makes a new command of each object it is given and drops clicks on the one before,
    // so while bytes pass the item has to keep the same.
    if (!sameCommand(command, this.#command)) this.#item.command = this.#command = command;
    this.#item.show();
  }
}
