/** The extension under test, as another extension would find it. */
import { homedir } from 'node:os';
import path from 'node:path';
import * as v from 'valibot';
import * as vscode from 'vscode';
import { USER_DATA_VARIABLE } from '../results.js';
import type { CrocApi } from '../../../src/extension/api.js';

const manifestSchema = v.object({
  activationEvents: v.optional(v.array(v.string()), []),
  contributes: v.object({ commands: v.array(v.object({ command: v.string() })) }),
});

/** The extension with its activation events; throws when VS Code does not know it. */
export function crocExtension(): {
  readonly activationEvents: readonly string[];
  readonly activate: () => Thenable<unknown>;
} {
  const { extension, manifest } = find();
  return {
    activationEvents: manifest.activationEvents,
    activate: () => extension.activate(),
  };
}

/** Where the extension lies, absolute. */
export const crocFolder = (): string => find().extension.extensionPath;

/** What the extension gives to others; activates it. */
export async function crocApi(): Promise<CrocApi> {
  const api = await crocExtension().activate();
  if (!isApi(api)) throw new Error('activate() gave something else.');
  return api;
}

function isApi(value: unknown): value is CrocApi {
  const names = ['send', 'receive', 'startRelay'];
  return names.every((name) => typeof Reflect.get(Object(value), name) === 'function');
}

/** Where the history is on the disk, absolute. */
export async function historyFolder(): Promise<string> {
  const { extension } = find();
  await extension.activate();
  // An extension is told where its storage is, a test is not: it is below the editor's own data.
  const data = process.env[USER_DATA_VARIABLE] ?? path.join(homedir(), '..', 'user');
  return path.join(data, 'User', 'globalStorage', extension.id, 'history');
}

/** The ids of the commands that package.json declares. */
export function declaredCommands(): string[] {
  return find().manifest.contributes.commands.map(({ command }) => command);
}

/** The folder that is open in this VS Code; empty at the start of the run. */
export function workspaceFolder(): vscode.Uri {
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (folder === undefined) throw new Error('No folder is open.');
  return folder.uri;
}

function find() {
  const extension = vscode.extensions.getExtension<unknown>('croc-share.croc-share');
  if (extension === undefined) throw new Error('croc-share.croc-share is not there.');
  return { extension, manifest: v.parse(manifestSchema, extension.packageJSON) };
}
