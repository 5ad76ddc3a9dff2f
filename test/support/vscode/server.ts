/** code-server: VS Code's own workbench and extension host, served to a browser. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { editorPaths } from '../../../scripts/install-vscode.mjs';
import { ProcessGroup } from './group.js';
import { deadlineMs } from './project.js';
import { until } from './wait.js';

/** User settings of an editor, as in settings.json. */
export type Settings = Readonly<Record<string, unknown>>;

/** How to start an editor. */
export interface EditorOptions {
  /** Settings on top of the quiet ones. */
  readonly settings?: Settings;
  /** Environment of the extension host, on top of the tests' own; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A packed extension to install, absolute path. */
  readonly vsix?: string;
  /** The folder of an extension to lie among the installed ones, absolute. */
  readonly unpacked?: string;
  /** More arguments for code-server. */
  readonly args?: readonly string[];
}

// Nothing that greets, updates, phones home, moves or asks by itself.
const QUIET: Settings = {
  'chat.commandCenter.enabled': false,
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'git.openRepositoryInParentFolders': 'never',
  'remote.autoForwardPorts': false,
  'remote.restoreForwardedPorts': false,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'terminal.integrated.gpuAcceleration': 'off',
  // The look follows what the browser says of the system (screens.ts).
  'window.autoDetectColorScheme': true,
  'window.autoDetectHighContrast': true,
  'window.menuBarVisibility': 'compact',
  'workbench.enableExperiments': false,
  'workbench.reduceMotion': 'on',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
};
// The tests may themselves run in a terminal of VS Code, under a test runner, or with a password set.
const NOT_INHERITED =
  /^(VSCODE_|CODE_SERVER|VITEST|NODE_OPTIONS$|NODE_ENV$|PASSWORD$|HASHED_|PORT$)/;

/** A running editor server with its own data folder. */
export class EditorServer {
  /** Host and port on the loopback interface. */
  readonly host: string;
  readonly #group: ProcessGroup;
  readonly #dataDir: string;

  private constructor(host: string, group: ProcessGroup, dataDir: string) {
    this.host = host;
    this.#group = group;
    this.#dataDir = dataDir;
  }

  /** Starts an editor on a free port; resolves when it listens. */
  static async start(options: EditorOptions = {}): Promise<EditorServer> {
    const dataDir = await mkdtemp(path.join(os.tmpdir(), 'croc-editor-'));
    const env = await prepare(dataDir, options);
    const { node, entry } = editorPaths();
    const group = new ProcessGroup({
      command: node,
      args: [entry, ...folders(dataDir), ...serverArgs, ...(options.args ?? [])],
      env,
      log: path.join(dataDir, 'server.log'),
    });
    try {
      const host = await until(() => listening(group), deadlineMs.server, 'Start of code-server');
      return new EditorServer(host, group, dataDir);
    } catch (error) {
      const log = group.log;
      await group.stop();
      await rm(dataDir, { recursive: true, force: true });
      throw new Error(`code-server did not start:\n${log}`, { cause: error });
    }
  }

  /** Where the server keeps everything that outlives a page, absolute. */
  get dataDir(): string {
    return this.#dataDir;
  }

  /** The server's own words so far. */
  get log(): string {
    return this.#group.log;
  }

  /** The address of a page with `folder` (absolute) open and `payload` for the workbench. */
  url(folder: string, payload: readonly (readonly [string, string])[] = []): string {
    const url = new URL(`http://${this.host}/`);
    url.searchParams.set('folder', folder);
    if (payload.length > 0) url.searchParams.set('payload', JSON.stringify(payload));
    return url.href;
  }

  /** How the workbench names a file (absolute path) of this server's machine. */
  uri(file: string): string {
    return `vscode-remote://${this.host}${path.resolve(file)}`;
  }

  /** Ends the server with all its processes and removes its data. Never throws. */
  async stop(): Promise<void> {
    await this.#group.stop();
    await rm(this.#dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

const serverArgs = [
  ...['--auth', 'none', '--bind-addr', '127.0.0.1:0'],
  ...['--disable-telemetry', '--disable-update-check', '--disable-workspace-trust'],
  ...['--disable-getting-started-override', '--ignore-last-opened'],
];

function folders(dataDir: string): string[] {
  const at = (name: string) => path.join(dataDir, name);
  return [
    ...['--config', at('config.yaml')],
    ...['--user-data-dir', at('user'), '--extensions-dir', at('extensions')],
  ];
}

/** Lays out the data folder, installs the extension, and gives the server's environment. */
async function prepare(dataDir: string, options: EditorOptions): Promise<NodeJS.ProcessEnv> {
  const at = (...parts: string[]) => path.join(dataDir, ...parts);
  for (const folder of [at('user', 'User'), at('extensions'), at('home')])
    await mkdir(folder, { recursive: true });
  await writeFile(at('config.yaml'), 'auth: none\n');
  const settings = { ...QUIET, ...options.settings };
  await writeFile(at('user', 'User', 'settings.json'), JSON.stringify(settings, undefined, 2));
  const inherited = Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name));
  const quiet = { HOME: at('home'), CROC_MULTICAST: 'off' };
  const env = { ...Object.fromEntries(inherited), ...quiet, ...options.env };
  if (options.unpacked !== undefined)
    await cp(options.unpacked, at('extensions', path.basename(options.unpacked)), {
      recursive: true,
    });
  if (options.vsix !== undefined) {
    const { node, entry } = editorPaths();
    const args = [entry, ...folders(dataDir), '--install-extension', options.vsix];
    await promisify(execFile)(node, args, { env, timeout: deadlineMs.server });
  }
  return env;
}

/** Host and port once the server has printed them; throws when it ended instead. */
function listening(group: ProcessGroup): string | undefined {
  const host = /HTTP server listening on http:\/\/([^/\s]+)/.exec(group.log)?.[1];
  if (host === undefined && !group.alive) throw new Error('The process ended.');
  return host;
}
