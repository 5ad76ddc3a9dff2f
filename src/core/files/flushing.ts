/** Putting things on the disk for good. */
import { closeSync, constants, fsync, openSync } from 'node:fs';
import { errnoOf } from './fsErrors.js';

/** Flushes that run at a time; the thread pool has four threads, and the disk joins what waits. */
const PARALLEL = 8;

/** What systems say that cannot open or flush a folder (Windows, some network disks). */
const CANNOT_FLUSH_FOLDERS = new Set(['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP', 'EBADF']);

/** Does `work` for each of `items`, some at a time. Rejects with the first error, once all ended. */
export async function inParallel<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const item = items[next++];
      if (item !== undefined) await work(item);
    }
  };
  const lanes = Array.from({ length: Math.min(PARALLEL, items.length) }, lane);
  const ends = await Promise.allSettled(lanes);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** Flushes content, size, mode and times of an open file; the system's error comes out. */
export function flushFile(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fsync(fd, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

/** Flushes the list of names in a folder, where the system can; its error comes out. */
export async function flushFolder(path: string): Promise<void> {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY);
    await flushFile(fd);
  } catch (error) {
    if (!CANNOT_FLUSH_FOLDERS.has(errnoOf(error) ?? '')) throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
