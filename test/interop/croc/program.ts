/** The real croc as a process. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import os from 'node:os';
import { onTestFinished } from 'vitest';
import { crocPath } from '../../../scripts/install-croc.mjs';

/** A croc that runs. Its output is kept for when a test fails. */
export class CrocProgram {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output = '';
  readonly #watchers = new Set<() => void>();

  /** @param env - beside a clean environment; the code goes here, as `CROC_SECRET` */
  constructor(args: readonly string[], cwd: string, env: Record<string, string> = {}) {
    const binary = crocPath();
    if (binary === undefined) throw new Error('croc is not installed');
    this.child = spawn(binary, args, {
      cwd,
      env: { PATH: process.env['PATH'], HOME: os.tmpdir(), CROC_CONFIG_DIR: cwd, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
        for (const watcher of this.#watchers) watcher();
      });
    this.ended = once(this.child, 'close').then(([code]) => {
      for (const watcher of this.#watchers) watcher();
      return code as number | null;
    });
    onTestFinished(async () => {
      this.child.kill('SIGKILL');
      await this.ended;
    });
  }

  /** Resolves when it has printed `text`; rejects when it ends without. */
  async said(text: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (this.output.includes(text)) resolve();
        else if (this.child.exitCode !== null)
          reject(new Error(`croc ended without "${text}": ${this.output}`));
        else return;
        this.#watchers.delete(look);
      };
      this.#watchers.add(look);
      look();
    });
  }
}
