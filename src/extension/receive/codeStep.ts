/** The first question: the code, checked and completed while it is typed. */
import * as vscode from 'vscode';
import { completeWord, CrocError, looksLikeCode, networkOf } from '../../core/index.js';
import { errorTexts, type ErrorTexts } from '../texts.js';
import { ask, type Answer } from './quick.js';

interface CodeItem extends vscode.QuickPickItem {
  readonly act: 'use' | 'complete' | 'nothing';
  readonly code: string;
}

const MOST_WORDS = 8;
/** Words of a code without a number. */
const CROC_WORDS = 3;

/** Why `text` is not a code; undefined when it is one. */
function problemOf(text: string): ErrorTexts | undefined {
  try {
    const words = text.trim().split(/[\s-]+/);
    // What is half typed would do as a code of croc's network, too, but nobody means it.
    if (networkOf(text) === 'croc' && words.length < CROC_WORDS)
      throw new CrocError('invalid_code', { detail: 'words are missing' });
    return undefined;
  } catch (error) {
    return errorTexts(CrocError.from(error, 'invalid_code'));
  }
}

/** Ways to go on from what is typed: the last word completed. */
function completionsOf(text: string): CodeItem[] {
  const typed = text.trimStart().toLowerCase().replace(/\s+/g, '-');
  const dash = typed.lastIndexOf('-');
  const word = typed.slice(dash + 1);
  if (dash < 1 || word === '') return [];
  const last = typed.slice(0, dash).split('-').length >= 3;
  const words = completeWord(word).filter((full) => full !== word);
  return words.slice(0, MOST_WORDS).map((full) => {
    const code = `${typed.slice(0, dash + 1)}${full}`;
    // The typed text is in the description only: rows whose label matches it would be moved up.
    return {
      act: 'complete',
      code: last ? code : `${code}-`,
      label: `$(edit) ${full}`,
      description: code,
      alwaysShow: true,
    };
  });
}

/** What is listed below the typed text; Enter takes the first row. */
function itemsFor(text: string): CodeItem[] {
  if (text.trim() === '') return [];
  const problem = problemOf(text);
  const words = completionsOf(text);
  if (problem !== undefined) {
    const { what, next } = problem;
    const row: CodeItem = {
      act: 'nothing',
      code: '',
      label: `$(info) ${what}`,
      detail: next,
      alwaysShow: true,
    };
    return [...words, row];
  }
  const use: CodeItem = {
    act: 'use',
    code: text.trim(),
    label: `$(arrow-right) ${vscode.l10n.t('Receive with this code')}`,
    alwaysShow: true,
  };
  // Other words than ours can be a code too, but a word that is half typed is likelier.
  return looksLikeCode(text.toLowerCase()) ? [use, ...words] : [...words, use];
}

/** The clipboard's text if it is a code; read only because the person asked to receive. */
export async function codeFromClipboard(): Promise<string> {
  const text = (await vscode.env.clipboard.readText()).trim();
  return looksLikeCode(text) ? text : '';
}

/** @param prefilled - shown in the box, never used without Enter */
export async function askCode(
  prefilled: string,
  steps: { readonly title: string; readonly totalSteps: number },
): Promise<Answer<string>> {
  const { t } = vscode.l10n;
  const pick = vscode.window.createQuickPick<CodeItem>();
  pick.title = steps.title;
  pick.step = 1;
  pick.totalSteps = steps.totalSteps;
  pick.placeholder = t('Enter the code that the sender sees, like 417-lunar-acorn-quilt');
  pick.value = prefilled;
  const refresh = (): void => {
    pick.items = itemsFor(pick.value);
  };
  refresh();
  pick.onDidChangeValue(refresh);
  return ask(pick, {
    back: false,
    onAccept: () => {
      // Enter can be quicker than the list, so the active row may belong to what was typed before.
      const fresh = itemsFor(pick.value);
      const active = pick.activeItems[0];
      const item = fresh.find((row) => row.label === active?.label) ?? fresh[0];
      if (item?.act === 'use') return item.code;
      if (item?.act === 'complete') {
        pick.value = item.code;
        refresh();
      }
      return undefined;
    },
  });
}
