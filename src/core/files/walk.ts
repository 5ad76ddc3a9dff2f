/**
 * What is sent: the named files and folders, and everything below. Folders come before what is in
 * them, names in the order of their bytes, so the same tree always gives the same offer.
 *
 * Blocking calls on purpose: looking at a file costs microseconds, a trip to the thread pool more.
 * Every few milliseconds the walk lets others run and looks whether it was cancelled.
 */
import { accessSync, constants, lstatSync, readdirSync, type Stats } from 'node:fs';
import { sep } from 'node:path';
import { CrocError } from '../errors.js';
import type { IgnoreOptions, OfferEntry, Skipped } from '../types.js';
import { errnoOf, readingError } from './fsErrors.js';
import { NO_RULES, rulesFor, type FolderRules } from './ignoring.js';
import { linkTarget } from './linkTarget.js';
import { pacer } from './pace.js';
import { PART_NAME } from './partials.js';
import { checkEntryPath, MAX_ENTRIES } from './safePath.js';
import { namedRoots, type MemorySource, type Root, type WalkSource } from './roots.js';

export type { MemorySource, WalkSource } from './roots.js';

/** Files between two looks at the clock. */
const ROUNDS = 32;

/** One thing to offer, and where it is. */
export interface WalkEntry extends OfferEntry {
  /** Absolute path on this disk, in the system's own form; empty for what is in memory. */
  readonly source: string;
  /** The content of a file that is in memory. */
  readonly content?: Uint8Array;
}

/** How to walk. */
export interface WalkOptions {
  readonly signal?: AbortSignal;
  /** Told of everything that is found and not sent; `path` is the one it would have had. */
  readonly onSkip: (skipped: Skipped) => void;
  /** What to leave out of named folders; nothing when absent. */
  readonly ignore?: IgnoreOptions | undefined;
  /** Told of each file or folder that `ignore` leaves out. */
  readonly onIgnore?: () => void;
}

/**
 * Walks what was named. A named link is followed, for the person chose it; links below are sent as
 * links if they stay inside the named folder. Partial files of ours below a named folder are left out.
 *
 * @param sources - each offered under its base name
 * @throws CrocError `nothing_to_send` (no path at all), `file_not_found`, `file_unreadable`,
 * `unsupported_file` (a device, pipe or socket was named), `limit_exceeded` (over 1,000,000
 * entries), and the signal's reason
 */
export async function* walk(
  sources: readonly WalkSource[],
  options: WalkOptions,
): AsyncGenerator<WalkEntry, void, undefined> {
  if (sources.length === 0) throw new CrocError('nothing_to_send');
  let count = 0;
  const pause = pacer(ROUNDS);
  for (const root of namedRoots(sources)) {
    for (const entry of walkRoot(root, options)) {
      options.signal?.throwIfAborted();
      const turn = pause();
      if (turn !== undefined) await turn;
      if (++count > MAX_ENTRIES)
        throw new CrocError('limit_exceeded', { detail: `over ${MAX_ENTRIES} files` });
      if (entry !== undefined) yield entry;
    }
  }
}

interface Place {
  readonly path: string;
  readonly source: string;
  /** What is left out in the folder that this is in; absent for what was named. */
  readonly rules?: FolderRules;
}

/** Gives an entry for what is sent and `undefined` for what is not, so that both count as work. */
function* walkRoot(root: Root, options: WalkOptions): Generator<WalkEntry | undefined> {
  const { onSkip, ignore, onIgnore } = options;
  if (root.memory) {
    yield inMemory(root.name, root.memory);
    return;
  }
  // What is left to look at, the next one last: recursion that cannot overflow.
  const left: Place[] = [{ path: root.name, source: root.source }];
  for (let place = left.pop(); place !== undefined; place = left.pop()) {
    const stats = statOf(place);
    if (isLeftOut(place, stats)) {
      onIgnore?.();
      yield undefined;
      continue;
    }
    const entry = look(place, stats, root, onSkip);
    yield entry;
    if (entry?.kind !== 'folder') continue;
    const rules =
      place.rules?.within(place.source) ?? (ignore ? rulesFor(place.source, ignore) : NO_RULES);
    for (const name of namesIn(place, onSkip).reverse())
      left.push({ path: `${place.path}/${name}`, source: below(place.source, name), rules });
  }
}

/** Before anything else is found out about it: what is left out may well be unreadable. */
function isLeftOut({ rules = NO_RULES, source }: Place, stats: Stats | undefined): boolean {
  return rules !== NO_RULES && rules.ignores(source, stats?.isDirectory() === true);
}

function inMemory(path: string, { content, mtimeMs }: MemorySource): WalkEntry {
  const { length: size } = content;
  return { path, source: '', kind: 'file', size, mtimeMs, executable: false, content };
}

function below(folder: string, name: string): string {
  return folder.endsWith(sep) ? folder + name : folder + sep + name;
}

function look(
  place: Place,
  stats: Stats | undefined,
  root: Root,
  onSkip: WalkOptions['onSkip'],
): WalkEntry | undefined {
  const { path, source } = place;
  if (!isSendable(path)) {
    onSkip({ path, reason: 'unsendable-name' });
    return undefined;
  }
  // Deleted since its folder was read: then it is simply not part of the offer.
  if (stats === undefined) return undefined;
  const { mtimeMs } = stats;
  if (stats.isFile()) {
    if (place.rules !== undefined && isPartial(path)) return undefined;
    checkReadable(place, stats);
    const executable = (stats.mode & 0o100) !== 0;
    return { path, source, mtimeMs, kind: 'file', size: stats.size, executable };
  }
  const empty = { path, source, mtimeMs, size: 0, executable: false } as const;
  if (stats.isDirectory()) return { ...empty, kind: 'folder' };
  if (!stats.isSymbolicLink()) {
    onSkip({ path, reason: 'special-file' });
    return undefined;
  }
  const found = linkTarget(path, source, root.source);
  if ('reason' in found) {
    onSkip({ path, reason: found.reason });
    return undefined;
  }
  return { ...empty, kind: 'symlink', target: found.target };
}

/** Whether it is what an unfinished transfer left or is writing: of no use to anybody else. */
function isPartial(path: string): boolean {
  return path.endsWith('.part') && PART_NAME.test(path.slice(path.lastIndexOf('/') + 1));
}

function isSendable(path: string): boolean {
  try {
    checkEntryPath(path);
    return true;
  } catch {
    return false;
  }
}

function statOf({ path, source }: Place): Stats | undefined {
  try {
    return lstatSync(source, { throwIfNoEntry: false });
  } catch (error) {
    throw readingError(error, path);
  }
}

/** Says now, not in the middle of the transfer, that a file cannot be read. */
function checkReadable({ path, source }: Place, stats: Stats): void {
  // Readable by everybody: asking would cost a call a file and tell nothing.
  if ((stats.mode & 0o444) === 0o444) return;
  try {
    accessSync(source, constants.R_OK);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw readingError(error, path);
  }
}

/** The names in a folder that are text, in the order of their bytes; the others are skipped. */
function namesIn({ path, source }: Place, onSkip: WalkOptions['onSkip']): string[] {
  try {
    const names = readdirSync(source);
    return sortedByBytes(
      names.some((name) => name.includes('\ufffd')) ? textNames(path, source, onSkip) : names,
    );
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw readingError(error, path);
  }
}

/**
 * Names that are not UTF-8 come as text with replacement characters, which names another file or
 * none. Only a folder that shows such a character is read once more, as bytes.
 */
function textNames(path: string, source: string, onSkip: WalkOptions['onSkip']): string[] {
  const names: string[] = [];
  for (const bytes of readdirSync(source, { encoding: 'buffer' })) {
    const name = bytes.toString('utf8');
    if (Buffer.from(name).equals(bytes)) names.push(name);
    else onSkip({ path: `${path}/${name}`, reason: 'unsendable-name' });
  }
  return names;
}

function sortedByBytes(names: string[]): string[] {
  // Text compares by UTF-16 units, which differs from bytes only where surrogates come in.
  if (!names.some((name) => /[\ud800-\udfff]/.test(name))) return names.sort();
  return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
