/** Puts a receive into the list of transfers as soon as its offer is taken. */
import * as vscode from 'vscode';
import type { AcceptOptions, Offer, Receive } from '../../core/index.js';
import type { Relays } from '../relays.js';
import { settings } from '../settings.js';
import type { Transfer, TransferItem, Transfers } from '../transfers.js';

/** A text as the one thing that it is. */
const textItem = ({ kind, name, content }: Offer): TransferItem => ({
  name: name ?? (kind === 'patch' ? vscode.l10n.t('Changes') : vscode.l10n.t('Text')),
  kind: kind === 'patch' ? 'patch' : 'text',
  bytes: content?.length ?? 0,
});

/** What an offer has, in rows: its top-level things, or the one text. */
export const offeredItems = (offer: Offer): TransferItem[] =>
  offer.kind === 'files' ? topLevel(offer, offer.entries.keys()) : [textItem(offer)];

/** The top-level things among what is taken, with the bytes in them. */
function topLevel(offer: Offer, indices: Iterable<number>): TransferItem[] {
  const tops = new Map<string, { kind: TransferItem['kind']; bytes: number }>();
  for (const index of indices) {
    const entry = offer.entries[index];
    if (entry === undefined) continue;
    const [name = '', ...below] = entry.path.split('/');
    const top = tops.get(name) ?? { kind: below.length > 0 ? 'folder' : entry.kind, bytes: 0 };
    top.bytes += entry.size;
    tops.set(name, top);
  }
  return [...tops].map(([name, { kind, bytes }]) => ({ name, kind, bytes }));
}

/** Takes an offer and follows what comes of it. */
export function acceptTracked(
  transfers: Transfers,
  relays: Relays,
  offer: Offer,
  options: AcceptOptions = {},
): { receive: Receive; transfer: Transfer } {
  const { limit } = settings;
  const receive = offer.accept({
    undo: true,
    ...(limit === undefined ? {} : { limit }),
    ...options,
  });
  const indices = new Set(options.only ?? offer.entries.keys());
  const taken = offer.entries.filter((_, index) => indices.has(index));
  const own = relays.all.some(({ url, localUrl }) => [url, localUrl].includes(offer.relay));
  const transfer = transfers.addReceive(
    receive,
    {
      items: offer.kind === 'files' ? topLevel(offer, indices) : [textItem(offer)],
      meetingPoint: { address: offer.relay, own },
      paths: options.to === undefined ? [] : [options.to],
    },
    {
      files: taken.filter((entry) => entry.kind !== 'folder').length,
      folders: taken.filter((entry) => entry.kind === 'folder').length,
      bytes: taken.reduce((sum, entry) => sum + entry.size, 0),
    },
  );
  return { receive, transfer };
}

/** The same offer, followed once it is accepted: for receives that another extension starts. */
export function trackOffer(transfers: Transfers, relays: Relays, offer: Offer): Offer {
  const { relay, kind, entries, totals, gone, text, content, name } = offer;
  return {
    ...{ relay, kind, entries, totals, gone },
    ...(text === undefined ? {} : { text }),
    ...(content === undefined ? {} : { content }),
    ...(name === undefined ? {} : { name }),
    accept: (options) => acceptTracked(transfers, relays, offer, options).receive,
    reject: () => offer.reject(),
  };
}
