/** Check Relay: can it be used from here, how far is it, which of its ports are blocked? */
import * as vscode from 'vscode';
import {
  checkRelay,
  CrocError,
  findRelays,
  isCrocRelay,
  type RelayCheck,
} from '../../core/index.js';
import { networkText } from '../place.js';
import { settings } from '../settings.js';
import { errorLine, shortAddress } from '../texts.js';
import type { Parts } from '../parts.js';

const { t } = vscode.l10n;

/** That a relay answers, how far it is, and what it says of itself. */
function answerText({ url, version, roundTripMs }: RelayCheck): string {
  const ms = roundTripMs < 10 ? roundTripMs.toFixed(1) : roundTripMs.toFixed(0);
  const address = shortAddress(url);
  if (isCrocRelay(url)) return t('The relay at {0} takes the password, {1} ms away.', address, ms);
  return version === undefined
    ? t('The relay at {0} answers, {1} ms away.', address, ms)
    : t('The relay at {0} answers: protocol {1}, {2} ms away.', address, version, ms);
}

/** What was found out about a relay, in sentences. */
export function checkText(found: RelayCheck): string {
  const { ports } = found;
  const blocked = ports.filter(({ reachable }) => !reachable).map(({ port }) => port);
  const open = ports.filter(({ reachable }) => reachable).map(({ port }) => port);
  const who = answerText(found);
  if (blocked.length === 0)
    return `${who} ${t('All its TCP ports can be reached ({0}).', open.join(', '))}`;
  const rest =
    open.length === 0
      ? t('All its TCP ports are blocked ({0}).', blocked.join(', '))
      : t('TCP ports blocked: {0}; open: {1}.', blocked.join(', '), open.join(', '));
  return `${who} ${rest} ${t('Open them in the firewall between you and the relay.')}`;
}

/** The relay to look at: the one handed over, the one that is set, this window's own, or one nearby. */
async function choose(
  parts: Parts,
  given: readonly unknown[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const [handed] = given;
  if (typeof handed === 'string') return handed;
  const known = settings.crocRelay ?? settings.relay ?? parts.relays.current?.localUrl;
  if (known !== undefined) return known;
  const multicast = settings.surroundings;
  if (multicast === undefined) return undefined;
  for await (const { url } of findRelays({ multicast, signal })) return url;
  return undefined;
}

/** The command. @param given - the address of a relay, or nothing */
export async function check(parts: Parts, given: readonly unknown[]): Promise<void> {
  try {
    const found = await vscode.window.withProgress(
      {
        location: vscode.ProgressLocation.Notification,
        title: t('Checking the relay…'),
        cancellable: true,
      },
      async (_, token) => {
        const abort = new AbortController();
        token.onCancellationRequested(() => abort.abort());
        const url = await choose(parts, given, abort.signal);
        if (url === undefined) throw new CrocError('no_relay');
        return parts.relayPasswords.using(url, (password) =>
          checkRelay(url, { signal: abort.signal, ...password }),
        );
      },
    );
    const text = [checkText(found), networkText()].filter(Boolean).join(' ');
    const good = found.ports.every(({ reachable }) => reachable);
    // The message stays until it is read, the command is done.
    if (good) void vscode.window.showInformationMessage(text);
    else void vscode.window.showWarningMessage(text);
  } catch (thrown) {
    const error = CrocError.from(thrown);
    if (error.code !== 'cancelled') void vscode.window.showErrorMessage(errorLine(error));
  }
}
