/** Sentences that several places say, in the person's language. */
import * as vscode from 'vscode';
import { ERRORS, type CrocError, type ErrorCode, type Totals } from '../core/index.js';
import { foreignText } from './foreign.js';
import { formatBytes, roughDuration } from './format.js';
import type { Transfer, TransferItem } from './transfers.js';

const { t } = vscode.l10n;

/** Bytes in the person's language. */
export const bytesText = (bytes: number): string => formatBytes(bytes, vscode.env.language);

/** What happened and what to do next, apart. */
export interface ErrorTexts {
  readonly what: string;
  readonly next: string;
}

/** Errors whose usual advice is for the recipient, or about the sender. */
const SENDER_SENDS_AGAIN: ReadonlySet<ErrorCode> = new Set([
  'unauthorized',
  'channel_full',
  'already_set',
  'channel_closed',
  'key_exchange_failed',
  'wrong_code',
  'peer_cancelled',
]);
/** Errors whose usual advice is for the sender. */
const RECIPIENT_ASKS: ReadonlySet<ErrorCode> = new Set([
  'relay_gone',
  'relay_restarted',
  'relay_fewer_ports',
  'peer_silent',
  'connection_lost',
  'wrong_code',
]);

function nextText({ code }: CrocError, direction: 'send' | 'receive' | undefined): string {
  if (direction === 'send' && SENDER_SENDS_AGAIN.has(code))
    return t('Send again, and tell the other side the new code.');
  if (direction === 'receive' && RECIPIENT_ASKS.has(code))
    return t('Ask the sender to send again, and use the new code.');
  return t(ERRORS[code].next);
}

/**
 * The two sentences of an error. The texts of errors.ts are their own keys for translation.
 *
 * @param direction - of the transfer that failed, if it was one; it says who reads this
 */
export function errorTexts(error: CrocError, direction?: 'send' | 'receive'): ErrorTexts {
  const entry = ERRORS[error.code];
  const detail = error.detail === undefined ? '' : ` (${foreignText(error.detail)})`;
  return { what: `${t(entry.what)}${detail}`, next: nextText(error, direction) };
}

/** Both sentences of an error as one line. */
export function errorLine(error: CrocError, direction?: 'send' | 'receive'): string {
  const { what, next } = errorTexts(error, direction);
  return `${what} ${next}`;
}

/** @param url - of a relay @returns whether it only works on the machine that it names */
export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}

/** @returns like `docs`, or `docs and 2 more` */
export function itemsTitle(items: readonly TransferItem[]): string {
  const name = foreignText(items[0]?.name ?? '');
  if (items.length <= 1) return name;
  return items.length === 2
    ? t('{0} and 1 more', name)
    : t('{0} and {1} more', name, items.length - 1);
}

const filesText = (files: number): string => (files === 1 ? t('1 file') : t('{0} files', files));
const foldersText = (folders: number): string =>
  folders === 1 ? t('1 folder') : t('{0} folders', folders);

/** @returns like `3 files, 1 folder, 1.2 MB`; what is zero is left out, except that bytes stay */
export function totalsText(totals: Totals): string {
  const parts = [
    ...(totals.files > 0 || totals.folders === 0 ? [filesText(totals.files)] : []),
    ...(totals.folders > 0 ? [foldersText(totals.folders)] : []),
    bytesText(totals.bytes),
  ];
  return parts.join(', ');
}

/** @returns like `12 s left` */
export function timeLeftText(seconds: number): string {
  const { value, unit } = roughDuration(seconds);
  if (unit === 'seconds') return t('{0} s left', value);
  if (unit === 'minutes') return t('{0} min left', value);
  return t('{0} h left', value);
}

/** The state of a running transfer in one sentence. */
export function stageText(transfer: Transfer): string {
  const sending = transfer.direction === 'send';
  if (transfer.stage === 'waiting') return t('Waiting for the other side to enter the code.');
  if (transfer.stage === 'connecting')
    return sending
      ? t('The other side is here. Checking the code and connecting…')
      : t('Connecting…');
  if (transfer.deciding) return t('Connected. The other side is looking at the list.');
  if (transfer.stage === 'running') return sending ? t('Sending…') : t('Receiving…');
  if (transfer.stage === 'cancelled') return t('Cancelled. Nothing more is transferred.');
  if (transfer.error !== undefined) return errorTexts(transfer.error).what;
  const result = transfer.result;
  if (result === undefined) return '';
  if (transfer.isText)
    return sending ? t('Sent. The other side has it.') : t('Received. It is not on a disk.');
  const what = `${filesText(result.files)}, ${bytesText(result.bytes)}`;
  if (sending && transfer.tookPart)
    return t('Sent. What the other side took is on its disk: {0}.', what);
  return sending
    ? t('Sent. Everything is on the other disk: {0}.', what)
    : t('Received. Everything is on this disk: {0}.', what);
}

export { shortAddress } from './address.js';

/** @param atMs - milliseconds since 1970 @returns like `14:05`, as the person's language writes it */
export const timeText = (atMs: number): string =>
  new Date(atMs).toLocaleTimeString(vscode.env.language, { hour: '2-digit', minute: '2-digit' });

/** @param atMs, nowMs - milliseconds since 1970 @returns `Today`, `Yesterday`, or a date */
export function dayText(atMs: number, nowMs: number): string {
  const midnight = (ms: number): number => new Date(ms).setHours(0, 0, 0, 0);
  // Days are not all 24 hours long, so they are rounded.
  const days = Math.round((midnight(nowMs) - midnight(atMs)) / 86_400_000);
  if (days === 0) return t('Today');
  if (days === 1) return t('Yesterday');
  return new Date(atMs).toLocaleDateString(vscode.env.language, {
    weekday: days < 7 ? 'long' : undefined,
    day: 'numeric',
    month: 'long',
    year: days < 300 ? undefined : 'numeric',
  });
}
