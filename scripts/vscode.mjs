// `npm run vscode [-- --install]`: a real VS Code with the extension of this project and a sample folder.
// The desktop program where `code` is on PATH; elsewhere code-server, to be opened in a browser.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { packExtension } from '../test/support/vscode/pack.ts';
import { EditorServer } from '../test/support/vscode/server.ts';
import { makeTree } from '../test/support/tree.ts';
import { root } from './ensure.mjs';
import {
  cacheDir,
  installEditor,
  isEditorInstalled,
  onPath,
  unsupported,
} from './install-vscode.mjs';

const folder = await mkdtemp(path.join(os.tmpdir(), 'croc-sample-'));
await makeTree(path.join(folder, 'sample'));
try {
  const code = onPath(process.platform === 'win32' ? 'code.cmd' : 'code');
  if (code !== undefined) await openDesktop(code);
  else if (await mayInstall()) await openInBrowser();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Opens a window of the desktop program; ends when that window is closed. */
async function openDesktop(code) {
  // As root, VS Code asks for a folder of its own.
  const data = path.join(folder, '.code');
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox', '--user-data-dir', data] : [];
  const args = ['--new-window', '--wait', `--extensionDevelopmentPath=${root}`, ...asRoot, folder];
  console.log('VS Code opens in a window of its own; this ends when you close it.');
  const child = spawn(code, args, { stdio: 'inherit', shell: process.platform === 'win32' });
  const [status] = await once(child, 'exit');
  process.exitCode = status ?? 1;
}

/** Serves the editor until Ctrl+C. */
async function openInBrowser() {
  installEditor();
  const server = await EditorServer.start({ vsix: await packExtension() });
  console.log(`VS Code with Croc: ${server.url(folder)}`);
  console.log('Everybody on this computer can open it. Ctrl+C ends it.');
  await Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)));
  await server.stop();
}

/** Whether code-server is there or may be installed: by `--install`, a yes, or with nobody to ask. */
async function mayInstall() {
  const reason = unsupported();
  if (reason) throw new Error(`Install VS Code so that \`code\` is on PATH: ${reason}`);
  if (isEditorInstalled() || process.argv.includes('--install')) return true;
  const what = `code-server from the npm registry (500 MB) into ${cacheDir()}`;
  if (!process.stdin.isTTY) {
    console.log(`There is no VS Code on this machine, so this installs ${what}.`);
    return true;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`There is no VS Code on PATH. Install ${what}? [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}
