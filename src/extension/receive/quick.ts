/** One question of several: a quick input with Back that an abort can close. */
import * as vscode from 'vscode';

/** How a question ended. `gone`: the abort signal closed it. */
export type Answer<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'back' }
  | { readonly kind: 'left' }
  | { readonly kind: 'gone' };

/** How to ask. */
export interface Asking<T> {
  /** The value when Enter is pressed; undefined keeps the question open. */
  readonly onAccept: () => T | undefined;
  readonly back: boolean;
  readonly gone?: AbortSignal;
}

/** Shows a quick input until it is answered, and disposes it. Losing the focus does not close it. */
export async function ask<T>(
  input: vscode.InputBox | vscode.QuickPick<vscode.QuickPickItem>,
  { onAccept, back, gone }: Asking<T>,
): Promise<Answer<T>> {
  input.ignoreFocusOut = true;
  // A button added by the caller (Browse…) stays beside Back.
  if (back) input.buttons = [vscode.QuickInputButtons.Back, ...input.buttons];
  const answer = await new Promise<Answer<T>>((resolve) => {
    const close = (): void => resolve({ kind: 'gone' });
    if (gone?.aborted === true) {
      close();
      return;
    }
    gone?.addEventListener('abort', close, { once: true });
    input.onDidAccept(() => {
      const value = onAccept();
      if (value !== undefined) resolve({ kind: 'value', value });
    });
    input.onDidTriggerButton((button) => {
      if (button === vscode.QuickInputButtons.Back) resolve({ kind: 'back' });
    });
    input.onDidHide(() => resolve({ kind: 'left' }));
    input.show();
  });
  input.dispose();
  return answer;
}

/** Asks with a list of which one is taken. */
export async function askOne<Item extends vscode.QuickPickItem>(
  question: {
    readonly title: string;
    readonly placeholder: string;
    readonly items: readonly Item[];
    /** The item that Enter takes at first; default: the first one. */
    readonly active?: Item | undefined;
    readonly step: number;
    readonly totalSteps: number;
  },
  asking: Omit<Asking<Item>, 'onAccept'>,
): Promise<Answer<Item>> {
  const pick = vscode.window.createQuickPick<Item>();
  pick.title = question.title;
  pick.placeholder = question.placeholder;
  pick.items = question.items;
  if (question.active !== undefined) pick.activeItems = [question.active];
  pick.step = question.step;
  pick.totalSteps = question.totalSteps;
  return ask(pick, { ...asking, onAccept: () => pick.selectedItems[0] ?? pick.activeItems[0] });
}
