/** An offer that is a text or a patch: what to do with it. Nothing is written unless the person says where. */
import * as vscode from 'vscode';
import type { Offer } from '../../core/index.js';
import { foreignText } from '../foreign.js';
import { Git, type Repository } from '../git.js';
import { bytesText } from '../texts.js';
import type { PatchView } from './patchView.js';
import { askOne } from './quick.js';
import { Standing } from './standing.js';

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
export async function showText(offer: Offer): Promise<vscode.TextDocument> {
  const language = await languageOf(offer);
  const document = await vscode.workspace.openTextDocument({
    content: offer.text ?? '',
    ...(language === undefined ? {} : { language }),
  });
  await vscode.window.showTextDocument(document, { preview: false });
  return document;
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

/** A patch that is looked at: where it fits, and which tab shows it. */
interface Look {
  readonly fits: Repository | undefined;
  readonly isAbout: (tab: vscode.Tab) => boolean;
}

/** Shows a patch as what it would change where it fits, else as it stands. */
async function look(offer: Offer, git: Git | undefined, view: PatchView): Promise<Look> {
  const fits =
    git === undefined ? undefined : await view.show(git, offer.content ?? new Uint8Array());
  if (fits !== undefined) return { fits, isAbout: (tab) => view.shows(tab) };
  const { uri } = await showText(offer);
  const isAbout = ({ input }: vscode.Tab): boolean =>
    input instanceof vscode.TabInputText && input.uri.toString() === uri.toString();
  return { fits, isAbout };
}

/** What somebody can do who has looked at a patch: apply it where it fits, keep it as a file. */
const afterLook = (items: readonly WishItem[], { fits }: Look): WishItem[] =>
  items.filter(({ wish }) => {
    if (wish === 'look') return false;
    return wish.act !== 'apply' || wish.repository.root === fits?.root;
  });

const withoutIcon = (label: string): string => label.replace(/^\$\([\w-]+\) /, '');

/** What is asked about. */
interface Asked {
  readonly offer: Offer;
  readonly git: Git | undefined;
  readonly items: readonly WishItem[];
  readonly title: string;
}

/** Looks at a patch and asks beside it. @returns the row that is the likeliest next step */
async function lookAndAsk(
  { offer, git, items, title }: Asked,
  view: PatchView,
  standing: Standing<TextWish | 'left'>,
): Promise<WishItem | undefined> {
  const { t } = vscode.l10n;
  const looked = await look(offer, git, view);
  const next = afterLook(items, looked);
  const choices = next.flatMap(({ label, wish }) =>
    wish === 'look' ? [] : [{ label: withoutIcon(label), value: wish }],
  );
  await standing.ask({
    text: t('{0}. What should become of it?', title),
    choices: [...choices, { label: t('Decline'), value: 'left' }],
    ...{ isAbout: looked.isAbout, gone: offer.gone },
  });
  return next[0];
}

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
  const standing = new Standing<TextWish | 'left'>();
  const gone = AbortSignal.any([offer.gone, standing.pressed]);
  let active: WishItem | undefined;
  try {
    for (;;) {
      const question = { title, placeholder, items, active, step: 1, totalSteps: 1 };
      const answer = await askOne(question, { back: false, gone });
      if (answer.kind === 'value' && answer.value.wish !== 'look') return answer.value.wish;
      if (answer.kind === 'left') return 'left';
      // The sender waits meanwhile. The list would cover the changes; it comes back once they are closed.
      if (answer.kind === 'value')
        active = await lookAndAsk({ offer, git, items, title }, view, standing);
      const pressed = standing.chosen();
      if (pressed !== undefined) return pressed;
      if (gone.aborted) return 'gone';
    }
  } finally {
    standing.end();
  }
}
