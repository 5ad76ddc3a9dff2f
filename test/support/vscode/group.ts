/** A child process that leads a group of its own, so that it ends with all its children. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { deadlineMs } from './project.js';
import { until } from './wait.js';

const running = new Set<ProcessGroup>();
// The last resort: whatever ends this process takes the groups along.
process.on('exit', () => running.forEach((group) => group.signal('SIGKILL')));

/** Makes Ctrl+C and `kill` end this process by way of its exit handlers, groups included. */
export function exitOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(1));
}

/** What to run. */
export interface GroupOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** File that gets stdout and stderr, absolute. */
  readonly log: string;
}

/** A running process group. */
export class ProcessGroup {
  readonly #child: ChildProcess;
  readonly #logFile: string;

  constructor(options: GroupOptions) {
    const log = openSync(options.log, 'a');
    this.#logFile = options.log;
    this.#child = spawn(options.command, options.args, {
      env: options.env,
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    // A command that cannot be run shows as a process without a pid.
    this.#child.on('error', () => undefined);
    running.add(this);
  }

  /** Everything printed so far. */
  get log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  /** Tells whether the leader still runs. */
  get alive(): boolean {
    return (
      this.#child.pid !== undefined &&
      this.#child.exitCode === null &&
      this.#child.signalCode === null
    );
  }

  /** Signals every process of the group; gives false when none is left. */
  signal(signal: NodeJS.Signals | 0): boolean {
    if (this.#child.pid === undefined) return false;
    try {
      return process.kill(-this.#child.pid, signal);
    } catch {
      return false;
    }
  }

  /** Ends the group, at last by force. Never throws. */
  async stop(): Promise<void> {
    const exited = this.alive ? once(this.#child, 'exit') : Promise.resolve();
    this.signal('SIGTERM');
    const gone = () => (this.signal(0) ? undefined : true);
    await until(gone, deadlineMs.stop, 'End of a process group').catch(() => {
      this.signal('SIGKILL');
    });
    await exited;
    running.delete(this);
  }
}
