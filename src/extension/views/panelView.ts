/** A transfer as the panel shows it. */
import * as vscode from 'vscode';
import { printable, type Skipped } from '../../core/index.js';
import type { PanelButton, PanelCopyable, PanelView, SavedPage } from '../../webview/messages.js';
import { formatRate, percentOf } from '../format.js';
import { networkText, placeText } from '../place.js';
import { remedyFor, remedyLabel } from '../remedies.js';
import {
  bytesText,
  errorTexts,
  isLoopback,
  itemsTitle,
  shortAddress,
  stageText,
  timeLeftText,
  totalsText,
} from '../texts.js';
import type { Transfer } from '../transfers.js';

const { t } = vscode.l10n;
/** Most rows and notes in a list; the rest is counted. */
const MOST_ROWS = 100;
const MOST_NOTES = 5;

const ICONS = {
  file: 'file',
  folder: 'folder',
  symlink: 'file-symlink-file',
  text: 'note',
  patch: 'diff',
} as const;
const REMEDY_ICONS = {
  'send-again': 'refresh',
  'receive-again': 'refresh',
  'open-settings': 'gear',
  'show-log': 'output',
} as const;

function headingOf(transfer: Transfer): string {
  const title = itemsTitle(transfer.facts.items);
  const sending = transfer.direction === 'send';
  if (transfer.stage === 'done') return sending ? t('Sent {0}', title) : t('Received {0}', title);
  if (transfer.stage === 'failed')
    return sending ? t('Could not send {0}', title) : t('Could not receive {0}', title);
  if (transfer.stage === 'cancelled') return t('Cancelled: {0}', title);
  return sending ? t('Sending {0}', title) : t('Receiving {0}', title);
}

function codeOf(transfer: Transfer): PanelCopyable | undefined {
  if (transfer.code === undefined) return undefined;
  return {
    label: t('Code'),
    text: transfer.code,
    copy: t('Copy Code'),
    copied: t('Copied'),
    note: t('Already on your clipboard. It works once, for one recipient.'),
  };
}

/** Who can reach the relay, as far as its address tells. */
function reachText(address: string, own: boolean): string {
  if (isLoopback(address)) return t('This address works on this computer only.');
  if (!own) return t('The relay from your settings. It sees neither names nor contents.');
  const where = networkText();
  return where === undefined
    ? t('This window runs the relay. The other side must be able to reach this computer.')
    : `${t('This window runs the relay on its remote machine. The other side must be able to reach that machine.')} ${where}`;
}

function relayOf(transfer: Transfer): PanelCopyable | undefined {
  if (transfer.stage !== 'waiting') return undefined;
  const { address, own } = transfer.facts.meetingPoint;
  return {
    label: t('Relay address'),
    text: shortAddress(address),
    copy: t('Copy Relay Address'),
    copied: t('Copied'),
    note: reachText(address, own),
  };
}

function stepsOf(transfer: Transfer): PanelView['steps'] {
  if (transfer.stage !== 'waiting') return undefined;
  return {
    title: t('On the other side'),
    lines: [
      t('In VS Code, run “Croc: Receive croc code” from the Command Palette.'),
      t('Enter the code, then the relay address if it asks for one.'),
    ],
  };
}

function progressOf(transfer: Transfer): PanelView['progress'] {
  const { stage, progress } = transfer;
  if (stage === 'connecting' || transfer.deciding || (stage === 'running' && !progress))
    return { label: stageText(transfer), left: '', right: '' };
  if (progress === undefined || stage !== 'running') return undefined;
  const percent = percentOf(progress.bytes, progress.total);
  const rate = transfer.rate.bytesPerSecond;
  const seconds = transfer.rate.secondsLeft(progress.total - progress.bytes);
  const speed = [
    ...(rate === undefined ? [] : [formatRate(rate, vscode.env.language)]),
    ...(seconds === undefined ? [] : [timeLeftText(seconds)]),
  ];
  return {
    label: t('Progress'),
    percent,
    left: t('{0} of {1} ({2} %)', bytesText(progress.bytes), bytesText(progress.total), percent),
    right: speed.join(' · '),
    ...(progress.path === undefined ? {} : { path: printable(progress.path) }),
  };
}

function skippedText({ path, reason }: Skipped): string {
  const name = printable(path);
  if (reason === 'special-file') return t('{0} is left out: not a file, folder or link.', name);
  if (reason === 'link-leaves-folder') return t('{0} is left out: a link out of the folder.', name);
  return t('{0} is left out: its name cannot be sent.', name);
}

function notesOf(skipped: readonly Skipped[]): string[] {
  const notes = skipped.slice(0, MOST_NOTES).map(skippedText);
  const more = skipped.length - notes.length;
  return more > 0 ? [...notes, t('{0} more are left out.', more)] : notes;
}

/** What the list is, before and after the transfer is over. */
function listTitle({ stage, direction, tookPart }: Transfer): string {
  const sending = direction === 'send';
  if (sending && tookPart) return t('What was offered');
  if (stage === 'done') return sending ? t('What was sent') : t('What was received');
  if (stage === 'failed' || stage === 'cancelled')
    return sending ? t('What was to be sent') : t('What was to be received');
  return sending ? t('What is sent') : t('What is received');
}

function listOf(transfer: Transfer): PanelView['list'] {
  const { items } = transfer.facts;
  const { totals } = transfer;
  const rows = items.slice(0, MOST_ROWS).map((item) => {
    const only = items.length === 1 ? totals?.bytes : undefined;
    const bytes = item.bytes ?? only;
    return {
      icon: ICONS[item.kind],
      name: printable(item.name),
      detail: bytes === undefined ? '' : bytesText(bytes),
    };
  });
  const more = items.length - rows.length;
  return {
    title: listTitle(transfer),
    summary: totals === undefined ? t('Counting…') : transfer.isText ? '' : totalsText(totals),
    rows,
    notes: [
      ...(more > 0 ? [t('{0} more are not listed.', more)] : []),
      ...notesOf(transfer.skipped),
    ],
  };
}

function buttonsOf(transfer: Transfer): PanelButton[] {
  const cancel: PanelButton = {
    action: 'cancel',
    label: t('Cancel'),
    icon: 'close',
    primary: false,
  };
  if (transfer.stage === 'waiting')
    return [
      { action: 'copy-link', label: t('Copy Link'), icon: 'link', primary: false },
      {
        action: 'copy-command',
        label: t('Copy Receive Command'),
        icon: 'terminal',
        primary: false,
      },
      cancel,
    ];
  if (transfer.active) return [cancel];
  const again: PanelButton[] =
    transfer.direction === 'send'
      ? [{ action: 'send-again', label: t('Send Again'), icon: 'refresh', primary: false }]
      : [];
  if (transfer.stage === 'done')
    return transfer.direction === 'send'
      ? again
      : [
          { action: 'open', label: t('Open'), icon: 'go-to-file', primary: true },
          { action: 'reveal', label: t('Reveal'), icon: 'folder-opened', primary: false },
        ];
  if (transfer.error === undefined || transfer.stage === 'cancelled') return again;
  const remedy = remedyFor(transfer.error, transfer.direction, transfer.facts.meetingPoint.own);
  if (remedy === undefined) return [];
  return [
    { action: remedy, label: remedyLabel(remedy), icon: REMEDY_ICONS[remedy], primary: true },
  ];
}

/** A sentence with the machine that it is about, in a remote window. */
function withPlace(text: string): string {
  const place = placeText();
  return place === undefined ? text : `${text} (${place})`;
}

function hintOf(transfer: Transfer): string | undefined {
  if (transfer.stage === 'failed' && transfer.error !== undefined)
    return errorTexts(transfer.error, transfer.direction).next;
  if (transfer.direction === 'receive')
    return withPlace(t('Folder: {0}', printable(transfer.facts.paths[0] ?? '')));
  if (transfer.stage === 'waiting' && placeText() !== undefined)
    return t('The files are {0}.', placeText() ?? '');
  return undefined;
}

/** @returns everything the page needs, without absent fields */
export function viewOf(transfer: Transfer): PanelView {
  const hint = hintOf(transfer);
  const code = codeOf(transfer);
  const relay = relayOf(transfer);
  const steps = stepsOf(transfer);
  const progress = progressOf(transfer);
  const list = listOf(transfer);
  return {
    id: transfer.id,
    direction: transfer.direction,
    stage: transfer.stage,
    heading: headingOf(transfer),
    status: stageText(transfer),
    buttons: buttonsOf(transfer),
    ...(hint === undefined ? {} : { hint }),
    ...(code === undefined ? {} : { code }),
    ...(relay === undefined ? {} : { relay }),
    ...(steps === undefined ? {} : { steps }),
    ...(progress === undefined ? {} : { progress }),
    ...(list === undefined ? {} : { list }),
  };
}

/** What a panel shows whose transfer was of a session that is over. */
export function endedView(saved: SavedPage | undefined): PanelView {
  return {
    id: '',
    direction: saved?.direction ?? 'send',
    stage: 'ended',
    heading: saved?.heading ?? t('Transfer'),
    status: t('This transfer ended with the session it belonged to.'),
    hint: t('If it was still running, it was stopped, and its code does not work any more.'),
    buttons: [{ action: 'close', label: t('Close'), icon: 'close', primary: false }],
  };
}
