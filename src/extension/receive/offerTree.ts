/** An offer as rows that can be ticked. Pure. */
import type { OfferEntry } from '../../core/index.js';

/** One row: an entry, with everything below it that has no row of its own. */
export interface OfferRow {
  /** Path of the entry; for a row of leftovers the empty string. */
  readonly path: string;
  readonly kind: OfferEntry['kind'] | 'more';
  /** Indices into the offer's entries that this row alone stands for. */
  readonly own: readonly number[];
  /** Files and links at or below it. */
  readonly files: number;
  /** Bytes at or below it. */
  readonly bytes: number;
  /** The entry itself; absent for leftovers. */
  readonly entry: OfferEntry | undefined;
}

/** The rows of an offer, and whether some entries have no row of their own. */
export interface OfferRows {
  readonly rows: readonly OfferRow[];
  readonly complete: boolean;
}

const depthOf = (path: string): number => path.split('/').length;
const isBelow = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);

/** The deepest level whose rows, with all levels above, still fit; at least 1. */
function deepestThatFits(entries: readonly OfferEntry[], cap: number): number {
  const perDepth: number[] = [];
  for (const { path } of entries) {
    const depth = depthOf(path);
    perDepth[depth] = (perDepth[depth] ?? 0) + 1;
  }
  let shown = 0;
  let deepest = 1;
  for (let depth = 1; depth < perDepth.length; depth += 1) {
    shown += perDepth[depth] ?? 0;
    if (shown > cap) break;
    deepest = depth;
  }
  return deepest;
}

interface Draft {
  readonly entry: OfferEntry;
  readonly own: number[];
  files: number;
  bytes: number;
}

/** A row for each entry down to `deepest`; what is deeper counts for the nearest row above it. */
function drafts(entries: readonly OfferEntry[], deepest: number): Draft[] {
  const rows = new Map<string, Draft>();
  for (const [index, entry] of entries.entries()) {
    if (depthOf(entry.path) <= deepest)
      rows.set(entry.path, { entry, own: [index], files: 0, bytes: 0 });
  }
  for (const [index, entry] of entries.entries()) {
    const parts = entry.path.split('/');
    let nearest = true;
    for (let depth = parts.length; depth > 0; depth -= 1) {
      const row = rows.get(parts.slice(0, depth).join('/'));
      if (row === undefined) continue;
      if (nearest && depth < parts.length) row.own.push(index);
      nearest = false;
      if (entry.kind !== 'folder') row.files += 1;
      row.bytes += entry.size;
    }
  }
  return [...rows.values()];
}

/**
 * Lists an offer level by level, as deep as `cap` rows allow. When even the top level has more,
 * the last row stands for all the rest.
 *
 * @param entries - as the offer has them @param cap - most rows, at least 2
 */
export function offerRows(entries: readonly OfferEntry[], cap = 1000): OfferRows {
  const deepest = deepestThatFits(entries, cap);
  const all = drafts(entries, deepest)
    .map((draft): OfferRow => ({ path: draft.entry.path, kind: draft.entry.kind, ...draft }))
    .sort((a, b) => comparePaths(a.path, b.path));
  const complete = all.length === entries.length && all.length <= cap;
  if (all.length <= cap) return { rows: all, complete };
  const listed = all.slice(0, cap - 1);
  const rest = all.slice(cap - 1);
  const more: OfferRow = {
    path: '',
    kind: 'more',
    own: rest.flatMap((row) => row.own),
    files: rest.reduce((sum, row) => sum + row.files, 0),
    bytes: rest.reduce((sum, row) => sum + row.bytes, 0),
    entry: undefined,
  };
  return { rows: [...listed, more], complete };
}

/** Order in which a folder stands right before what is in it. */
function comparePaths(a: string, b: string): number {
  const left = a.split('/');
  const right = b.split('/');
  for (let depth = 0; depth < Math.min(left.length, right.length); depth += 1) {
    const x = left[depth] ?? '';
    const y = right[depth] ?? '';
    if (x !== y) return x < y ? -1 : 1;
  }
  return left.length - right.length;
}

/**
 * Makes ticks consistent after the person changed some: a tick means "this comes". A folder that
 * was ticked or unticked takes everything below along; a ticked row brings the folders above it.
 *
 * @param before - row numbers that were ticked @param after - row numbers that are ticked now
 * @returns the ticks that follow; equal to `after` when nothing has to follow
 */
export function settleTicks(
  rows: readonly OfferRow[],
  before: ReadonlySet<number>,
  after: ReadonlySet<number>,
): Set<number> {
  const settled = new Set(after);
  const below = (folder: OfferRow): number[] =>
    rows.flatMap((row, index) => (isBelow(row.path, folder.path) ? [index] : []));
  for (const [index, row] of rows.entries()) {
    if (row.kind === 'folder' && before.has(index) && !after.has(index))
      for (const inside of below(row)) settled.delete(inside);
  }
  for (const [index, row] of rows.entries()) {
    if (before.has(index) || !after.has(index)) continue;
    if (row.kind === 'folder') for (const inside of below(row)) settled.add(inside);
    for (const [other, above] of rows.entries())
      if (above.kind === 'folder' && isBelow(row.path, above.path)) settled.add(other);
  }
  return settled;
}

/** What the ticked rows bring. */
export interface Chosen {
  /** Indices into the offer's entries; undefined when it is everything. */
  readonly only: readonly number[] | undefined;
  readonly files: number;
  readonly bytes: number;
}

/** @param entries - the offer's @param rows - of `offerRows` @param ticks - ticked row numbers */
export function chosenOf(
  entries: readonly OfferEntry[],
  rows: readonly OfferRow[],
  ticks: ReadonlySet<number>,
): Chosen {
  const only = rows.flatMap((row, index) => (ticks.has(index) ? row.own : []));
  let files = 0;
  let bytes = 0;
  for (const index of only) {
    const entry = entries[index];
    if (entry === undefined) continue;
    if (entry.kind !== 'folder') files += 1;
    bytes += entry.size;
  }
  const all = only.length === entries.length;
  return { only: all ? undefined : only.toSorted((a, b) => a - b), files, bytes };
}
