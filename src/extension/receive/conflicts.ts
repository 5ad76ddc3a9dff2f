/** Which offered files are already there. Touches nothing. */
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import type { OfferEntry } from '../../core/index.js';

/** Tells whether something stands at an absolute path (a dangling link counts). */
export type Exists = (file: string) => Promise<boolean>;

const existsOnDisk: Exists = (file) =>
  lstat(file).then(
    () => true,
    () => false,
  );

/**
 * @param to - absolute destination folder @param entries - the offer's, paths already checked
 * @param only - indices that are wanted; all when undefined
 * @returns relative paths of wanted files and links whose place is taken, in the offer's order
 */
export async function findConflicts(
  to: string,
  entries: readonly OfferEntry[],
  only: readonly number[] | undefined,
  exists: Exists = existsOnDisk,
): Promise<string[]> {
  // What is in a folder that is not there cannot be there: a big new folder costs one look.
  const folders = new Map<string, Promise<boolean>>();
  const folderExists = (folder: string): Promise<boolean> => {
    if (folder === '.') return Promise.resolve(true);
    const known = folders.get(folder);
    if (known !== undefined) return known;
    const answer = folderExists(path.posix.dirname(folder)).then(
      (there) => there && exists(path.join(to, folder)),
    );
    folders.set(folder, answer);
    return answer;
  };
  const wanted = only === undefined ? undefined : new Set(only);
  const found: string[] = [];
  for (const [index, entry] of entries.entries()) {
    if (entry.kind === 'folder' || wanted?.has(index) === false) continue;
    if (!(await folderExists(path.posix.dirname(entry.path)))) continue;
    if (await exists(path.join(to, entry.path))) found.push(entry.path);
  }
  return found;
}
