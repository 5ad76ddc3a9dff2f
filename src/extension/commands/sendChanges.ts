/** Send Changes with croc: what changed in a repository, as a patch that the other side can apply. */
import * as vscode from 'vscode';
import { MAX_TEXT_BYTES } from '../../core/index.js';
import { Git, type Repository } from '../git.js';
import type { Parts } from '../parts.js';
import { askOne, type Answer } from '../receive/quick.js';
import { sayError } from '../say.js';
import { changesOf, type ChangesWish } from '../sending/changes.js';
import { sendItems } from './send.js';

interface Chosen extends ChangesWish {
  readonly repository: Repository;
}

/** The repository that a button of the Source Control view stands for. */
function namedRepository(git: Git, given: readonly unknown[]): Repository | undefined {
  const [control] = given;
  if (typeof control !== 'object' || control === null || !('rootUri' in control)) return undefined;
  const { rootUri } = control;
  if (!(rootUri instanceof vscode.Uri)) return undefined;
  return git.repositories.find(({ root }) => root === rootUri.fsPath);
}

async function askRepository(
  repositories: readonly Repository[],
  totalSteps: number,
): Promise<Answer<Repository>> {
  const items = repositories.map((repository) => ({
    label: `$(repo) ${repository.name}`,
    description: repository.root,
    repository,
  }));
  const { t } = vscode.l10n;
  const placeholder = t('Changes of which repository?');
  const question = { title: t('Send Changes'), placeholder, items, step: 1, totalSteps };
  const answer = await askOne(question, { back: false });
  return answer.kind === 'value' ? { kind: 'value', value: answer.value.repository } : answer;
}

async function askWhich(step: number): Promise<Answer<ChangesWish>> {
  const { t } = vscode.l10n;
  const item = (label: string, detail: string, wish: ChangesWish) => ({ label, detail, wish });
  const items = [
    item(
      `$(diff-multiple) ${t('All changes and new files')}`,
      t('Staged, not staged, and files that git does not know yet.'),
      { which: 'both', untracked: true },
    ),
    item(`$(diff) ${t('All changes')}`, t('Staged and not staged, without new files.'), {
      which: 'both',
      untracked: false,
    }),
    item(`$(diff-added) ${t('Staged changes')}`, t('What the next commit would hold.'), {
      which: 'staged',
      untracked: false,
    }),
    item(
      `$(diff-modified) ${t('Changes that are not staged')}`,
      t('The other side must have the staged ones already.'),
      { which: 'unstaged', untracked: false },
    ),
  ];
  const placeholder = t('Which changes should be sent?');
  const question = { title: t('Send Changes'), placeholder, items, step, totalSteps: step };
  const answer = await askOne(question, { back: step > 1 });
  return answer.kind === 'value' ? { kind: 'value', value: answer.value.wish } : answer;
}

/** @returns undefined when the person leaves */
async function askAll(git: Git, given: readonly unknown[]): Promise<Chosen | undefined> {
  const named = namedRepository(git, given);
  const only = named ?? (git.repositories.length === 1 ? git.repositories[0] : undefined);
  for (;;) {
    const repository: Answer<Repository> =
      only === undefined
        ? await askRepository(git.repositories, 2)
        : { kind: 'value', value: only };
    if (repository.kind !== 'value') return undefined;
    const which = await askWhich(only === undefined ? 2 : 1);
    if (which.kind === 'back') continue;
    if (which.kind !== 'value') return undefined;
    return { repository: repository.value, ...which.value };
  }
}

/** The command. @param given - the source control of a button in its view, or nothing */
export async function sendChanges(parts: Parts, given: readonly unknown[]): Promise<void> {
  const { t } = vscode.l10n;
  const git = await Git.open();
  if (git === undefined || git.repositories.length === 0) {
    await vscode.window.showWarningMessage(
      t('No repository is open here. Changes need git, and a workspace that you trust.'),
    );
    return;
  }
  const chosen = await askAll(git, given);
  if (chosen === undefined) return;
  try {
    const patch = await changesOf(git, chosen.repository, chosen);
    if (patch.length === 0) {
      await vscode.window.showInformationMessage(t('There are no such changes.'));
      return;
    }
    const name = `${chosen.repository.name}.patch`;
    // Larger than a text may be: then it goes as the file that it also is.
    if (patch.length > MAX_TEXT_BYTES) await sendItems(parts, [{ name, content: patch }]);
    else await sendItems(parts, [{ kind: 'patch', text: patch, name }]);
  } catch (error) {
    const act = () => sendChanges(parts, given);
    void sayError(parts.log, error, { direction: 'send', ownRelay: false, act });
  }
}
