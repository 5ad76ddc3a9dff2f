/** The program: builds the world around a verb and turns its end into an exit code. */
import { CrocError } from '../core/index.js';
import { check } from './check.js';
import { exitCodeOf } from './context.js';
import type { Context } from './context.js';
import { runCommandLine, wants } from './program.js';
import { receive } from './receive.js';
import { JsonReporter } from './reporter.js';
import { send } from './send.js';
import { cancelOnSignals } from './signals.js';
import { LineTerminal } from './terminal.js';
import { TextReporter } from './text.js';

/** @param argv - without node and script @param env - with the secrets, which the process has no more */
export async function run(argv: readonly string[], env: Context['env']): Promise<void> {
  const { stdin, stdout, stderr } = process;
  const report = wants('--json', argv)
    ? new JsonReporter(stdout)
    : new TextReporter(stdout, stderr, wants('--stdout', argv));
  const { signal, stoppedBy, release } = cancelOnSignals();
  const terminal = stdin.isTTY && stderr.isTTY ? new LineTerminal(stdin, stderr) : undefined;
  const context: Context = {
    ...{ report, signal, stoppedBy, stdin, stderr, terminal },
    env,
  };

  const fail = (thrown: unknown) => {
    const error = CrocError.from(thrown);
    report.failed(error);
    if (context.env.CROC_DEBUG === '1') stderr.write(`${error.stack ?? ''}\n`);
    process.exitCode = exitCodeOf(error);
  };
  process.on('uncaughtException', (error) => {
    fail(error);
    process.exit();
  });

  try {
    await runCommandLine(argv, {
      send: (paths, options) => send(paths, options, context),
      receive: (words, options) => receive(words, options, context),
      // Only this verb needs what belongs to operators.
      relay: async (options) => (await import('./relay/relay.js')).relay(options, context),
      check: (options) => check(options, context),
    });
  } catch (error) {
    fail(error);
  } finally {
    terminal?.close();
    release();
  }
}
