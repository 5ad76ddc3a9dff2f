/** The walk of a transfer's worker: everything that was named, checked as a recipient would check it. */
import { CrocError } from '../errors.js';
import { checkOffer } from '../files/safePath.js';
import { walk } from '../files/walk.js';
import type { WalkEntry, WalkOptions, WalkSource } from '../files/walk.js';
import type { Offered, Skipped } from '../types.js';
import type { Walked } from './outbound.js';
import { totalsOf } from './selection.js';

/**
 * Walks to the end.
 *
 * @throws CrocError `nothing_to_send`, what no recipient would take, and as `walk`
 */
export async function walkAll(
  sources: readonly WalkSource[],
  ignore: WalkOptions['ignore'],
  signal: AbortSignal,
): Promise<Walked & { readonly offered: Offered }> {
  const skipped: Skipped[] = [];
  const entries: WalkEntry[] = [];
  let ignored = 0;
  const options: WalkOptions = {
    signal,
    ignore,
    onSkip: (skip) => skipped.push(skip),
    onIgnore: () => (ignored += 1),
  };
  for await (const entry of walk(sources, options)) entries.push(entry);
  if (entries.length === 0) throw new CrocError('nothing_to_send');
  // What no recipient would take is told here, before there is one.
  checkOffer(entries);
  const totals = totalsOf(entries);
  return { entries, totals, offered: { totals, skipped, ignored } };
}
