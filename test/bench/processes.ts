/** Starting programs, reading what they say, and what the kernel says of them. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';

/** The folder that `npm run build` fills. */
export const DIST = path.resolve(import.meta.dirname, '../../dist');
/** The built command line. */
export const CLI = path.join(DIST, 'cli.js');

/** How often memory is looked at, milliseconds. */
const SAMPLE_MS = 50;
/** No program of a bench may take longer, milliseconds. */
const PATIENCE_MS = 30 * 60_000;

/** What a program is started with. */
export interface Start {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A program that runs. Whatever is left when the bench ends is killed with it. */
export class Child {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #timer: NodeJS.Timeout;
  readonly ended: Promise<number>;
  #said = '';
  readonly #waiting = new Set<() => void>();
  #exitCode: number | undefined;
  #peakMiB = 0;

  /** @param command - the program and its arguments */
  constructor(command: readonly string[], start: Start = {}) {
    const [program = '', ...args] = command;
    this.#name = command.slice(0, 8).join(' ');
    this.#child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(start.cwd === undefined ? {} : { cwd: start.cwd }),
      env: { ...process.env, ...start.env },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (bytes: Buffer) => {
        this.#said += bytes.toString();
        this.#wake();
      });
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
    const deadline = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS);
    this.ended = once(this.#child, 'close').then(([code]) => {
      clearInterval(this.#timer);
      clearTimeout(deadline);
      this.#exitCode = typeof code === 'number' ? code : -1;
      this.#wake();
      return this.#exitCode;
    });
  }

  /** Waits until what was said matches. @returns the first group @throws Error when it ends before */
  async says(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.#said);
      if (match) return match[1] ?? match[0];
      if (this.#exitCode !== undefined)
        throw new Error(`${this.#name} ended with ${this.#exitCode}: ${this.#said.slice(-500)}`);
      await this.more();
    }
  }

  /** Everything that it has said so far, on both streams. */
  get said(): string {
    return this.#said;
  }

  /** Waits until it says more. @returns false when it has ended */
  async more(): Promise<boolean> {
    if (this.#exitCode !== undefined) return false;
    await new Promise<void>((resolve) => this.#waiting.add(resolve));
    return true;
  }

  /** Waits for a good end. @throws Error with what it said otherwise */
  async finishes(): Promise<void> {
    const code = await this.ended;
    if (code !== 0) throw new Error(`${this.#name}: ${code}: ${this.#said.slice(-500)}`);
  }

  /** Most memory that the process had in RAM, as far as was seen, MiB. */
  get peakMiB(): number {
    this.#sample();
    return this.#peakMiB;
  }

  /** Closes its standard input. */
  closeInput(): void {
    this.#child.stdin?.end();
  }

  /** Sends it a signal, if it still runs. */
  kill(signal: NodeJS.Signals): void {
    if (this.#exitCode === undefined) this.#child.kill(signal);
  }

  /** Ends it and waits for that. */
  async stop(): Promise<void> {
    if (this.#exitCode === undefined) this.#child.kill('SIGTERM');
    await this.ended;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #sample(): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#exitCode !== undefined || !existsSync(`/proc/${pid}/status`))
      return;
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const peakMiB = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
    this.#peakMiB = Math.max(this.#peakMiB, peakMiB);
  }
}

/** Whether a program is on PATH. */
export function has(program: string): boolean {
  return spawnSync('which', [program], { stdio: 'ignore' }).status === 0;
}

/** The first part of what a program says about its version. */
export function versionOf(program: string, ...args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return /\d+(\.\d+)+\S*/.exec(`${stdout}${stderr}`)?.[0].replace(/,$/, '') ?? '?';
}

/** Runs a shell command to its end. @throws Error when it fails */
export async function shell(command: string, cwd: string): Promise<void> {
  await new Child(['bash', '-c', `set -euo pipefail; ${command}`], { cwd }).finishes();
}

/** Gives `work` a folder in memory where the machine has one, so that no disk is measured. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const base = existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
  const folder = await mkdtemp(path.join(base, 'croc-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** TCP ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  return servers.map((server) => {
    const { port } = server.address() as AddressInfo;
    server.close();
    return port;
  });
}

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}
