/** A child process that leads a group of its own, so that it ends with all its children. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { deadlineMs } from './project.js';
import { until } from './wait.js';

/**
 * Lets Ctrl+C, `kill` and the end of the parent process end this one at once. A browser driver and a
 * test runner catch these, and then neither goes on nor ends. Groups and browsers end by themselves
 * when the pipe to this process closes.
 */
export function dieOnSignals(): void {
  for (const event of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const)
    process.once(event, () => process.kill(process.pid, 'SIGKILL'));
}

// Runs "$@", and ends the whole group when stdin closes: whatever happens to the process that started
// it, nothing of the group outlives that.
const GUARD =
  'exec 3<&0; "$@" </dev/null 3<&- & command=$!; (cat <&3 >/dev/null; kill 0) & wait $command';

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
  readonly #guard: ChildProcess;
  readonly #logFile: string;

  constructor(options: GroupOptions) {
    const log = openSync(options.log, 'a');
    this.#logFile = options.log;
    this.#guard = spawn('sh', ['-c', GUARD, 'sh', options.command, ...options.args], {
      env: options.env,
      stdio: ['pipe', log, log],
      detached: true,
    });
    closeSync(log);
    // A command that cannot be run shows as a process without a pid.
    this.#guard.on('error', () => undefined);
  }

  /** Everything printed so far. */
  get log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  /** Tells whether the command still runs. */
  get alive(): boolean {
    const { pid, exitCode, signalCode } = this.#guard;
    return pid !== undefined && exitCode === null && signalCode === null;
  }

  /** Ends the group, at last by force. Never throws. */
  async stop(): Promise<void> {
    const exited = this.alive ? once(this.#guard, 'exit') : Promise.resolve();
    this.#signal('SIGTERM');
    const gone = () => (this.#signal(0) ? undefined : true);
    await until(gone, deadlineMs.stop, 'End of a process group').catch(() =>
      this.#signal('SIGKILL'),
    );
    await exited;
  }

  /** Signals every process of the group; gives false when none is left. */
  #signal(signal: NodeJS.Signals | 0): boolean {
    const { pid } = this.#guard;
    if (pid === undefined) return false;
    try {
      return process.kill(-pid, signal);
    } catch {
      return false;
    }
  }
}
