/** Start, stop and show the workspace relay. */
import * as vscode from 'vscode';
import { CrocError, type Relay, type RelayOptions } from '../../core/index.js';
import type { Parts } from '../parts.js';
import { networkText } from '../place.js';
import { DEFAULT_PORT, findOtherPorts, type OtherPorts, type Relays } from '../relays.js';
import { errorLine, isLoopback, shortAddress } from '../texts.js';

/** A question with one way on. */
export type AskOtherPorts = (other: OtherPorts) => Promise<boolean>;

/** Which ports are taken, in a sentence. */
export const takenText = ({ changes }: OtherPorts): string =>
  vscode.l10n.t(
    'The relay cannot start: something already listens on port {0}.',
    changes.map((change) => change.taken).join(', '),
  );

/** Says which ports are taken and offers the free ones. */
export const askOtherPorts: AskOtherPorts = async (other) => {
  const { changes } = other;
  const { t } = vscode.l10n;
  const [first, ...others] = changes;
  if (first === undefined) return false;
  const useFree =
    others.length > 0 || first.free === 0
      ? t('Use Free Ports')
      : t('Use Port {0}', String(first.free));
  const picked = await vscode.window.showWarningMessage(takenText(other), useFree);
  return picked === useFree;
};

/**
 * Starts a relay on the ports that were asked for; when one is taken, says so and offers the next
 * free ones. Without any wish, the relay that a send started is taken over. Used by the command and
 * by the task.
 *
 * @returns undefined when the person does not want other ports @throws CrocError
 */
export async function startRelayAsking(
  relays: Relays,
  options: RelayOptions,
  ask: AskOtherPorts = askOtherPorts,
): Promise<Relay | undefined> {
  const usual = options.port === undefined && options.host === undefined;
  const adopted = usual && options.tcpPorts === undefined ? relays.adopt() : undefined;
  if (adopted !== undefined) return adopted;
  try {
    return await relays.start({ port: DEFAULT_PORT, ...options });
  } catch (thrown) {
    const error = CrocError.from(thrown);
    if (error.code !== 'port_taken') throw error;
    const other = await findOtherPorts(options);
    // Nothing is taken any more: whoever had it has left.
    if (other.changes.length > 0 && !(await ask(other))) return undefined;
    return relays.start(other.options);
  }
}

/** Tells where the relay is, with what can be done about it. */
export async function showRelay(parts: Parts): Promise<void> {
  const { t } = vscode.l10n;
  const relay = parts.relays.current;
  if (relay === undefined) {
    const start = t('Start Workspace Relay');
    const picked = await vscode.window.showInformationMessage(
      t('No transfer and no relay runs in this window.'),
      start,
    );
    if (picked === start) await startRelay(parts);
    return;
  }
  const copy = t('Copy Address');
  const stop = t('Stop Relay');
  const address = shortAddress(relay.url);
  const ports = relay.ports.join(', ');
  const where = isLoopback(relay.url)
    ? t('The workspace relay runs at {0} (TCP ports {1}), for this machine only.', address, ports)
    : t(
        'The workspace relay runs at {0} (TCP ports {1}). Others on the network can use it.',
        address,
        ports,
      );
  const connections = parts.relays.stats?.connections ?? 0;
  const facts = [
    where,
    ...(relay.announced ? [t('Recipients on the local network find it by themselves.')] : []),
    ...(connections > 0 ? [t('Open connections: {0}', connections)] : []),
    ...(isLoopback(relay.url) ? [] : [networkText()]),
  ];
  const message = facts.filter(Boolean).join(' ');
  const picked = await vscode.window.showInformationMessage(message, copy, stop);
  if (picked === copy) await vscode.env.clipboard.writeText(address);
  if (picked === stop) await stopRelay(parts);
}

/** The command Start Workspace Relay. */
export async function startRelay(parts: Parts): Promise<void> {
  try {
    const running = parts.relays.adopt() ?? parts.relays.current;
    if (running === undefined && (await startRelayAsking(parts.relays, {})) === undefined) return;
    // The message stays until it is read, the command is done.
    void showRelay(parts);
  } catch (error) {
    void vscode.window.showErrorMessage(errorLine(CrocError.from(error)));
  }
}

/** The command Stop Workspace Relay. Asks when a transfer runs through it. */
export async function stopRelay(parts: Parts): Promise<void> {
  const { t } = vscode.l10n;
  const through = parts.transfers.active.filter((transfer) => transfer.facts.meetingPoint.own);
  if (through.length > 0) {
    const stop = t('Stop Anyway');
    const picked = await vscode.window.showWarningMessage(
      through.length === 1
        ? t('A transfer runs through this relay and will be cancelled.')
        : t('{0} transfers run through this relay and will be cancelled.', through.length),
      { modal: true },
      stop,
    );
    if (picked !== stop) return;
    await Promise.all(through.map((transfer) => transfer.cancel()));
  }
  await parts.relays.stop();
}
