/**
 * What the extension shows and writes where VS Code lets nobody read it back: its status item, its
 * log, the terminals of its tasks, its context keys. Importing this file starts the watching; that is before the first
 * test, because Mocha loads every file first, and so before the extension is activated.
 */
import * as vscode from 'vscode';
import { parseToPage, type Action, type PanelView } from '../../../src/webview/messages.js';
import { until } from '../../support/vscode/wait.js';

const STEP_MS = 20_000;

/** The status item as it is now; `text` is undefined while it is hidden. */
export interface StatusItem {
  readonly text: string | undefined;
  readonly spoken: string;
  /** Id of the theme colour behind it. */
  readonly background: string | undefined;
  readonly command: vscode.Command | undefined;
  /** The hover, as text or Markdown. */
  readonly tooltip: string;
}

let item: vscode.StatusBarItem | undefined;
let visible = false;

/** Every text that was drawn, in order; undefined when it was hidden. */
export const drawnTexts: (string | undefined)[] = [];
/** How often the status item got another command; VS Code drops a click on the one before. */
export const commandChanges = { count: 0 };
/** How often the hover of the status item was made anew; each time one that is open blinks. */
export const hoverChanges = { count: 0 };
/** Every line that went to the log, whatever its level. */
export const logLines: string[] = [];
/** What every terminal of a task printed, newest last. */
export const terminals: Terminal[] = [];

/** The context keys as they were set last, without `croc.`. */
export const contextKeys = new Map<string, unknown>();

/** A terminal that the extension runs. */
export class Terminal {
  printed = '';
  /** The exit code; undefined while it runs. */
  exit: number | undefined;

  constructor(private readonly inner: vscode.Pseudoterminal) {
    inner.onDidWrite((text) => (this.printed += text));
    inner.onDidClose?.((code) => (this.exit = code ?? 0));
  }

  get lines(): readonly string[] {
    return this.printed.split('\r\n');
  }

  /** Types into it. */
  type(text: string): void {
    this.inner.handleInput?.(text);
  }

  /** Waits for a line. */
  line(what: RegExp): Promise<string> {
    const find = () => this.lines.find((line) => what.test(line));
    return until(find, STEP_MS, `A line like ${String(what)} in\n${this.printed}`);
  }
}

/** The status item as it is at this moment. */
export function statusItem(): StatusItem {
  const { backgroundColor, command, accessibilityInformation, tooltip } = item ?? {};
  return {
    text: visible ? item?.text : undefined,
    spoken: accessibilityInformation?.label ?? '',
    background: backgroundColor?.id,
    tooltip: tooltip instanceof vscode.MarkdownString ? tooltip.value : (tooltip ?? ''),
    command: typeof command === 'string' ? { title: '', command } : command,
  };
}

/** Waits until the status item is shown with such a text, and gives it. */
export function statusShows(what: RegExp): Promise<StatusItem> {
  const found = () => {
    const now = statusItem();
    return what.test(now.text ?? '') ? now : undefined;
  };
  return until(found, STEP_MS, `A status item like ${String(what)}`);
}

/** Waits until there is no status item. */
export async function statusHidden(): Promise<void> {
  await until(
    () => (statusItem().text === undefined ? true : undefined),
    STEP_MS,
    'No status item',
  );
}

type Call = (...given: unknown[]) => unknown;
const isCall = (value: unknown): value is Call => typeof value === 'function';

/** Lets `make` wrap a function of a namespace of `vscode`. */
function wrap(space: object, name: string, make: (original: Call) => Call): void {
  const original: unknown = Reflect.get(space, name);
  if (typeof original !== 'function') throw new Error(`VS Code has no ${name}.`);
  const call: Call = (...given) => Reflect.apply(original, space, given);
  Object.defineProperty(space, name, { value: make(call), configurable: true, writable: true });
}

/** The same object, but `heard` is told of the calls of its methods first, and some members are others. */
function overheard(
  target: object,
  heard: (name: string, given: readonly unknown[]) => void,
  others: Readonly<Record<string, unknown>> = {},
): object {
  return new Proxy(target, {
    get(_, key) {
      if (typeof key === 'string' && key in others) return others[key];
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]): unknown => {
        heard(String(key), given);
        return Reflect.apply(value, target, given);
      };
    },
    set(_, key, value) {
      if (Reflect.get(target, key, target) !== value) heard(`set ${String(key)}`, [value]);
      return Reflect.set(target, key, value, target);
    },
  });
}

const isItem = (value: unknown): value is vscode.StatusBarItem =>
  Reflect.get(Object(value), 'id') !== undefined && 'backgroundColor' in Object(value);

wrap(vscode.window, 'createStatusBarItem', (original) => (...given) => {
  const made = original(...given);
  if (given[0] !== 'croc.status' || !isItem(made)) return made;
  item = made;
  return overheard(made, (name) => {
    if (name === 'set command') commandChanges.count += 1;
    if (name === 'set tooltip') hoverChanges.count += 1;
    if (name === 'show' || name === 'hide') visible = name === 'show';
    if (name === 'show' || name === 'hide') drawnTexts.push(visible ? made.text : undefined);
  });
});

wrap(vscode.window, 'createOutputChannel', (original) => (...given) => {
  const made = original(...given);
  if (given[0] !== 'Croc') return made;
  if (typeof made !== 'object' || made === null) throw new Error('VS Code made no log.');
  return overheard(made, (name, words) => {
    if (!['show', 'hide', 'dispose'].includes(name)) logLines.push(`${name}: ${words.join(' ')}`);
  });
});

/** The view *Transfers* as VS Code asks for it. */
export interface ShownView {
  readonly provider: vscode.TreeDataProvider<unknown>;
  readonly dropped: vscode.TreeDragAndDropController<unknown>;
  readonly view: vscode.TreeView<unknown>;
}
let shownView: ShownView | undefined;

/** The view; throws when the extension has made none. */
export function transfersView(): ShownView {
  if (shownView === undefined) throw new Error('There is no view.');
  return shownView;
}

const isView = (value: unknown): value is vscode.TreeView<unknown> =>
  typeof Reflect.get(Object(value), 'reveal') === 'function';
const isProvider = (value: unknown): value is vscode.TreeDataProvider<unknown> =>
  typeof Reflect.get(Object(value), 'getTreeItem') === 'function';
const isDropTarget = (value: unknown): value is vscode.TreeDragAndDropController<unknown> =>
  typeof Reflect.get(Object(value), 'handleDrop') === 'function';

wrap(vscode.window, 'createTreeView', (original) => (...given) => {
  const view = original(...given);
  const [id, options] = given;
  if (id !== 'croc.transfers' || !isView(view)) return view;
  const provider: unknown = Reflect.get(Object(options), 'treeDataProvider');
  const dropped: unknown = Reflect.get(Object(options), 'dragAndDropController');
  if (!isProvider(provider) || !isDropTarget(dropped)) throw new Error('The view has no data.');
  shownView = { provider, dropped, view };
  return view;
});

/** A row of the view as it would be drawn. */
export interface ShownRow {
  readonly label: string;
  readonly description: string;
  readonly spoken: string;
  readonly context: string;
  readonly row: unknown;
}

/** The rows below one (the roots without one). */
export async function viewRows(parent?: unknown): Promise<ShownRow[]> {
  const { provider } = transfersView();
  const rows = (await provider.getChildren(parent)) ?? [];
  return Promise.all(
    rows.map(async (row) => {
      const made = await provider.getTreeItem(row);
      return {
        label: typeof made.label === 'string' ? made.label : '',
        description: typeof made.description === 'string' ? made.description : '',
        spoken: made.accessibilityInformation?.label ?? '',
        context: made.contextValue ?? '',
        row,
      };
    }),
  );
}

/** The rows of everything that is over, without their days. */
export async function pastRows(): Promise<ShownRow[]> {
  const days = (await viewRows()).filter(({ context }) => context === '');
  return (await Promise.all(days.map(({ row }) => viewRows(row)))).flat();
}

/** A panel of the extension: what it was told to show last, and its buttons. */
export class ShownPanel {
  view: PanelView | undefined;
  readonly #listeners: Call[] = [];

  /** Clicks a button, as the page would tell it. */
  press(action: Action): void {
    for (const listener of this.#listeners) listener({ type: 'action', action });
  }

  /** The same panel, but watched. */
  watch(panel: object): object {
    const inner: unknown = Reflect.get(panel, 'webview');
    if (typeof inner !== 'object' || inner === null) throw new Error('The panel has no page.');
    const webview = overheard(inner, (name, [given]) => {
      if (name === 'postMessage') this.#told(given);
      if (name === 'onDidReceiveMessage' && isCall(given)) this.#listeners.push(given);
    });
    return overheard(panel, () => undefined, { webview });
  }

  #told(given: unknown): void {
    const message = parseToPage(given);
    if (message?.type === 'view') this.view = message.view;
  }
}

/** Every panel that was opened, newest last. */
export const shownPanels: ShownPanel[] = [];

wrap(vscode.window, 'createWebviewPanel', (original) => (...given) => {
  const made = original(...given);
  if (given[0] !== 'croc.transfer' || typeof made !== 'object' || made === null) return made;
  const shown = new ShownPanel();
  shownPanels.push(shown);
  return shown.watch(made);
});

/** Waits until the newest panel shows something, and gives it. */
export async function panelShows(what: (view: PanelView) => boolean): Promise<ShownPanel> {
  const found = (): ShownPanel | undefined => {
    const panel = shownPanels.at(-1);
    return panel?.view !== undefined && what(panel.view) ? panel : undefined;
  };
  return until(found, STEP_MS, 'A panel that shows it');
}

let links: vscode.UriHandler | undefined;
const isHandler = (value: unknown): value is vscode.UriHandler =>
  typeof Reflect.get(Object(value), 'handleUri') === 'function';

wrap(vscode.window, 'registerUriHandler', (original) => (handler) => {
  if (isHandler(handler)) links = handler;
  return original(handler);
});

/** What VS Code calls when somebody opens a link of the extension. */
export function linkHandler(): vscode.UriHandler {
  if (links === undefined) throw new Error('The extension handles no links.');
  return links;
}

/** What was shown in VS Code's editor for several changes: titles, and rows of what, before, after. */
export const shownChanges: { readonly title: string; readonly rows: readonly unknown[] }[] = [];

wrap(vscode.commands, 'executeCommand', (original) => (...given) => {
  const [command, key, value] = given;
  if (command === 'setContext') contextKeys.set(String(key).replace('croc.', ''), value);
  if (command === 'vscode.changes')
    shownChanges.push({ title: String(key), rows: Array.isArray(value) ? value : [] });
  return original(...given);
});

/** The same task with a terminal that is watched. */
function watched(task: unknown): unknown {
  if (!(task instanceof vscode.Task)) return task;
  const callback: unknown = Reflect.get(Object(task.execution), 'callback');
  if (typeof callback !== 'function') throw new Error('The task runs nothing of the extension.');
  task.execution = new vscode.CustomExecution(async (definition) => {
    const terminal: unknown = await Reflect.apply(callback, undefined, [definition]);
    if (!isTerminal(terminal)) throw new Error('The task has no terminal.');
    terminals.push(new Terminal(terminal));
    return terminal;
  });
  return task;
}

const isTerminal = (value: unknown): value is vscode.Pseudoterminal =>
  typeof Reflect.get(Object(value), 'open') === 'function';

wrap(vscode.tasks, 'registerTaskProvider', (original) => (type, provider) => {
  const ask = (name: string, given: readonly unknown[]): Promise<unknown> => {
    const method: unknown = Reflect.get(Object(provider), name);
    if (typeof method !== 'function') throw new Error(`The provider has no ${name}.`);
    return Promise.resolve(Reflect.apply(method, provider, given));
  };
  return original(type, {
    provideTasks: async (...given: unknown[]) => {
      const tasks = await ask('provideTasks', given);
      return Array.isArray(tasks) ? tasks.map(watched) : tasks;
    },
    resolveTask: async (...given: unknown[]) => watched(await ask('resolveTask', given)),
  });
});
