/**
 * Names of files: how long they are, when two of them are the same to some disk, and how a name
 * that is taken becomes one that is free.
 */

/** Bytes of one name that every common file system can hold. */
export const MAX_NAME_BYTES = 255;

const ASCII = /^[\0-\x7f]*$/;

/**
 * The key under which two names or paths are one file on some disk: those of macOS and Windows
 * ignore case, macOS ignores the normalisation form, and HFS+ ignores joiners.
 *
 * Upper case comes between two lower cases because full case folding is not in the language:
 * `ẞ`, `ß` and `SS` meet in `ss`, and both sigmas in one. The dotless `ı` stays itself, as in
 * Unicode's default folding; its upper case would make it an `i`.
 */
export function collisionKey(path: string): string {
  if (ASCII.test(path)) return path.toLowerCase();
  return path
    .normalize('NFD')
    .replace(/[\u200c\u200d\u00ad]/g, '')
    .toLowerCase()
    .split('ı')
    .map((piece) => piece.toUpperCase().toLowerCase())
    .join('ı')
    .normalize('NFD');
}

/**
 * Gives `name (2).ext` for `name.ext`: what a taken name becomes.
 *
 * @param name - one part of a path; a folder's has no extension
 * @param number - 2 or more
 * @returns a name of at most 255 bytes; the stem is cut when it must be
 */
export function numberedName(name: string, number: number, kind: 'file' | 'folder'): string {
  const extension = kind === 'file' ? extensionOf(name) : '';
  const ending = ` (${number})${extension}`;
  const room = MAX_NAME_BYTES - Buffer.byteLength(ending);
  return cutToBytes(name.slice(0, name.length - extension.length), room) + ending;
}

/** `.gz` of `a.gz`, `.tar.gz` of `a.tar.gz`, nothing of `.hidden`, or of an ending too long to be one. */
function extensionOf(name: string): string {
  const extension = /^.+?((?:\.tar)?\.[^.\s]{1,16})$/s.exec(name)?.[1] ?? '';
  return Buffer.byteLength(extension) <= 64 ? extension : '';
}

/** Cuts at a character's end, so that at most `bytes` bytes of UTF-8 are left. */
function cutToBytes(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  let cut = '';
  let used = 0;
  for (const character of text) {
    used += Buffer.byteLength(character);
    if (used > bytes) break;
    cut += character;
  }
  return cut;
}
