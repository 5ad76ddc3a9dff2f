/**
 * What a peer may name. Every path and link target of an offer passes here before anything else
 * looks at it, on the recipient's side as hostile input and on the sender's side so that nothing is
 * offered which would be refused.
 *
 * Refused everywhere: what leaves the destination (absolute, `..`, drive letters, backslashes, which
 * are separators on Windows), what is a device there, what hides its true name from the person who
 * accepts (control, direction and zero-width characters), and what would be stored under another
 * name (a trailing dot). Refused on Windows only: what only Windows cannot hold (`<>:"|?*`, a
 * trailing space); on Linux and macOS such names are ordinary and harmless.
 */
import { CrocError } from '../errors.js';
import type { OfferEntry } from '../types.js';
import { collisionKey, MAX_NAME_BYTES } from './names.js';

/** Entries that one offer may have. */
export const MAX_ENTRIES = 1_000_000;
/** Bytes of UTF-8 in a path, and in a link's target. */
export const MAX_PATH_BYTES = 4096;
/** Names in a path. */
export const MAX_PATH_PARTS = 100;

/** Tells a name that is refused everywhere by its characters. */

const REFUSED_CHARACTERS = /[\\\0-\x1f\x7f-\x9f\p{Cs}]/u;
/** Direction marks, zero-width characters and invisible operators; joiners are part of scripts. */
const HIDING_CHARACTERS =
  /[\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/;
const WINDOWS_CHARACTERS = /[<>:"|?*]/;
const DRIVE = /^[a-z]:/i;
/** A device is itself with any extension, stream or trailing spaces (Windows, "Naming files"). */
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(?:[.:].*)?$/is;
/** Nothing in here needs a closer look; most names are such. */
const PLAIN = /^[\w\-./ ()+,=@#~%&!'[\]{}]*$/;

function unsafe(path: string, cause?: string): CrocError {
  return new CrocError('unsafe_path', { detail: path, cause });
}

/** Whether a text has more bytes of UTF-8; one of its units has at most three. */
function isLonger(text: string, bytes: number): boolean {
  if (text.length * 3 <= bytes) return false;
  return text.length > bytes || Buffer.byteLength(text) > bytes;
}

/** Why one name between two slashes is refused, or undefined. */
function faultOfName(name: string, platform: NodeJS.Platform): string | undefined {
  if (name === '') return 'an empty name, or a path that is absolute or ends with a slash';
  if (name === '.' || name === '..') return 'a step to another folder';
  if (isLonger(name, MAX_NAME_BYTES)) return 'a name that is too long';
  if (name.endsWith('.')) return 'a trailing dot';
  if (DEVICE.test(name)) return 'the name of a Windows device';
  if (!PLAIN.test(name)) {
    if (REFUSED_CHARACTERS.test(name)) return 'a control character or backslash';
    if (HIDING_CHARACTERS.test(name)) return 'a character that hides the name';
    if (DRIVE.test(name)) return 'a drive letter';
    if (platform === 'win32' && WINDOWS_CHARACTERS.test(name))
      return 'a character that Windows refuses';
  }
  if (platform === 'win32' && name.endsWith(' ')) return 'a trailing space';
  return undefined;
}

/** Why a path of names is refused, or undefined. */
function faultOfPath(path: string, platform: NodeJS.Platform): string | undefined {
  if (isLonger(path, MAX_PATH_BYTES)) return 'a path that is too long';
  const names = path.split('/');
  if (names.length > MAX_PATH_PARTS) return 'a path that is too deep';
  for (const name of names) {
    const fault = faultOfName(name, platform);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/**
 * Checks a path that a peer offers, or that is to be offered.
 *
 * @param path - relative, `/` between the names, 1 to 4096 bytes, at most 100 names of 1 to 255 bytes
 * @param platform - whose rules also hold; this machine's when absent
 * @throws CrocError `unsafe_path`, with the path as detail
 */
export function checkEntryPath(path: string, platform: NodeJS.Platform = process.platform): void {
  const fault = faultOfPath(path, platform);
  if (fault !== undefined) throw unsafe(path, fault);
}

/**
 * Checks where an offered link points: relative, its `..` first, and never out of the topmost
 * offered folder that the link is in. A `..` after a name is refused because that name may be a
 * link itself, and then the step up starts somewhere else. `.` is the link's own folder.
 *
 * @param entryPath - the link's path, already checked
 * @param target - as the offer has it
 * @throws CrocError `unsafe_path`, with the link's path as detail
 */
export function checkLinkTarget(
  entryPath: string,
  target: string,
  platform: NodeJS.Platform = process.platform,
): void {
  const up = /^(?:\.\.(?:\/|$))*/.exec(target)?.[0] ?? '';
  const levels = Math.ceil(up.length / 3);
  // A link that lies at the top has no folder of its own to climb in.
  const room = Math.max(0, entryPath.split('/').length - 2);
  if (levels > room) throw unsafe(entryPath, 'a link that points out of its folder');
  const rest = target.slice(up.length);
  // `..` and `../..` are whole targets; `../` is not in its shortest form.
  if (target === '.' || (rest === '' && up !== '' && !up.endsWith('/'))) return;
  if (Buffer.byteLength(target) > MAX_PATH_BYTES) throw unsafe(entryPath, 'a target too long');
  const fault = faultOfPath(rest, platform);
  if (fault !== undefined) throw unsafe(entryPath, `a link's target with ${fault}`);
}

function checkNumbers({ path, kind, size, mtimeMs }: OfferEntry): void {
  if (!Number.isSafeInteger(size) || size < 0 || (kind !== 'file' && size !== 0))
    throw new CrocError('protocol_error', { detail: `size of ${path}` });
  // The range of a Date.
  if (!(Math.abs(mtimeMs) <= 8.64e15))
    throw new CrocError('protocol_error', { detail: `time of ${path}` });
}

function checkTarget(entry: OfferEntry, platform: NodeJS.Platform): void {
  const isLink = entry.kind === 'symlink';
  if (isLink !== (entry.target !== undefined)) throw unsafe(entry.path, 'a target that is odd');
  if (entry.target !== undefined) checkLinkTarget(entry.path, entry.target, platform);
}

/** One name in the tree of an offer. */
interface Node {
  readonly path: string;
  readonly depth: number;
  isEntry: boolean;
  /** A file or a link: nothing may lie below. */
  isLeaf: boolean;
  /** By collision key; absent while there are none, which is so for most of a million. */
  children: Map<string, Node> | undefined;
}

/** The names of an offer as a tree, in which every name is looked at once. */
class NameTree {
  readonly #platform: NodeJS.Platform;
  /** Folders by path, so that an entry need not go down from the top. */
  readonly #folders = new Map<string, Node>([['', newNode('', 0)]]);

  constructor(platform: NodeJS.Platform) {
    this.#platform = platform;
  }

  add({ path, kind }: OfferEntry): void {
    if (path.length > MAX_PATH_BYTES || Buffer.byteLength(path) > MAX_PATH_BYTES)
      throw unsafe(path, 'a path that is too long');
    const node = this.#node(path);
    if (node.isEntry) throw new CrocError('name_collision', { detail: path });
    node.isEntry = true;
    if (kind === 'folder') return;
    if (node.children !== undefined) throw unsafe(path, 'a file that is also a folder');
    node.isLeaf = true;
  }

  #node(path: string): Node {
    const slash = path.lastIndexOf('/');
    // At 0 the path is absolute: its first name is empty, and refused as that.
    const parent = this.#folder(slash <= 0 ? '' : path.slice(0, slash));
    if (parent.isLeaf) throw unsafe(parent.path, 'a file that is also a folder');
    const name = slash === 0 ? '' : path.slice(slash + 1);
    const key = collisionKey(name);
    const known = parent.children?.get(key);
    if (known !== undefined) {
      if (known.path === path) return known;
      throw new CrocError('name_collision', { detail: `${known.path}, ${path}` });
    }
    const fault = faultOfName(name, this.#platform);
    if (fault !== undefined) throw unsafe(path, fault);
    const node = newNode(path, parent.depth + 1);
    if (node.depth > MAX_PATH_PARTS) throw unsafe(path, 'a path that is too deep');
    (parent.children ??= new Map()).set(key, node);
    return node;
  }

  #folder(path: string): Node {
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const node = this.#node(path);
    this.#folders.set(path, node);
    return node;
  }
}

function newNode(path: string, depth: number): Node {
  return { path, depth, isEntry: false, isLeaf: false, children: undefined };
}

/** Checks an offer entry by entry, as it comes. */
export class OfferCheck {
  readonly #platform: NodeJS.Platform;
  readonly #tree: NameTree;
  #entries = 0;
  #bytes = 0;

  /** @param platform - whose rules of names hold; this machine's when absent */
  constructor(platform: NodeJS.Platform = process.platform) {
    this.#platform = platform;
    this.#tree = new NameTree(platform);
  }

  /** Takes the next entry. @throws CrocError as `checkOffer` */
  add(entry: OfferEntry): void {
    this.#entries += 1;
    if (this.#entries > MAX_ENTRIES)
      throw new CrocError('limit_exceeded', { detail: `over ${MAX_ENTRIES} entries` });
    this.#tree.add(entry);
    checkNumbers(entry);
    checkTarget(entry, this.#platform);
    this.#bytes += entry.size;
    if (!Number.isSafeInteger(this.#bytes))
      throw new CrocError('limit_exceeded', { detail: 'bytes' });
  }
}

/**
 * Checks a whole offer: every path, size and link target, that no two paths are one file on some
 * disk, and that nothing lies below a file or a link.
 *
 * @param entries - in any order; linear in their number
 * @throws CrocError `unsafe_path`, `name_collision` (also for the same path twice),
 * `protocol_error` (a size or time that is none), `limit_exceeded` (over 1,000,000 entries, or more bytes
 * together than a safe integer)
 */
export function checkOffer(
  entries: readonly OfferEntry[],
  platform: NodeJS.Platform = process.platform,
): void {
  if (entries.length > MAX_ENTRIES)
    throw new CrocError('limit_exceeded', { detail: `${entries.length} entries` });
  const check = new OfferCheck(platform);
  for (const entry of entries) check.add(entry);
}
