/**
 * A question that stands in a message instead of a list over the editor, so that what it is about can be read
 * and scrolled meanwhile.
 */
import * as vscode from 'vscode';

/** A button of the message. */
export interface StandingChoice<T> {
  readonly label: string;
  readonly value: T;
}

/** How to ask. */
export interface StandingQuestion<T> {
  readonly text: string;
  readonly choices: readonly StandingChoice<T>[];
  /** Whether a tab shows what it is about; without that tab, the question has no place any more. */
  readonly isAbout: (tab: vscode.Tab) => boolean;
  readonly gone: AbortSignal;
}

/** Messages that all ask the same thing. VS Code lets nobody take one away, so the first button counts. */
export class Standing<T> {
  readonly #pressed = new AbortController();
  #choice: StandingChoice<T> | undefined;
  #over = false;

  /** Fires when a button is pressed, also of a message that was asked before. */
  get pressed(): AbortSignal {
    return this.#pressed.signal;
  }

  /** What the pressed button stands for; undefined before. */
  chosen(): T | undefined {
    return this.#choice?.value;
  }

  /** Asks until a button is pressed, the message or the tab is closed, or it is gone. */
  async ask({ text, choices, isAbout, gone }: StandingQuestion<T>): Promise<void> {
    const labels = choices.map(({ label }) => label);
    const message = vscode.window
      .showInformationMessage(text, ...labels)
      .then((picked) => this.#press(choices.find(({ label }) => label === picked)));
    const end = new AbortController();
    const tabs = vscode.window.tabGroups.onDidChangeTabs(({ closed }) => {
      if (closed.some(isAbout)) end.abort();
    });
    const any = AbortSignal.any([end.signal, gone]);
    try {
      await Promise.race([
        message,
        new Promise<void>((resolve) => {
          if (any.aborted) resolve();
          any.addEventListener('abort', () => resolve(), { once: true });
        }),
      ]);
    } finally {
      tabs.dispose();
    }
  }

  /** It is decided: a button that is pressed from now on does nothing, and says so. */
  end(): void {
    this.#over = true;
  }

  #press(choice: StandingChoice<T> | undefined): void {
    if (choice === undefined || this.#choice !== undefined) return;
    if (this.#over) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('This offer is over already. Nothing was done.'),
      );
      return;
    }
    this.#choice = choice;
    this.#pressed.abort();
  }
}
