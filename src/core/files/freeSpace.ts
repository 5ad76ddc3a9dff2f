/** How much room a disk has left. */
import { statfsSync } from 'node:fs';
import { CrocError } from '../errors.js';

/**
 * Bytes that this process may still write in a folder.
 *
 * @param folder - an existing folder
 * @returns undefined where the system does not tell (some network and memory disks)
 */
export function freeBytes(folder: string): number | undefined {
  try {
    const { bavail, bsize, blocks } = statfsSync(folder);
    return blocks > 0 ? bavail * bsize : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Says before the first byte comes that a disk is too small.
 *
 * @param neededBytes - of all files that are to come
 * @throws CrocError `disk_full`, with both numbers
 */
export function checkSpace(folder: string, neededBytes: number): void {
  const free = freeBytes(folder);
  if (free === undefined || neededBytes <= free) return;
  const [needed, left] = [neededBytes, free].map((bytes) => bytes.toLocaleString('en'));
  throw new CrocError('disk_full', { detail: `${needed} bytes are needed, ${left} are free` });
}
