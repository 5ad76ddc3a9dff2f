/** Starting programs, reading their JSON lines, and what the kernel says of them. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** The folder that `npm run build` fills. */
export const DIST = path.resolve(import.meta.dirname, '../../dist');
const CLI = path.join(DIST, 'cli.js');

/** A line of `--json`; a bench trusts its own program. */
export type Line = Readonly<Record<string, unknown>>;

/** Our program in a process of its own. */
export class Program {
  readonly child: ChildProcess;
  readonly #lines: Line[] = [];
  #wake: () => void = () => undefined;
  #ended = false;

  constructor(...args: readonly string[]) {
    this.child = spawn(process.execPath, [CLI, ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { stdout } = this.child;
    if (!stdout) throw new Error('no output');
    createInterface({ input: stdout }).on('line', (line) => {
      this.#lines.push(JSON.parse(line) as Line);
      this.#wake();
    });
    this.child.once('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** Waits for the first line of one event. */
  async line(event: string): Promise<Line> {
    for (;;) {
      const found = this.#lines.find((line) => line['event'] === event);
      if (found) return found;
      const failed = this.#lines.find((line) => line['event'] === 'error');
      if (failed ?? this.#ended) throw new Error(`no "${event}": ${JSON.stringify(failed)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Most memory that the process had in RAM so far, MiB. */
  get peakMiB(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
  }

  /** Ends it and waits for that. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    this.child.kill('SIGTERM');
    await once(this.child, 'exit');
  }
}

/** A relay of ours on loopback. */
export async function startRelay(): Promise<{ program: Program; url: string }> {
  const args = ['--host', '127.0.0.1', '--port', '0', '--tcp-ports', '0,0,0,0'];
  const program = new Program('relay', ...args);
  return { program, url: String((await program.line('listening'))['url']) };
}

/** Runs a shell command to its end. @returns seconds */
export async function shell(command: string, cwd: string): Promise<number> {
  const startedMs = performance.now();
  const child = spawn('bash', ['-c', `set -euo pipefail; ${command}`], {
    cwd,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${command}: exit code ${code}`);
  return (performance.now() - startedMs) / 1000;
}

/** A TCP port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}
