/** Counting and choosing among offered entries. */
import { CrocError } from '../errors.js';
import type { OfferEntry, Totals } from '../types.js';

/** Counts what entries hold. */
export function totalsOf(entries: Iterable<OfferEntry>): Totals {
  let files = 0;
  let folders = 0;
  let bytes = 0;
  for (const entry of entries) {
    if (entry.kind === 'folder') folders += 1;
    else files += 1;
    bytes += entry.size;
  }
  return { files, folders, bytes };
}

/** Bytes of the entries with these indices. */
export function sizeOf(entries: readonly OfferEntry[], indices: Iterable<number>): number {
  let bytes = 0;
  for (const index of indices) bytes += entries[index]?.size ?? 0;
  return bytes;
}

/**
 * The chosen entries and the offered folders above them.
 *
 * @param only - indices; undefined chooses everything
 * @returns indices in ascending order
 * @throws CrocError `usage` for an index that was not offered
 */
export function withFolders(entries: readonly OfferEntry[], only?: readonly number[]): number[] {
  if (!only) return entries.map((_, index) => index);
  const folders = new Map<string, number>();
  entries.forEach((entry, index) => {
    if (entry.kind === 'folder') folders.set(entry.path, index);
  });
  const chosen = new Set<number>();
  for (const index of only) {
    const entry = entries[index];
    if (!entry) throw new CrocError('usage', { detail: `there is no entry ${index}` });
    chosen.add(index);
    for (let at = entry.path.lastIndexOf('/'); at > 0; at = entry.path.lastIndexOf('/', at - 1)) {
      const folder = folders.get(entry.path.slice(0, at));
      if (folder !== undefined) chosen.add(folder);
    }
  }
  return [...chosen].sort((a, b) => a - b);
}

/** Counts files and links among entries. @param indices - which ones */
export function countFiles(entries: readonly OfferEntry[], indices: Iterable<number>): number {
  let files = 0;
  for (const index of indices) if (entries[index] && entries[index].kind !== 'folder') files += 1;
  return files;
}
