/**
 * Conflicts one by one. What arrives for a name that is taken was put beside it; now that it is here,
 * the person sees both in the diff editor and says which stays. Until then nothing is lost.
 */
import { lstat, open, unlink } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import type { Receive, Renamed } from '../../core/index.js';
import { foreignText } from '../foreign.js';
import type { Parts } from '../parts.js';
import { sayError } from '../say.js';
import { askOne } from './quick.js';

/** Larger files are not shown, only asked about. */
const MAX_SHOWN_BYTES = 5 * 1024 * 1024;
const PROBED_BYTES = 8192;

type Verdict = 'replace' | 'both' | 'mine';
interface VerdictItem extends vscode.QuickPickItem {
  readonly verdict: Verdict;
  readonly all: boolean;
}

interface Pair {
  readonly name: string;
  /** Absolute paths. */
  readonly existing: string;
  readonly incoming: string;
}

/** Files that were put beside one of the same name. */
async function pairsOf(to: string, renamed: readonly Renamed[]): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (const { offered, path: incoming } of renamed) {
    const existing = path.join(to, offered);
    const both = await Promise.all([existing, incoming].map((file) => isFile(file)));
    if (both.every(Boolean)) pairs.push({ name: offered, existing, incoming });
  }
  return pairs;
}

const isFile = (file: string): Promise<boolean> =>
  lstat(file).then(
    (stats) => stats.isFile(),
    () => false,
  );

/** Whether the diff editor can show it: not large, and no zero byte at its start, as git decides. */
async function isText(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    if ((await handle.stat()).size > MAX_SHOWN_BYTES) return false;
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(PROBED_BYTES), 0, PROBED_BYTES, 0);
    return !buffer.subarray(0, bytesRead).includes(0);
  } finally {
    await handle.close();
  }
}

async function show({ name, existing, incoming }: Pair): Promise<void> {
  if (!(await isText(existing)) || !(await isText(incoming))) return;
  const title = vscode.l10n.t('{0}: here ↔ received', foreignText(path.posix.basename(name)));
  const [left, right] = [vscode.Uri.file(existing), vscode.Uri.file(incoming)];
  await vscode.commands.executeCommand('vscode.diff', left, right, title, { preview: true });
}

function items(several: boolean): VerdictItem[] {
  const { t } = vscode.l10n;
  const one: [Verdict, string, string][] = [
    [
      'replace',
      `$(replace) ${t('Take what was received')}`,
      t('Undo brings back what is here now.'),
    ],
    ['both', `$(files) ${t('Keep both')}`, t('What was received keeps its free name.')],
    ['mine', `$(circle-slash) ${t('Keep what is here')}`, t('What was received is removed.')],
  ];
  const each = one.map(([verdict, label, detail]) => ({ verdict, label, detail, all: false }));
  if (!several) return each;
  const rest = one.map(([verdict, label]) => ({
    ...{ verdict, all: true },
    label: t('{0}, and for all that follow', label),
  }));
  return [...each, ...rest];
}

/** Settles every conflict of a receive that is done. Leaving keeps both of what is left. */
export async function review(
  parts: Parts,
  receive: Receive,
  to: string,
  renamed: readonly Renamed[],
): Promise<void> {
  const { t } = vscode.l10n;
  const pairs = await pairsOf(to, renamed);
  let forAll: Verdict | undefined;
  for (const [index, pair] of pairs.entries()) {
    let verdict = forAll;
    if (verdict === undefined) {
      await show(pair);
      const answer = await askOne(
        {
          title: t('Receive'),
          placeholder: t('{0} was already there. Which one stays?', foreignText(pair.name)),
          items: items(index < pairs.length - 1),
          step: index + 1,
          totalSteps: pairs.length,
        },
        { back: false },
      );
      if (answer.kind !== 'value') return;
      ({ verdict } = answer.value);
      if (answer.value.all) forAll = verdict;
    }
    try {
      if (verdict === 'replace') await receive.undo?.replace(pair.incoming, pair.existing);
      if (verdict === 'mine') await unlink(pair.incoming);
    } catch (error) {
      void sayError(parts.log, error, {
        ...{ direction: 'receive', ownRelay: false },
        act: () => Promise.resolve(),
      });
      return;
    }
  }
  await parts.undoing.remember();
}
