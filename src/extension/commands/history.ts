/** The commands about transfers of the history: send again, resume, reveal, remove, clear. */
import * as vscode from 'vscode';
import { itemsOf, type Entry } from '../history/entry.js';
import type { Parts } from '../parts.js';
import { revealFiles } from '../places.js';
import { dayText, itemsTitle, timeText } from '../texts.js';
import { idOf } from '../views/tree.js';
import { receive } from './receive.js';
import { sendFiles } from './send.js';

/** The entry that is meant: the one named, or the one picked among those that fit. */
async function choose(
  parts: Parts,
  given: readonly unknown[],
  fits: (entry: Entry) => boolean,
): Promise<Entry | undefined> {
  // Entries of other windows are known once the disk was read.
  const all = await parts.history.all();
  const id = idOf(given[0]);
  if (id !== undefined) return all.find((entry) => entry.id === id && fits(entry));
  const among = all.filter(fits);
  const { t } = vscode.l10n;
  if (among.length === 0) {
    void vscode.window.showInformationMessage(t('There is no such transfer in the history.'));
    return undefined;
  }
  const picked = await vscode.window.showQuickPick(
    among.map((entry) => {
      const atMs = entry.endedAtMs ?? entry.startedAtMs;
      return {
        label: `$(${entry.direction === 'send' ? 'arrow-up' : 'arrow-down'}) ${itemsTitle(itemsOf(entry))}`,
        description: `${dayText(atMs, Date.now())}, ${timeText(atMs)}`,
        entry,
      };
    }),
    { placeHolder: t('Which transfer?') },
  );
  return picked?.entry;
}

const isOver = ({ state }: Entry): boolean => state !== 'running';
const hasPaths = ({ paths }: Entry): boolean => paths.length > 0;

/** Sends the same files once more, with a new code. @returns whether there is one */
export async function sendAgain(parts: Parts, given: readonly unknown[]): Promise<boolean> {
  const entry = await choose(
    parts,
    given,
    (one) => one.direction === 'send' && isOver(one) && hasPaths(one),
  );
  return entry !== undefined && sendFiles(parts, entry.paths);
}

/**
 * Goes on with a transfer that did not end well. A send gets a new code for the same files; a receive
 * asks for the new code and writes into the same folder, where what is whole is not fetched again.
 *
 * @returns whether something started
 */
export async function resume(parts: Parts, given: readonly unknown[]): Promise<boolean> {
  const entry = await choose(
    parts,
    given,
    (one) => isOver(one) && one.state !== 'done' && hasPaths(one),
  );
  if (entry === undefined) return false;
  const [to = ''] = entry.paths;
  const started =
    entry.direction === 'send'
      ? await sendFiles(parts, entry.paths)
      : await receive(parts, { code: '', to });
  // The new one goes on where this one stopped, so one row is enough.
  if (started) await parts.history.remove([entry.id]);
  return started;
}

/** Shows where the files are. */
export async function reveal(parts: Parts, given: readonly unknown[]): Promise<void> {
  const entry = await choose(
    parts,
    given,
    (one) => isOver(one) && (hasPaths(one) || one.roots.length > 0),
  );
  if (entry === undefined) return;
  const files = entry.roots.length > 0 ? entry.roots : entry.paths;
  const folder = entry.direction === 'receive' ? entry.paths[0] : undefined;
  await revealFiles(files, folder);
}

/** Takes one transfer off the list; the files stay. */
export async function removeTransfer(parts: Parts, given: readonly unknown[]): Promise<void> {
  const entry = await choose(parts, given, isOver);
  if (entry !== undefined) await parts.history.remove([entry.id]);
}

/** Takes everything that is over off the list, after a question. */
export async function clearHistory(parts: Parts): Promise<void> {
  const over = (await parts.history.all()).filter(isOver);
  if (over.length === 0) return;
  const { t } = vscode.l10n;
  const clear = t('Clear History');
  const picked = await vscode.window.showWarningMessage(
    over.length === 1
      ? t('Take 1 transfer off the list? The files stay.')
      : t('Take {0} transfers off the list? The files stay.', over.length),
    { modal: true },
    clear,
  );
  if (picked === clear) await parts.history.remove(over.map(({ id }) => id));
}
