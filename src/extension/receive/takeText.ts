/** What becomes of a text or a patch that was taken. */
import * as vscode from 'vscode';
import type { Offer } from '../../core/index.js';
import { foreignText } from '../foreign.js';
import type { Git, Repository } from '../git.js';
import { showText, type TextWish } from './textStep.js';

/** Does what the person chose. @throws the system's error when a file cannot be written */
export async function takeText(offer: Offer, wish: TextWish): Promise<void> {
  const { t } = vscode.l10n;
  if (wish.act === 'show') await showText(offer);
  else if (wish.act === 'save') await saveText(offer);
  else if (wish.act === 'apply') await applyPatch(offer, wish.git, wish.repository);
  else {
    await vscode.env.clipboard.writeText(offer.text ?? '');
    vscode.window.setStatusBarMessage(t('Text copied'), 3000);
  }
}

async function saveText(offer: Offer): Promise<void> {
  const name = offer.name ?? (offer.kind === 'patch' ? 'changes.patch' : 'text.txt');
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const uri = await vscode.window.showSaveDialog({
    title: vscode.l10n.t('Save what was received'),
    ...(folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder, name) }),
  });
  if (uri === undefined) return;
  await vscode.workspace.fs.writeFile(uri, offer.content ?? new Uint8Array());
  await vscode.window.showTextDocument(uri, { preview: false });
}

const APPLY = ['apply', '--whitespace=nowarn'];

/** Applies a patch to the working tree if all of it fits; else tells why, and offers to merge. */
async function applyPatch(offer: Offer, git: Git, repository: Repository): Promise<void> {
  const { t } = vscode.l10n;
  const input = offer.content ?? new Uint8Array();
  const check = await git.run(repository, [...APPLY, '--check'], { input });
  if (check.code === 0) {
    const applied = await git.run(repository, APPLY, { input });
    if (applied.code === 0) void tellApplied(t('The changes are in {0} now.', repository.name));
    else void tellRefused(offer, applied.stderr);
    return;
  }
  const merge = t('Merge');
  const look = t('Look at It');
  const misfit = t('The changes do not fit as they are: {0}', firstLines(check.stderr));
  // A message that is not modal shows no `detail`, so it is said here.
  const merging = t('Merging marks what contradicts each other in the files.');
  void vscode.window
    .showWarningMessage(`${misfit}. ${merging}`, merge, look)
    .then(async (picked) => {
      if (picked === look) await showText(offer);
      if (picked === merge) await mergePatch(offer, git, repository);
    });
}

/** Merges with the versions that the patch was made from, where the repository has them. */
async function mergePatch(offer: Offer, git: Git, repository: Repository): Promise<void> {
  const { t } = vscode.l10n;
  const input = offer.content ?? new Uint8Array();
  const merged = await git.run(repository, [...APPLY, '--3way'], { input });
  if (merged.code === 0) {
    void tellApplied(t('The changes are merged into {0}.', repository.name));
    return;
  }
  const unmerged = ['diff', '--name-only', '--diff-filter=U', '-z'];
  const { stdout } = await git.run(repository, unmerged);
  const files = stdout.toString().split('\0').slice(0, -1);
  if (files.length === 0) {
    void tellRefused(offer, merged.stderr);
    return;
  }
  const first = foreignText(files[0] ?? '');
  void tellApplied(
    files.length === 1
      ? t('The changes are merged, but {0} has conflicts to settle.', first)
      : t(
          'The changes are merged, but {0} files have conflicts to settle, such as {1}.',
          files.length,
          first,
        ),
    true,
  );
}

async function tellApplied(text: string, conflicts = false): Promise<void> {
  const show = vscode.l10n.t('Show Changes');
  const picked = conflicts
    ? await vscode.window.showWarningMessage(text, show)
    : await vscode.window.showInformationMessage(text, show);
  if (picked === show) await vscode.commands.executeCommand('workbench.view.scm');
}

async function tellRefused(offer: Offer, stderr: string): Promise<void> {
  const { t } = vscode.l10n;
  const save = t('Save to a file…');
  const text = t('git does not take the changes, and nothing was changed: {0}', firstLines(stderr));
  if ((await vscode.window.showErrorMessage(text, save)) === save) await saveText(offer);
}

/** What git says, short and safe to show: the names in it come from the other side. */
const firstLines = (stderr: string): string =>
  stderr
    .split('\n')
    .filter((line) => line !== '')
    .slice(0, 3)
    .map((line) => foreignText(line.replace(/^error: /, '')))
    .join('; ');
