/** The last steps of a destination, once every file has its name: folders, links, leftovers, times. */
import { CrocError } from '../errors.js';
import type { OfferEntry } from '../types.js';
import { parentOf, type Folders } from './folders.js';
import type { Ledger } from './ledger.js';
import type { Links } from './links.js';
import { pacer } from './pace.js';
import { MIN_PARTIAL_BYTES, type Partials } from './partials.js';
import type { Placement } from './placement.js';
import type { UndoLog } from './undo.js';

/** The parts of a destination that these steps need. */
export interface TreeParts {
  readonly entries: readonly OfferEntry[];
  readonly folders: Folders;
  readonly placement: Placement;
  readonly ledger: Ledger;
  readonly links: Links;
  readonly partials: Partials;
  readonly undo: UndoLog | undefined;
  /** Throws when the destination has failed or was aborted meanwhile. */
  readonly check: () => void;
  /** A link has its final name. */
  readonly onDone: (index: number, path: string) => void;
}

/**
 * Makes empty folders and links, removes what earlier transfers left, gives folders their times, and puts all
 * of it on the disk.
 *
 * @throws CrocError what `check` throws, or what is wrong with the disk
 */
export async function finishTree(parts: TreeParts): Promise<void> {
  const { folders, ledger, check } = parts;
  const pause = pacer();
  for (const [index] of ledger.planned('folder')) {
    folders.ensure(ledger.place(index));
    ledger.done(index, ledger.place(index));
    await pause();
    check();
  }
  for (const [index, entry] of ledger.planned('symlink')) {
    makeLink(parts, index, entry);
    await pause();
    check();
  }
  await removeLeftovers(parts);
  setFolderTimes(parts);
  await folders.flush();
}

function makeLink(
  { folders, placement, ledger, links, undo, onDone }: TreeParts,
  index: number,
  { path: offered, target, mtimeMs }: OfferEntry,
): void {
  if (target === undefined) throw new CrocError('internal', { detail: offered });
  const link = { path: offered, target, mtimeMs };
  const choice = ledger.choice(index);
  let path = ledger.place(index);
  folders.ensure(parentOf(path));
  if (choice === 'overwrite') undo?.keep(folders.fullPath(path));
  while (!links.make(folders.fullPath(path), link, choice)) {
    if (choice === 'skip') return;
    path = placement.freeName(path, 'file');
  }
  folders.touch(parentOf(path));
  onDone(index, path);
}

/** What earlier transfers left of what is whole now, and what nobody went on with for long. */
async function removeLeftovers({ folders, ledger, partials }: TreeParts): Promise<void> {
  for (const [index, { size }] of ledger.planned('file'))
    if (size >= MIN_PARTIAL_BYTES) await partials.removeOthers(ledger.place(index));
  for (const folder of folders.touched) partials.lookInto(folder);
  await partials.removeStale(Date.now());
}

/** Last of all: every name that comes into a folder changes its time. */
function setFolderTimes({ entries, folders, placement }: TreeParts): void {
  for (const entry of entries) {
    if (entry.kind !== 'folder') continue;
    const path = placement.moved(entry.path);
    if (path !== undefined) folders.setTime(path, entry.mtimeMs);
  }
}
