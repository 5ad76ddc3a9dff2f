/** Where a link inside a named folder points, in words that mean the same on the other disk. */
import { readlinkSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import type { Skipped } from '../types.js';
import { readingError } from './fsErrors.js';
import { checkLinkTarget } from './safePath.js';

/** The target to offer, or why the link is not sent. */
export type LinkTarget = { readonly target: string } | { readonly reason: Skipped['reason'] };

/**
 * Finds the target to offer for a link: as it is written when that is relative and simple, else
 * the shortest relative way to the same place. A link that leads nowhere is sent like any other.
 *
 * @param path - its path in the offer
 * @param source - its absolute path on this disk; the folders in it are real
 * @param root - absolute real path of the named folder, out of which no link may lead
 * @throws CrocError `file_unreadable`
 */
export function linkTarget(path: string, source: string, root: string): LinkTarget {
  const written = readTarget(path, source);
  const folder = dirname(source);
  // Where the chain of links really ends, or where it would if it led anywhere.
  const end = realEnd(source) ?? resolve(folder, written);
  if (!isInside(end, root)) return { reason: 'link-leaves-folder' };
  for (const target of [asWritten(written), portable(relative(folder, end)) || '.'])
    if (target !== undefined && isAllowed(path, target)) return { target };
  return { reason: 'unsendable-name' };
}

function readTarget(path: string, source: string): string {
  try {
    return readlinkSync(source);
  } catch (error) {
    throw readingError(error, path);
  }
}

/** The real path of what the link leads to; undefined when it leads nowhere or in a circle. */
function realEnd(source: string): string | undefined {
  try {
    return realpathSync.native(source);
  } catch {
    return undefined;
  }
}

function isInside(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/** The target without steps that mean nothing, or undefined when it cannot be kept. */
function asWritten(written: string): string | undefined {
  if (isAbsolute(written)) return undefined;
  const parts = portable(written).split('/');
  return parts.filter((part) => part !== '' && part !== '.').join('/') || '.';
}

function portable(path: string): string {
  return sep === '/' ? path : path.replaceAll(sep, '/');
}

function isAllowed(path: string, target: string): boolean {
  try {
    checkLinkTarget(path, target);
    return true;
  } catch {
    return false;
  }
}
