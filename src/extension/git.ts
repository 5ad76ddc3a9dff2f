/** git, as VS Code's own Git extension knows it: which repositories are open, and where its program is. */
import { execFile } from 'node:child_process';
import * as v from 'valibot';
import * as vscode from 'vscode';
import { CrocError } from '../core/index.js';

/** Bytes that a command of git may print; a patch larger than a text may be is refused later. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const TIMEOUT_MS = 60_000;
/** How long VS Code may take to look for repositories after a window was opened. */
const LOOKING_MS = 10_000;

/** A repository that is open in this window. */
export interface Repository {
  /** Absolute path of its top folder. */
  readonly root: string;
  readonly name: string;
}

/** What a command of git gave. */
export interface GitOutput {
  /** 0 when it went well. */
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

const uri = v.custom<vscode.Uri>((value) => value instanceof vscode.Uri);
const apiSchema = v.object({
  git: v.object({ path: v.pipe(v.string(), v.minLength(1)) }),
  repositories: v.array(v.object({ rootUri: uri })),
});
const stateSchema = v.object({
  state: v.string(),
  onDidChangeState: v.custom<vscode.Event<string>>((value) => typeof value === 'function'),
});
const exportsSchema = v.object({
  getAPI: v.custom<(version: 1) => unknown>((value) => typeof value === 'function'),
});

/** The Git extension's program and repositories. */
export class Git {
  private constructor(
    private readonly program: string,
    readonly repositories: readonly Repository[],
  ) {}

  /** @returns undefined where there is no git, it is switched off, or the workspace is not trusted */
  static async open(): Promise<Git | undefined> {
    // A repository's own settings can name programs that git runs.
    if (!vscode.workspace.isTrusted) return undefined;
    const extension = vscode.extensions.getExtension<unknown>('vscode.git');
    const exports: unknown = await extension?.activate();
    const exported = v.safeParse(exportsSchema, exports);
    if (!exported.success) return undefined;
    let api: unknown;
    try {
      // With its own `this`: the parsed object is a copy.
      api = Reflect.apply(exported.output.getAPI, exports, [1]);
    } catch {
      return undefined; // `git.enabled` is off
    }
    await untilLooked(api);
    const parsed = v.safeParse(apiSchema, api);
    if (!parsed.success) return undefined;
    const { git, repositories } = parsed.output;
    const roots = repositories.map(({ rootUri: { fsPath, path } }) => ({
      root: fsPath,
      name: path.slice(path.lastIndexOf('/') + 1),
    }));
    return new Git(git.path, roots);
  }

  /**
   * Runs git in a repository, without a shell.
   *
   * @param input - what it reads
   * @param env - on top of this process's own
   * @throws CrocError `internal` when git cannot be started or does not end within a minute
   */
  run(
    { root }: Repository,
    args: readonly string[],
    { input, env = {} }: { input?: Uint8Array; env?: Readonly<Record<string, string>> } = {},
  ): Promise<GitOutput> {
    const options = {
      cwd: root,
      env: { ...process.env, ...env, GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' },
      encoding: 'buffer' as const,
      maxBuffer: MAX_OUTPUT_BYTES,
      timeout: TIMEOUT_MS,
      windowsHide: true,
    };
    return new Promise((resolve, reject) => {
      const child = execFile(this.program, [...args], options, (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code;
        if (typeof code === 'number') resolve({ code, stdout, stderr: stderr.toString() });
        else reject(new CrocError('internal', { detail: 'git did not run', cause: error }));
      });
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(input);
    });
  }
}

/** Waits until the Git extension has looked for repositories, at most ten seconds. */
async function untilLooked(api: unknown): Promise<void> {
  const parsed = v.safeParse(stateSchema, api);
  if (!parsed.success || parsed.output.state === 'initialized') return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      subscription.dispose();
      resolve();
    };
    const timer = setTimeout(end, LOOKING_MS);
    const subscription = parsed.output.onDidChangeState((state) => {
      if (state === 'initialized') end();
    });
  });
}
