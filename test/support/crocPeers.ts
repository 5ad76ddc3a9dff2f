/** Two peers of ours on croc's own network, in this process. */
import type { AddressInfo } from 'node:net';
import { parseCrocCode } from '../../src/core/croc11/code.js';
import { meetRecipient, meetSender } from '../../src/core/croc11/meeting.js';
import type { MeetingOptions } from '../../src/core/croc11/meeting.js';
import { CrocRecipient } from '../../src/core/croc11/recipient.js';
import { CrocSender, prepare } from '../../src/core/croc11/sender.js';
import { systemRandom } from '../../src/core/edges.js';
import { walk } from '../../src/core/files/walk.js';
import type { WalkEntry } from '../../src/core/files/walk.js';
import type { Decision } from '../../src/core/transfer/inbound.js';
import { totalsOf } from '../../src/core/transfer/selection.js';
import type { OfferEntry, ReceiveResult, TransferResult } from '../../src/core/types.js';

export type Where = Pick<AddressInfo, 'port'> & { readonly relayPassword?: string };

/** How a peer meets the other at a relay on loopback. */
export function meeting(
  { port, relayPassword = 'pass123' }: Where,
  code: string,
  more: Partial<MeetingOptions<string>> = {},
): MeetingOptions<string> {
  return {
    host: '127.0.0.1',
    port,
    relayPassword,
    code: parseCrocCode(code),
    connectMs: 10_000,
    stepMs: 20_000,
    waitMs: 20_000,
    random: systemRandom,
    signal: new AbortController().signal,
    onState: () => undefined,
    ...more,
  };
}

/** Sends as the worker does. */
export async function sendPaths(
  options: MeetingOptions<string>,
  paths: readonly string[],
): Promise<TransferResult> {
  const entries: WalkEntry[] = [];
  for await (const entry of walk(paths, {
    ignore: undefined,
    onSkip: () => undefined,
    onIgnore: () => undefined,
  }))
    entries.push(entry);
  const walked = { entries, totals: totalsOf(entries) };
  const prepared = await prepare(walked, options.signal);
  const link = await meetRecipient(options);
  try {
    return await new CrocSender(link, prepared, false, systemRandom, () => undefined).run();
  } finally {
    for (const one of [link.control.connection, ...link.data]) one.end();
  }
}

/** Receives as the worker does. @param offered - told what is offered */
export async function receiveInto(
  options: MeetingOptions<string>,
  decision: Decision,
  offered: (entries: readonly OfferEntry[]) => void = () => undefined,
): Promise<ReceiveResult> {
  const link = await meetSender(options);
  const receiver = {
    onEntries: offered,
    onOffer: () => undefined,
    decide: () => Promise.resolve(decision),
    choose: () => Promise.resolve('rename' as const),
    onProgress: () => undefined,
  };
  try {
    return await new CrocRecipient(link, receiver, systemRandom, () => undefined).run();
  } finally {
    for (const one of [link.control.connection, ...link.data]) one.end();
  }
}
