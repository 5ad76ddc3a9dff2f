/** Finding out whether a folder can be written to, by writing. */
import { closeSync, constants, fstatSync, openSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CrocError } from '../errors.js';
import type { RandomBytes } from '../edges.js';
import { writingError } from './fsErrors.js';
import { partName, removeQuietly } from './partFile.js';

/** A folder that can be written to. */
export interface ProbedFolder {
  /** Absolute, every link resolved. */
  readonly root: string;
  /** Permissions of an ordinary new file there; the process's own mask has been applied. */
  readonly fileMode: number;
}

/**
 * Makes and removes one empty file. The mode it gets tells the mask, which a worker thread must not
 * ask for by setting it.
 *
 * @param to - an existing folder
 * @throws CrocError `folder_gone`, `folder_not_writable`, `disk_full`, `write_failed`
 */
export function probeFolder(to: string, random: RandomBytes): ProbedFolder {
  try {
    const root = realpathSync.native(to);
    if (!statSync(root).isDirectory()) throw new CrocError('folder_gone', { detail: to });
    const probe = join(root, partName(random));
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    const fd = openSync(probe, flags, 0o666);
    try {
      return { root, fileMode: fstatSync(fd).mode & 0o666 };
    } finally {
      closeSync(fd);
      removeQuietly(probe);
    }
  } catch (error) {
    throw writingError(error, to);
  }
}

/** Execute for everybody who may read; never setuid, setgid or sticky. */
export function withExecute(fileMode: number): number {
  return fileMode | ((fileMode & 0o444) >> 2);
}
