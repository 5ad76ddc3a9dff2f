/** The two places where the suite can run: an Electron VS Code, and code-server in a browser. */
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { mkdtemp, rm } from 'node:fs/promises';
import { format } from 'node:util';
import { downloadAndUnzipVSCode, runTests, SilentReporter } from '@vscode/test-electron';
import { launchBrowser } from '../support/vscode/browser.js';
import { projectRoot, testOut } from '../support/vscode/project.js';
import { EditorServer } from '../support/vscode/server.js';
import { within } from '../support/vscode/wait.js';
import { USER_DATA_VARIABLE } from './results.js';
import { Workbench } from '../support/vscode/workbench.js';

/** What to run. */
export interface HostRun {
  /** The bundled suite: a CJS file that exports `run()`, absolute. */
  readonly suite: string;
  /** Folder to open, absolute. */
  readonly folder: string;
  /** Environment for the extension host. */
  readonly env: Readonly<Record<string, string>>;
}

/** Somebody else's extension, which uses the API. */
const NEIGHBOUR = testOut('vscode', 'neighbour');
const RUN_MS = 300_000;
const DOWNLOAD_MS = 15_000;

/** Gets an Electron VS Code and gives its executable; rejects where that is not possible. */
export async function downloadElectron(): Promise<string> {
  const screen = process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY'];
  if (process.platform === 'linux' && screen === undefined) throw new Error('There is no display.');
  return downloadAndUnzipVSCode({
    version: 'stable',
    cachePath: path.join(projectRoot, '.cache', 'vscode-test'),
    timeout: DOWNLOAD_MS, // without a byte
    reporter: new SilentReporter(),
  });
}

/** Runs the suite under Electron; rejects when the exit code says that it failed. */
export async function runInElectron(executable: string, run: HostRun): Promise<void> {
  const data = await mkdtemp(path.join(os.tmpdir(), 'croc-electron-'));
  const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const tests = runTests({
    vscodeExecutablePath: executable,
    extensionDevelopmentPath: [projectRoot, NEIGHBOUR],
    extensionTestsPath: run.suite,
    extensionTestsEnv: { ...run.env, [USER_DATA_VARIABLE]: data },
    launchArgs: [
      run.folder,
      ...['--user-data-dir', data, '--disable-extensions', '--disable-workspace-trust'],
      ...root,
    ],
  });
  try {
    await within(tests, RUN_MS, 'The suite in Electron');
  } finally {
    await rm(data, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Runs the suite in code-server's extension host; rejects when the exit code says that it failed. */
export async function runInCodeServer(run: HostRun): Promise<void> {
  const server = await EditorServer.start({
    env: run.env,
    args: ['--vscode-option', 'enable-smoke-test-driver'],
    unpacked: NEIGHBOUR,
    settings: { 'git.enabled': true },
  });
  const browser = await launchBrowser();
  const said: string[] = [];
  try {
    const code = await new Promise<number>((resolve, reject) => {
      within(open(resolve), RUN_MS, 'The workbench').catch(reject);
      setTimeout(() => reject(new Error('The suite did not end.')), RUN_MS).unref();
    });
    if (code !== 0) throw new Error(`The extension host ended with ${code}.`);
  } finally {
    await browser.close();
    await server.stop();
    await writeFile(testOut('vscode', 'console.log'), said.join('\n'));
  }

  async function open(exit: (code: number) => void): Promise<void> {
    const payload = [
      ['extensionDevelopmentPath', server.uri(projectRoot)],
      ['extensionTestsPath', server.uri(run.suite)],
      ['enableProposedApi', ''],
      ['skipWelcome', 'true'],
    ] as const;
    await Workbench.open(browser, server, {
      folder: run.folder,
      payload,
      beforeLoad: async (page) => {
        page.on('crash', () => exit(1));
        await page.exposeFunction('codeAutomationExit', exit);
        await page.exposeFunction('codeAutomationLog', (_type: string, words: unknown[]) => {
          said.push(format(...words));
        });
      },
    });
  }
}
