/** An offer that is a text or a patch: what to do with it. Nothing is written unless the person says where. */
import * as vscode from 'vscode';
import type { Offer } from '../../core/index.js';
import { foreignText } from '../foreign.js';
import { Git, type Repository } from '../git.js';
import { bytesText } from '../texts.js';
import type { PatchView } from './patchView.js';
import { askOne } from './quick.js';

/** What is done with a text. */
export type TextWish =
  | { readonly act: 'show' }
  | { readonly act: 'copy' }
  | { readonly act: 'save' }
  | { readonly act: 'apply'; readonly git: Git; readonly repository: Repository };

interface WishItem extends vscode.QuickPickItem {
  readonly wish: TextWish | 'look';
}

/** Languages of VS Code whose id is not the ending of their files. */
const LANGUAGES: Readonly<Record<string, string>> = {
  ...{ js: 'javascript', mjs: 'javascript', cjs: 'javascript', jsx: 'javascriptreact' },
  ...{ ts: 'typescript', mts: 'typescript', cts: 'typescript', tsx: 'typescriptreact' },
  ...{ py: 'python', rb: 'ruby', rs: 'rust', md: 'markdown', yml: 'yaml', sh: 'shellscript' },
  ...{ cs: 'csharp', h: 'c', hpp: 'cpp', cc: 'cpp', kt: 'kotlin', htm: 'html', patch: 'diff' },
  ...{ bash: 'shellscript', ps1: 'powershell', txt: 'plaintext', jsonc: 'jsonc' },
};

/** The language that a text's name tells, if VS Code knows it. */
async function languageOf({ kind, name }: Offer): Promise<string | undefined> {
  if (kind === 'patch') return 'diff';
  const ending = /\.([^.]+)$/.exec(name ?? '')?.[1]?.toLowerCase() ?? '';
  const language = LANGUAGES[ending] ?? ending;
  return (await vscode.languages.getLanguages()).includes(language) ? language : undefined;
}

/** Shows a text in a document that has no file. */
export async function showText(offer: Offer): Promise<void> {
  const language = await languageOf(offer);
  const document = await vscode.workspace.openTextDocument({
    content: offer.text ?? '',
    ...(language === undefined ? {} : { language }),
  });
  await vscode.window.showTextDocument(document, { preview: false });
}

function itemsFor(kind: Offer['kind'], git: Git | undefined): WishItem[] {
  const { t } = vscode.l10n;
  const save: WishItem = {
    label: `$(save) ${t('Save to a file…')}`,
    wish: { act: 'save' },
  };
  if (kind === 'text')
    return [
      { label: `$(go-to-file) ${t('Show in an editor')}`, wish: { act: 'show' } },
      { label: `$(copy) ${t('Copy to the clipboard')}`, wish: { act: 'copy' } },
      save,
    ];
  const apply = (git?.repositories ?? []).map((repository): WishItem | undefined =>
    git === undefined
      ? undefined
      : {
          label: `$(git-pull-request-go-to-changes) ${t('Apply to {0}', repository.name)}`,
          description: repository.root,
          detail: t('Tried first; nothing is changed when it does not fit.'),
          wish: { act: 'apply', git, repository },
        },
  );
  return [
    { label: `$(eye) ${t('Look at it')}`, wish: 'look' },
    ...apply.filter((item) => item !== undefined),
    save,
  ];
}

/**
 * Shows a patch as what it would change where it fits, else as it stands.
 *
 * @returns the repository that it fits
 */
async function look(
  offer: Offer,
  git: Git | undefined,
  view: PatchView,
): Promise<Repository | undefined> {
  const fits =
    git === undefined ? undefined : await view.show(git, offer.content ?? new Uint8Array());
  if (fits === undefined) await showText(offer);
  return fits;
}

/** What comes next for somebody who has looked at a patch: apply it where it fits, else keep it as a file. */
const afterLook = (
  items: readonly WishItem[],
  fits: Repository | undefined,
): WishItem | undefined =>
  items.find(({ wish }) => {
    if (wish === 'look') return false;
    return wish.act === 'apply' ? wish.repository.root === fits?.root : fits === undefined;
  });

/**
 * @param view - shows a patch as what it would change
 * @returns what to do with the text; `left` declines
 */
export async function askText(offer: Offer, view: PatchView): Promise<TextWish | 'left' | 'gone'> {
  const { t } = vscode.l10n;
  const git = offer.kind === 'patch' ? await Git.open() : undefined;
  const name = offer.name === undefined ? '' : ` (${foreignText(offer.name)})`;
  const size = bytesText(offer.content?.length ?? 0);
  const title = `${t('Receive')}: ${offer.kind === 'patch' ? t('changes') : t('a text')}${name}, ${size}`;
  const placeholder = t('What should become of it? Escape declines.');
  const items = itemsFor(offer.kind, git);
  let active: WishItem | undefined;
  for (;;) {
    const question = { title, placeholder, items, active, step: 1, totalSteps: 1 };
    const answer = await askOne(question, { back: false, gone: offer.gone });
    if (answer.kind === 'gone') return 'gone';
    if (answer.kind !== 'value') return 'left';
    if (answer.value.wish !== 'look') return answer.value.wish;
    // The sender waits meanwhile; the question comes back beside the document.
    active = afterLook(items, await look(offer, git, view));
  }
}
