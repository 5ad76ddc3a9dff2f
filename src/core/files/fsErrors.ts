/** What the system's file errors mean to a sender and to a recipient. */
import { CrocError, type ErrorCode } from '../errors.js';

const READING: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'file_not_found',
  ENOTDIR: 'file_not_found',
  // O_NOFOLLOW met a link, or a device where the offer had a file: it was exchanged.
  ELOOP: 'file_changed',
  ENXIO: 'file_changed',
  EISDIR: 'file_changed',
};

const WRITING: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'disk_full',
  EDQUOT: 'disk_full',
  EROFS: 'folder_not_writable',
  EACCES: 'folder_not_writable',
  EPERM: 'folder_not_writable',
  ENOENT: 'folder_gone',
  EISDIR: 'target_in_the_way',
  ENOTDIR: 'target_in_the_way',
  ENOTEMPTY: 'target_in_the_way',
  ELOOP: 'target_in_the_way',
};

/** The system's code (`ENOENT`, …) of whatever was thrown, or undefined. */
export function errnoOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

/**
 * An error while reading what is sent.
 *
 * @param path - what the error is about, as the person knows it
 * @returns `file_not_found`, `file_changed` or `file_unreadable`; a CrocError stays what it is
 */
export function readingError(thrown: unknown, path: string): CrocError {
  return mapped(thrown, path, READING, 'file_unreadable');
}

/**
 * An error while writing what is received.
 *
 * @param path - what the error is about, as the person knows it
 * @returns `disk_full`, `folder_not_writable`, `folder_gone`, `target_in_the_way` or `write_failed`;
 * a CrocError stays what it is
 */
export function writingError(thrown: unknown, path: string): CrocError {
  return mapped(thrown, path, WRITING, 'write_failed');
}

function mapped(
  thrown: unknown,
  path: string,
  codes: Readonly<Record<string, ErrorCode>>,
  otherwise: ErrorCode,
): CrocError {
  if (thrown instanceof CrocError) return thrown;
  const code = codes[errnoOf(thrown) ?? ''] ?? otherwise;
  return new CrocError(code, { detail: path, cause: thrown });
}
