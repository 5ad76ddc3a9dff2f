/** What a verb gets beside its own options, and how its end becomes an exit code. */
import type { Readable, Writable } from 'node:stream';
import type { CrocError } from '../core/index.js';
import type { Environment } from './options.js';
import type { Reporter } from './reporter.js';
import type { Terminal } from './terminal.js';

/** The world around a verb. */
export interface Context {
  readonly report: Reporter;
  readonly env: Environment;
  /** Aborted, with a CrocError `cancelled` as reason, by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** The signal that came, if it was one that aborted. */
  readonly stoppedBy: () => NodeJS.Signals | undefined;
  /** Where logs go. */
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly stdin: Readable;
  /** Where to ask; undefined when nobody sits there. */
  readonly terminal: Terminal | undefined;
}

/** How the program ends (README.md, "Exit codes"). */
export const EXIT = { done: 0, failed: 1, usage: 2, cancelled: 130 } as const;

/** The exit code of an error: wrong usage, cancelled on this side, or failed. */
export function exitCodeOf(error: CrocError): number {
  if (error.phase === 'usage') return EXIT.usage;
  return error.code === 'cancelled' ? EXIT.cancelled : EXIT.failed;
}
