/** The one thing to do after an error, as a button. */
import * as vscode from 'vscode';
import type { CrocError, ErrorCode } from '../core/index.js';

/** What a button after an error can do. The words are those of the panel's actions. */
export type Remedy = 'send-again' | 'receive-again' | 'open-settings' | 'show-log';

const RELAY_TROUBLE: ReadonlySet<ErrorCode> = new Set([
  'invalid_relay',
  'relay_unreachable',
  'relay_port_blocked',
  'relay_silent',
  'not_a_relay',
  'no_relay',
]);
/** Errors that leave the code unused, so it can be tried again as it is. */
const CODE_STILL_GOOD: ReadonlySet<ErrorCode> = new Set([
  ...RELAY_TROUBLE,
  'no_such_channel',
  'relay_full',
  'rate_limited',
]);
const NOTHING_TO_DO: ReadonlySet<ErrorCode> = new Set(['nothing_to_send', 'unsupported_file']);

/**
 * @param direction - of the transfer that failed
 * @param ownRelay - whether this window ran the relay, so no setting can be wrong
 */
export function remedyFor(
  error: CrocError,
  direction: 'send' | 'receive',
  ownRelay: boolean,
): Remedy | undefined {
  if (error.code === 'internal') return 'show-log';
  if (direction === 'receive') return 'receive-again';
  if (NOTHING_TO_DO.has(error.code)) return undefined;
  if (RELAY_TROUBLE.has(error.code) && !ownRelay) return 'open-settings';
  return 'send-again';
}

/** Whether the same code can be entered again after this error. */
export const codeStillGood = (error: CrocError): boolean => CODE_STILL_GOOD.has(error.code);

/** The label of a remedy's button. */
export function remedyLabel(remedy: Remedy): string {
  const { t } = vscode.l10n;
  if (remedy === 'send-again') return t('Send Again');
  if (remedy === 'receive-again') return t('Receive Again');
  if (remedy === 'open-settings') return t('Open Settings');
  return t('Show Log');
}
