/** The first question: the code, checked and completed while it is typed. */
import * as vscode from 'vscode';
import { completeWord, CrocError, looksLikeCode, parseCode } from '../../core/index.js';
import { errorTexts } from '../texts.js';
import { ask, type Answer } from './quick.js';

interface CodeItem extends vscode.QuickPickItem {
  readonly act: 'use' | 'complete' | 'nothing';
  readonly code: string;
}

const MOST_WORDS = 8;

/** Why `text` is not a code; undefined when it is one. */
function problemOf(text: string): string | undefined {
  try {
    parseCode(text);
    return undefined;
  } catch (error) {
    const { what, next } = errorTexts(CrocError.from(error, 'invalid_code'));
    return `${what} ${next}`;
  }
}

/** Codes that go on from what is typed: the last word completed. */
function completionsOf(text: string): string[] {
  const typed = text.trimStart().toLowerCase().replace(/\s+/g, '-');
  const dash = typed.lastIndexOf('-');
  const word = typed.slice(dash + 1);
  if (dash < 1 || word === '') return [];
  const completed = completeWord(word).filter((full) => full !== word);
  const whole = typed.slice(0, dash).split('-').length >= 3;
  return completed
    .slice(0, MOST_WORDS)
    .map((full) => `${typed.slice(0, dash + 1)}${full}${whole ? '' : '-'}`);
}

/** What is listed below the typed text. */
function itemsFor(text: string): CodeItem[] {
  const { t } = vscode.l10n;
  if (text.trim() === '') return [];
  const problem = problemOf(text);
  const first: CodeItem =
    problem === undefined
      ? {
          act: 'use',
          code: text.trim(),
          label: `$(arrow-right) ${t('Receive with this code')}`,
          alwaysShow: true,
        }
      : { act: 'nothing', code: '', label: `$(info) ${problem}`, alwaysShow: true };
  const words = completionsOf(text).map((code): CodeItem => ({
    act: 'complete',
    code,
    label: `$(edit) ${code}`,
    alwaysShow: true,
  }));
  // While the code is not whole, Enter completes it: the words come first.
  return problem === undefined ? [first, ...words] : [...words, first];
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
  pick.placeholder = t('Enter the code that the sender sees, like 417-dozen-lunar-quilt');
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
