/** The list of what is offered, as messages. A long one is made ready before there is anybody to send it to. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { OfferEntry } from '../types.js';
import { packSmaller } from '../wire/compressed.js';
import { encodeControl, toWireEntry } from '../wire/control.js';
import type { ControlOf } from '../wire/control.js';

/** Characters of paths and targets in one `entries` message: escaped and in UTF-8 they still fit a record. */
const CHARACTERS_PER_MESSAGE = 64 * 1024;
/** Entries in one `entries` message, at most. */
const ENTRIES_PER_MESSAGE = 1000;
/** A longer list is not kept ready: packed it takes some 12 bytes an entry. */
const MOST_READY = 100_000;

/** Whether a list is worth packing. */
export function isLong(entries: readonly OfferEntry[]): boolean {
  return entries.length > ENTRIES_PER_MESSAGE;
}

/** The list in messages that fit a record. */
export function* messagesOf(entries: readonly OfferEntry[]): Generator<ControlOf<'entries'>> {
  let from = 0;
  let characters = 0;
  for (let at = 0; at < entries.length; at += 1) {
    const { path = '', target = '' } = entries[at] ?? {};
    characters += path.length + target.length;
    const end = at + 1;
    const isFull = characters > CHARACTERS_PER_MESSAGE || end - from === ENTRIES_PER_MESSAGE;
    if (!isFull && end < entries.length) continue;
    yield { t: 'entries', entries: entries.slice(from, end).map(toWireEntry) };
    from = end;
    characters = 0;
  }
}

/**
 * Packs a list that is worth it, a message a turn of this thread.
 *
 * @returns plaintexts of control records; undefined when the list is short, or too long to be kept
 */
export async function packAhead(
  entries: readonly OfferEntry[],
): Promise<readonly Buffer[] | undefined> {
  if (!isLong(entries) || entries.length > MOST_READY) return undefined;
  const packed: Buffer[] = [];
  for (const message of messagesOf(entries)) {
    await nextTurn();
    packed.push(packSmaller(encodeControl(message)));
  }
  return packed;
}
