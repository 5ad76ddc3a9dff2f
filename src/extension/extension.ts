/**
 * The way in. Registers what VS Code may call and nothing else: the parts (app.ts) and the core
 * are loaded at the first call, so activation costs next to nothing.
 */
import * as vscode from 'vscode';
import type { CrocApi } from './api.js';
import type { App } from './app.js';
import { COMMANDS } from './commands/ids.js';

// VS Code calls `deactivate` without arguments, so this one thing has to be remembered here.
let close: (() => Promise<void>) | undefined;

export function activate(context: vscode.ExtensionContext): CrocApi {
  const log = vscode.window.createOutputChannel('Croc', { log: true });
  let loading: Promise<App> | undefined;
  const app = (): Promise<App> => {
    loading ??= import('./app.js').then(({ App }) => new App(context, log));
    return loading;
  };
  close = async () => (await loading)?.close();
  context.subscriptions.push(
    log,
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
  );
  return {
    send: async (paths, options) => (await app()).api.send(paths, options),
    receive: async (code, options) => (await app()).api.receive(code, options),
    startRelay: async (options) => (await app()).api.startRelay(options),
  };
}

/** Ends transfers and relays; resolves when their sockets are closed. */
export async function deactivate(): Promise<void> {
  await close?.();
}
