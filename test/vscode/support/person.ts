/**
 * The person at the keyboard, played by the test: answers what VS Code would ask. In test mode VS Code
 * refuses modal dialogs, and nobody is there to type. Only the asking is replaced; `createInputBox` and
 * `createQuickPick` stay real and are handed to the test when they are shown (`nextBox`).
 */
import * as vscode from 'vscode';
import { until } from '../../support/vscode/wait.js';
import { nextEvent } from './events.js';

type Ask = 'showInputBox' | 'showQuickPick' | 'showOpenDialog' | 'message';
type Box = vscode.InputBox | vscode.QuickPick<vscode.QuickPickItem>;

/** Something that was asked or said. */
export interface Question {
  readonly ask: Ask;
  /** The message, or title, prompt and placeholder of a box. */
  readonly text: string;
  /** Labels of the buttons or rows. */
  readonly choices: readonly string[];
}

const MESSAGES = ['showInformationMessage', 'showWarningMessage', 'showErrorMessage'] as const;

/** Plays the person from its making until `leave()`. */
export class Person {
  /** Everything asked and said so far, in order. */
  readonly heard: Question[] = [];
  readonly #answers: { ask: Ask; answer: unknown; when?: Promise<unknown> }[] = [];
  readonly #boxes: Box[] = [];
  readonly #unanswered: string[] = [];
  readonly #overlooked: RegExp[] = [];
  readonly #restore: (() => void)[] = [];

  constructor() {
    this.#replace('showInputBox', () => async (options: unknown) => {
      return this.#typed(options, await this.#answer('showInputBox', describe(options), []));
    });
    this.#replace('showQuickPick', () => async (items: unknown, options: unknown) => {
      const rows: unknown = await items;
      return this.#pick(Array.isArray(rows) ? rows : [], options);
    });
    this.#replace('showOpenDialog', () => (options: unknown) => {
      return this.#answer('showOpenDialog', describe(options), []);
    });
    for (const name of MESSAGES)
      this.#replace(name, () => (text: unknown, ...rest: unknown[]) => {
        return this.#message(String(text), rest);
      });
    for (const name of ['createInputBox', 'createQuickPick'] as const)
      this.#replace(name, (create) => () => this.#watch(create));
  }

  /** Answers the next `showInputBox`; undefined is Escape. A box that does not take it says why, and is left. */
  willType(text: string | undefined): this {
    return this.#will('showInputBox', text);
  }

  /** Answers the next `showQuickPick` by labels: one, several (`canPickMany`), undefined is Escape. */
  willPick(labels: string | readonly string[] | undefined): this {
    return this.#will('showQuickPick', labels);
  }

  /** Answers the next `showOpenDialog`; undefined is Cancel. */
  willChoose(uris: readonly vscode.Uri[] | undefined): this {
    return this.#will('showOpenDialog', uris);
  }

  /**
   * Presses a button of the next message that has it; messages before are dismissed.
   *
   * @param when - what is waited for first; the message stands meanwhile
   */
  willPress(button: string, when?: Promise<unknown>): this {
    return this.#will('message', button, when);
  }

  /** Overlooks messages like this one: they stand there and are never closed. */
  overlooks(message: RegExp): this {
    this.#overlooked.push(message);
    return this;
  }

  /** Waits until something that matches was asked or said, and gives it. */
  hears(what: RegExp, ms = 20_000): Promise<Question> {
    const found = () => this.heard.find((question) => what.test(question.text));
    return until(found, ms, `A question or message like ${String(what)}`);
  }

  /** Waits for the next real InputBox or QuickPick to be shown, and gives it. */
  nextBox(ms = 20_000): Promise<Box> {
    return until(() => this.#boxes.shift(), ms, 'A box of the extension');
  }

  /** Accepts a box that is shown, as Enter would; resolves when the extension has been told. */
  async accept(box: Box): Promise<void> {
    // What was set on the box goes to the workbench in the next turn, and has to be there first.
    await new Promise((resolve) => setTimeout(resolve, 0));
    await nextEvent((listener) => {
      const subscription = box.onDidAccept(listener);
      void vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
      return subscription;
    }, 'The end of a box');
  }

  /** Puts VS Code back, and throws when an answer was not used or a question had none. */
  leave(): void {
    for (const restore of this.#restore.splice(0).reverse()) restore();
    const unused = this.#answers.map(({ ask }) => `unused answer to ${ask}`);
    const problems = [...this.#unanswered, ...unused];
    if (problems.length > 0) throw new Error(problems.join('; '));
  }

  #will(ask: Ask, answer: unknown, when?: Promise<unknown>): this {
    this.#answers.push({ ask, answer, ...(when === undefined ? {} : { when }) });
    return this;
  }

  #answer(ask: Ask, text: string, choices: readonly string[]): Promise<unknown> {
    this.heard.push({ ask, text, choices });
    const index = this.#answers.findIndex((answer) => answer.ask === ask);
    const [found] = index < 0 ? [] : this.#answers.splice(index, 1);
    if (found !== undefined) return Promise.resolve(found.answer);
    return this.#nobodyAnswers(`no answer to ${ask} "${text}"`);
  }

  #nobodyAnswers(problem: string): Promise<never> {
    this.#unanswered.push(problem);
    return Promise.reject(new Error(problem));
  }

  async #typed(options: unknown, text: unknown): Promise<unknown> {
    const validate: unknown = Reflect.get(Object(options), 'validateInput');
    if (typeof validate !== 'function' || text === undefined) return text;
    const problem: unknown = await Reflect.apply(validate, options, [text]);
    if (typeof problem !== 'string' || problem === '') return text;
    this.heard.push({ ask: 'message', text: problem, choices: [] });
    return undefined;
  }

  async #pick(rows: readonly unknown[], options: unknown): Promise<unknown> {
    const choices = rows.map(label);
    const answer = await this.#answer('showQuickPick', describe(options), choices);
    const row = (wanted: unknown) => {
      const index = choices.indexOf(String(wanted));
      if (index < 0) throw new Error(`No row "${String(wanted)}" among ${choices.join(', ')}`);
      return rows[index];
    };
    if (answer === undefined) return undefined;
    return Array.isArray(answer) ? answer.map(row) : row(answer);
  }

  async #message(text: string, rest: readonly unknown[]): Promise<unknown> {
    const modal = rest.some((item) => Reflect.get(Object(item), 'modal') === true);
    const items = rest.filter((item) => label(item) !== '');
    const choices = items.map(label);
    this.heard.push({ ask: 'message', text, choices });
    if (this.#overlooked.some((message) => message.test(text))) return new Promise(() => undefined);
    const index = this.#answers.findIndex(
      ({ ask, answer }) => ask === 'message' && choices.includes(String(answer)),
    );
    const [found] = index < 0 ? [] : this.#answers.splice(index, 1);
    await found?.when;
    if (found !== undefined) return items[choices.indexOf(String(found.answer))];
    return modal ? this.#nobodyAnswers(`no answer to "${text}"`) : undefined;
  }

  /** Makes a real box and tells when it is shown. */
  #watch(create: () => unknown): unknown {
    const box = create();
    if (!isBox(box)) throw new Error('VS Code made something that is not a box.');
    const show = box.show.bind(box);
    box.show = () => {
      this.#boxes.push(box);
      show();
    };
    return box;
  }

  #replace(name: keyof typeof vscode.window, make: (original: () => unknown) => unknown): void {
    const { window } = vscode;
    const original = Object.getOwnPropertyDescriptor(window, name);
    const call: unknown = window[name];
    if (original === undefined || typeof call !== 'function') throw new Error(`No ${name}.`);
    const value = make(() => Reflect.apply(call, window, []));
    Object.defineProperty(window, name, { value, configurable: true, writable: true });
    this.#restore.push(() => Object.defineProperty(window, name, original));
  }
}

function isBox(value: unknown): value is Box {
  return typeof Reflect.get(Object(value), 'show') === 'function';
}

/** The words of a button or row: a string, or something with a label or title. */
function label(item: unknown): string {
  if (typeof item === 'string') return item;
  const words: unknown = Reflect.get(Object(item), 'label') ?? Reflect.get(Object(item), 'title');
  return typeof words === 'string' ? words : '';
}

function describe(options: unknown): string {
  const words = ['title', 'prompt', 'placeHolder', 'openLabel'].map((name) => {
    const value: unknown = Reflect.get(Object(options), name);
    return typeof value === 'string' ? value : '';
  });
  return words.filter((word) => word !== '').join('\n');
}
