/** What a disk is: how much room it has left, and whether it is one. */
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

/** What Linux calls the types of disks that are memory: tmpfs and ramfs (statfs(2)). */
const MEMORY_TYPES: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

/** Whether what is written in a folder never leaves memory, as far as the system tells. */
export function isMemoryDisk(folder: string): boolean {
  if (process.platform !== 'linux') return false;
  try {
    return MEMORY_TYPES.has(statfsSync(folder).type);
  } catch {
    return false;
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
