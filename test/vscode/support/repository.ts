/** Repositories for tests: made by git, opened in VS Code's own Git extension. */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import * as vscode from 'vscode';

const ME = [
  '-c',
  'user.name=Test',
  '-c',
  'user.email=test@example.com',
  '-c',
  'commit.gpgsign=false',
];

const opener = v.custom<(uri: vscode.Uri) => Promise<unknown>>((one) => typeof one === 'function');
const gitExports = v.object({
  getAPI: v.custom<(version: 1) => unknown>((value) => typeof value === 'function'),
});

/** A repository on the disk. */
export class TestRepository {
  private constructor(readonly root: string) {}

  /** Makes one with a first commit of these files, and opens it in VS Code. @param root - absolute */
  static async open(root: string, files: Readonly<Record<string, string | Uint8Array>>) {
    const repository = new TestRepository(root);
    await mkdir(root, { recursive: true });
    repository.git('init', '-q', '-b', 'main');
    await repository.write(files);
    repository.git('add', '-A');
    repository.git('commit', '-q', '-m', 'First', '--allow-empty');
    const exported: unknown = await vscode.extensions.getExtension('vscode.git')?.activate();
    const api: unknown = Reflect.apply(v.parse(gitExports, exported).getAPI, exported, [1]);
    const { openRepository } = v.parse(v.object({ openRepository: opener }), api);
    await Reflect.apply(openRepository, api, [vscode.Uri.file(root)]);
    return repository;
  }

  async write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(this.root, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, content);
    }
  }

  git(...args: string[]): string {
    return execFileSync('git', [...ME, ...args], { cwd: this.root }).toString();
  }

  /** What the Source Control view hands to a command of its title. */
  get control(): { rootUri: vscode.Uri } {
    return { rootUri: vscode.Uri.file(this.root) };
  }
}
