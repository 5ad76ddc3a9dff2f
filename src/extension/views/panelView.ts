/** A transfer as the panel shows it. */
import * as vscode from 'vscode';
import { printable } from '../../core/index.js';
import type { PanelButton, PanelView, SavedPage, Stage } from '../../webview/messages.js';
import { percentOf } from '../format.js';
import { errorOf, itemsOf, type Entry } from '../history/entry.js';
import { placeText } from '../place.js';
import { remedyFor, remedyLabel } from '../remedies.js';
import { bytesText, dayText, errorTexts, itemsTitle, stageText, timeText } from '../texts.js';
import type { Transfer, TransferItem } from '../transfers.js';
import { listOf, listWith, pastListOf } from './panelList.js';
import { meetingOf } from './panelMeeting.js';
import { progressOf } from './panelProgress.js';

const { t } = vscode.l10n;

const REMEDY_ICONS = {
  'send-again': 'refresh',
  'receive-again': 'refresh',
  'open-settings': 'gear',
  'show-log': 'output',
} as const;

interface Titled {
  readonly direction: 'send' | 'receive';
  readonly state: string;
  readonly items: readonly TransferItem[];
}

function headingOf({ direction, state, items }: Titled): string {
  const title = itemsTitle(items);
  const sending = direction === 'send';
  if (state === 'done') return sending ? t('Sent {0}', title) : t('Received {0}', title);
  if (state === 'failed')
    return sending ? t('Could not send {0}', title) : t('Could not receive {0}', title);
  if (state === 'cancelled') return t('Cancelled: {0}', title);
  if (state === 'interrupted') return t('Interrupted: {0}', title);
  return sending ? t('Sending {0}', title) : t('Receiving {0}', title);
}

const buttons = {
  link: (): PanelButton => ({
    action: 'copy-link',
    label: t('Copy Link'),
    icon: 'link',
    primary: false,
  }),
  cancel: (): PanelButton => ({
    action: 'cancel',
    label: t('Cancel'),
    icon: 'close',
    primary: false,
  }),
  again: (): PanelButton => ({
    action: 'send-again',
    label: t('Send Again'),
    icon: 'refresh',
    primary: false,
  }),
  receiveAgain: (): PanelButton => ({
    action: 'receive-again',
    label: remedyLabel('receive-again'),
    icon: REMEDY_ICONS['receive-again'],
    primary: false,
  }),
  open: (): PanelButton => ({
    action: 'open',
    label: t('Open'),
    icon: 'go-to-file',
    primary: true,
  }),
  reveal: (): PanelButton => ({
    action: 'reveal',
    label: t('Reveal'),
    icon: 'folder-opened',
    primary: false,
  }),
  undo: (): PanelButton => ({ action: 'undo', label: t('Undo'), icon: 'discard', primary: false }),
  resume: (): PanelButton => ({
    action: 'resume',
    label: t('Resume'),
    icon: 'debug-continue',
    primary: true,
  }),
  remove: (): PanelButton => ({
    action: 'remove',
    label: t('Remove from History'),
    icon: 'trash',
    primary: false,
  }),
  close: (): PanelButton => ({ action: 'close', label: t('Close'), icon: 'close', primary: false }),
};

function buttonsOf(transfer: Transfer): PanelButton[] {
  if (transfer.stage === 'waiting') return [buttons.link(), buttons.cancel()];
  if (transfer.active) return [buttons.cancel()];
  const sending = transfer.direction === 'send';
  const { paths, sent = paths } = transfer.facts;
  const again = sending && sent.length > 0 ? [buttons.again()] : [];
  if (transfer.stage === 'done' && sending)
    return [...again, ...(paths.length > 0 ? [buttons.reveal()] : [])];
  if (transfer.stage === 'done') {
    // A text that was received is nowhere on a disk.
    if (transfer.roots.length === 0) return [buttons.close()];
    return [buttons.open(), buttons.reveal(), ...(transfer.canUndo ? [buttons.undo()] : [])];
  }
  if (transfer.error === undefined || transfer.stage === 'cancelled')
    return sending ? again : [buttons.receiveAgain()];
  const remedy = remedyFor(transfer.error, transfer.direction, transfer.facts.meetingPoint.own);
  if (remedy === undefined) return [];
  return [
    { action: remedy, label: remedyLabel(remedy), icon: REMEDY_ICONS[remedy], primary: true },
  ];
}

/** How long the lost connection is tried for still. */
function lostHint({ lost, stage }: Transfer): string | undefined {
  if (lost === undefined) return undefined;
  const seconds = Math.max(0, Math.round((lost.giveUpAtMs - Date.now()) / 1000));
  if (stage === 'waiting')
    return t('The code stays as it is. The relay is tried for {0} s more.', seconds);
  return t('Nothing is lost: it goes on where it stopped. It is tried for {0} s more.', seconds);
}

/** A sentence with the machine that it is about, in a remote window. */
function withPlace(text: string): string {
  const place = placeText();
  return place === undefined ? text : `${text} (${place})`;
}

function hintOf(transfer: Transfer): string | undefined {
  if (transfer.stage === 'failed' && transfer.error !== undefined)
    return errorTexts(transfer.error, transfer.direction).next;
  const lost = lostHint(transfer);
  if (lost !== undefined) return lost;
  if (transfer.direction === 'receive') {
    const folder = folderText(transfer.facts.paths);
    return folder === undefined ? undefined : withPlace(folder);
  }
  const place = transfer.stage === 'waiting' ? placeText() : undefined;
  return place === undefined ? undefined : t('The files are {0}.', place);
}

/** @returns undefined for a text, which goes into none */
const folderText = ([folder]: readonly string[]): string | undefined =>
  folder === undefined ? undefined : t('Folder: {0}', printable(folder));

function statusOf(transfer: Transfer): string {
  const { lost } = transfer;
  if (lost === undefined) return stageText(transfer);
  const seconds = Math.round((Date.now() - lost.sinceMs) / 1000);
  return t('The connection was lost. Reconnecting, {0} s', seconds);
}

/** @returns everything the page needs, without absent fields */
export function viewOf(transfer: Transfer): PanelView {
  const { direction, facts, lost } = transfer;
  const hint = hintOf(transfer);
  const progress = progressOf(transfer);
  const stage: Stage = lost === undefined ? transfer.stage : 'paused';
  return {
    id: transfer.id,
    direction,
    stage,
    heading: headingOf({ direction, state: transfer.stage, items: facts.items }),
    status: statusOf(transfer),
    list: listOf(transfer),
    buttons: buttonsOf(transfer),
    ...meetingOf(transfer),
    ...(hint === undefined ? {} : { hint }),
    ...(progress === undefined ? {} : { progress }),
  };
}

/** What is offered, as the panel shows it while the person is asked what to take. */
export interface Offered {
  readonly items: readonly TransferItem[];
  readonly totals: { readonly files: number; readonly folders: number; readonly bytes: number };
}

/** What a panel shows while the questions about an offer are asked. */
export function offerView({ items, totals }: Offered): PanelView {
  return {
    id: '',
    direction: 'receive',
    stage: 'offer',
    heading: t('Offered: {0}', itemsTitle(items)),
    status: t('Choose above what to take and where to put it. Nothing is written before.'),
    list: listWith(t('What is offered'), items, { totals }),
    buttons: [],
  };
}

function pastStatus(entry: Entry): string {
  const { direction, state, result, progress } = entry;
  const sending = direction === 'send';
  const error = errorOf(entry);
  if (state === 'failed' && error !== undefined) return errorTexts(error, direction).what;
  if (state === 'done') {
    const bytes = bytesText(result?.bytes ?? entry.totals?.bytes ?? 0);
    return sending ? t('Sent, {0}.', bytes) : t('Received, {0}.', bytes);
  }
  if (state === 'cancelled') return t('Cancelled. Nothing more is transferred.');
  if (state === 'running') return t('It runs in another window.');
  return progress === undefined
    ? t('The window was closed before anything was transferred.')
    : t(
        'The window was closed when {0} of {1} were there ({2} %).',
        bytesText(progress.bytes),
        bytesText(progress.total),
        percentOf(progress.bytes, progress.total),
      );
}

function pastHint(entry: Entry): string {
  const atMs = entry.endedAtMs ?? entry.startedAtMs;
  const when = t('{0}, {1}', dayText(atMs, Date.now()), timeText(atMs));
  const resumable = entry.state === 'interrupted' || entry.state === 'failed';
  if (resumable && entry.paths.length > 0)
    return entry.direction === 'send'
      ? t('Resume sends the same files with a new code; what has arrived is not sent again.')
      : t('Resume asks for a new code and goes on in {0}.', printable(entry.paths[0] ?? ''));
  const folder = entry.direction === 'receive' ? folderText(entry.paths) : undefined;
  return folder === undefined ? when : `${when} · ${folder}`;
}

function pastButtons(entry: Entry): PanelButton[] {
  if (entry.state === 'running') return [];
  if (entry.paths.length === 0) return [buttons.remove()];
  const sending = entry.direction === 'send';
  if (entry.state !== 'done')
    return [buttons.resume(), ...(sending ? [buttons.reveal()] : []), buttons.remove()];
  return [...(sending ? [buttons.again()] : [buttons.open()]), buttons.reveal(), buttons.remove()];
}

/** What a panel shows of a transfer that only the history knows. */
export function pastView(entry: Entry): PanelView {
  const { id, direction, state } = entry;
  return {
    id,
    direction,
    stage: state === 'running' ? 'ended' : state,
    heading: headingOf({ direction, state, items: itemsOf(entry) }),
    status: pastStatus(entry),
    hint: pastHint(entry),
    list: pastListOf(entry),
    buttons: pastButtons(entry),
  };
}

/** What a panel shows whose transfer nobody knows any more. */
export function endedView(saved: SavedPage | undefined): PanelView {
  return {
    id: saved?.id ?? '',
    direction: saved?.direction ?? 'send',
    stage: 'ended',
    heading: saved?.heading ?? t('Transfer'),
    status: t('This transfer ended with the session it belonged to.'),
    hint: t('If it was still running, it was stopped, and its code does not work any more.'),
    buttons: [buttons.close()],
  };
}
