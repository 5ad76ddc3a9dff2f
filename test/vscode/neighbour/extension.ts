/** A tiny extension of somebody else, which knows of Croc only what the package publishes. */
import * as vscode from 'vscode';
import type { CrocApi, TransferInfo } from 'croc-share/extension-api';

/** What its command gives. */
export interface RoundTrip {
  /** Absolute paths of what arrived. */
  readonly roots: readonly string[];
  /** Stages of the send as the event told them, without repetitions. */
  readonly stages: readonly string[];
}

async function roundTrip(file: string, to: string): Promise<RoundTrip> {
  const croc = vscode.extensions.getExtension<CrocApi>('croc-share.croc-share');
  if (croc === undefined) throw new Error('Croc is not there.');
  const api = await croc.activate();
  const relay = await api.startRelay({ host: '127.0.0.1', port: 0, tcpPorts: [0] });
  const stages: string[] = [];
  const hear = ([newest]: readonly TransferInfo[]): void => {
    if (newest?.direction === 'send' && newest.stage !== stages.at(-1)) stages.push(newest.stage);
  };
  const listening = api.onDidChangeTransfers((all) =>
    hear(all.filter(({ direction }) => direction === 'send')),
  );
  try {
    const send = await api.send([file], { relay: relay.url });
    const offer = await api.receive(send.code, { relay: relay.url });
    const [received] = await Promise.all([offer.accept({ to }).done, send.done]);
    return { roots: received.roots, stages };
  } finally {
    listening.dispose();
    await relay.close();
  }
}

export function activate(context: vscode.ExtensionContext): void {
  context.subscriptions.push(vscode.commands.registerCommand('croc-neighbour.send', roundTrip));
}
