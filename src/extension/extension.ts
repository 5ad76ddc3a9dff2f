/**
 * The way in. Registers what VS Code may call and nothing else: the parts (app.ts) and the core
 * are loaded at the first call, so activation costs next to nothing.
 */
import * as vscode from 'vscode';
import type { CrocApi, TransferInfo } from './api.js';
import type { App } from './app.js';
import { COMMANDS } from './commands/ids.js';
import type { Row, TransferTree } from './views/tree.js';

// VS Code calls `deactivate` without arguments, so this one thing has to be remembered here.
let close: (() => Promise<void>) | undefined;

export function activate(context: vscode.ExtensionContext): CrocApi {
  const log = vscode.window.createOutputChannel('Croc', { log: true });
  let loading: Promise<App> | undefined;
  const changed = new vscode.EventEmitter<readonly TransferInfo[]>();
  const app = (): Promise<App> => {
    // Whoever listens waits for what comes, and loads nothing before.
    loading ??= import('./app.js').then(
      ({ App }) => new App(context, log, (transfers) => changed.fire(transfers)),
    );
    return loading;
  };
  close = async () => (await loading)?.close();
  context.subscriptions.push(
    log,
    changed,
    ...COMMANDS.map((id) =>
      vscode.commands.registerCommand(id, async (...given: unknown[]) =>
        (await app()).run(id, given),
      ),
    ),
    vscode.tasks.registerTaskProvider('croc', {
      provideTasks: async () => (await app()).relayTasks.provideTasks(),
      resolveTask: async (task) => (await app()).relayTasks.resolveTask(task),
    }),
    vscode.window.registerUriHandler({
      handleUri: async (uri) => (await app()).openLink(uri),
    }),
    vscode.window.registerWebviewPanelSerializer('croc.transfer', {
      deserializeWebviewPanel: async (panel, state: unknown) =>
        (await app()).panels.restore(panel, state),
    }),
    transfersView(app),
  );
  return {
    send: async (items, options) => (await app()).api.send(items, options),
    receive: async (code, options) => (await app()).api.receive(code, options),
    startRelay: async (options) => (await app()).api.startRelay(options),
    onDidChangeTransfers: changed.event,
  };
}

/** The view *Transfers*. VS Code asks it for rows only once somebody sees it. */
function transfersView(app: () => Promise<App>): vscode.Disposable {
  const changed = new vscode.EventEmitter<Row | undefined>();
  let tree: Promise<TransferTree> | undefined;
  const loaded = (): Promise<TransferTree> => {
    tree ??= app().then((made) => {
      made.tree.onDidChangeTreeData((row) => changed.fire(row));
      made.tree.setVisible(view.visible);
      return made.tree;
    });
    return tree;
  };
  const view = vscode.window.createTreeView<Row>('croc.transfers', {
    treeDataProvider: {
      onDidChangeTreeData: changed.event,
      getChildren: async (row) => (await loaded()).getChildren(row),
      getTreeItem: async (row) => (await loaded()).getTreeItem(row),
    },
    dragAndDropController: {
      dropMimeTypes: ['text/uri-list'],
      dragMimeTypes: [],
      handleDrop: async (target, dropped) => (await loaded()).handleDrop(target, dropped),
    },
  });
  const visibility = view.onDidChangeVisibility(async ({ visible }) =>
    (await loaded()).setVisible(visible),
  );
  return vscode.Disposable.from(view, visibility, changed);
}

/** Ends transfers and relays; resolves when their sockets are closed. */
export async function deactivate(): Promise<void> {
  await close?.();
}
