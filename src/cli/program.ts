/** The command line itself: verbs, options, help. */
import { Command, CommanderError, Option } from 'commander';
import { version } from '../../package.json';
import { CrocError, CURVE_NAMES } from '../core/index.js';
import type { ReceiveArguments } from './receive.js';
import { addRelayOptions } from './relay/options.js';
import type { RelayFlags } from './relay/config.js';
import type { CheckArguments } from './check.js';
import type { SendArguments } from './send.js';

/** What the program can do; each gets its arguments parsed. */
export interface Verbs {
  readonly send: (paths: readonly string[], options: SendArguments) => Promise<void>;
  readonly receive: (words: readonly string[], options: ReceiveArguments) => Promise<void>;
  readonly relay: (options: RelayFlags) => Promise<void>;
  readonly check: (options: CheckArguments) => Promise<void>;
}

const RELAY = 'http://host:port of the relay, or croc://host:port; default: CROC_RELAY';
const LIMIT = 'most file data in a second, like 500k or 2M (1 M is 1,000,000 bytes)';
const RELAY_PASSWORD = 'password of the relay; default: CROC_RELAY_PASSWORD';
const RECEIVE_HELP = `
CODE is what the sender sees, like 417-lunar-acorn-quilt. Other users of this machine can read a
command line while it starts. To keep the secret out of it, put the words into the environment:
  CROC_SECRET=lunar-acorn-quilt croc-share receive 417 --relay http://host:port
  CROC_SECRET=417-lunar-acorn-quilt croc-share receive --relay http://host:port`;
const SEND_HELP = `
Without --relay (and without CROC_RELAY) the program runs a relay of its own, reachable on the
local network, until the transfer is over. A text with a secret in it is better read from stdin
(--text -), because other users of this machine can read a command line while it starts. A code of your own can come from CROC_SECRET instead
of --code, so that it is not in the process list.`;
const RELAY_HELP = `
Every setting can come from the environment, too (--tcp-ports: CROC_RELAY_TCP_PORTS), and from the
JSON file of --config or CROC_RELAY_CONFIG ("tcpPorts"). An option counts before the environment,
that before the file.`;
const PROGRAM_HELP = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 130 cancelled.`;

const json = () => new Option('--json', 'one JSON object a line on stdout, nothing else there');

function describeSend(command: Command): Command {
  return command
    .description('send files and folders, or a text; prints the code to tell the other side')
    .argument('[path...]', 'files and folders')
    .option('--text <text>', 'a text instead; - reads it from stdin')
    .option('--gitignore', 'leave out of folders what git ignores, and .git')
    .option('--limit <rate>', LIMIT)
    .option('--no-compress', 'never compress; default: what gets smaller, where the link is slow')
    .option('--relay <url>', `${RELAY}, else a relay of its own`)
    .option('--relay-password <password>', RELAY_PASSWORD)
    .option(
      '--croc',
      "over croc's own network: the other side may run the croc program, version 11",
    )
    .option('--code <code>', 'a code of your own, <channel>-<secret>; default: a new one')
    .addOption(new Option('--curve <curve>', 'curve of the key exchange').choices(CURVE_NAMES))
    .option('--no-announce', 'do not announce a relay of its own on the local network')
    .addOption(json())
    .addHelpText('after', SEND_HELP);
}

function describeReceive(command: Command): Command {
  return command
    .description('receive what somebody sends with a code')
    .argument('[code...]', 'the code, or its channel when CROC_SECRET holds the rest')
    .option('--relay <url>', `${RELAY}, then those on the local network`)
    .option('--relay-password <password>', RELAY_PASSWORD)
    .option('--no-discover', 'do not look for relays on the local network')
    .option('--out <dir>', 'existing folder to write into', '.')
    .option('-y, --yes', 'accept without a question')
    .option('--limit <rate>', LIMIT)
    .option('--stdout', 'take a text only: it goes to stdout as it is, all else to stderr')
    .addOption(
      new Option('--on-conflict <what>', 'a file is already there; ask without a terminal: rename')
        .choices(['ask', 'overwrite', 'rename', 'skip'])
        .default('ask'),
    )
    .addOption(json())
    .addHelpText('after', RECEIVE_HELP);
}

function describeRelay(command: Command): Command {
  command.description('run a relay until it is stopped').addOption(json());
  return addRelayOptions(command).addHelpText('after', RELAY_HELP);
}

function describeCheck(command: Command): Command {
  return command
    .description('tell whether a relay can be used from here')
    .option('--relay <url>', `${RELAY}, else those on the local network`)
    .option('--relay-password <password>', RELAY_PASSWORD)
    .addOption(json());
}

/**
 * Parses a command line and runs its verb.
 * @param argv - without node and script
 * @throws CrocError `usage`, and whatever the verb throws
 */
export async function runCommandLine(argv: readonly string[], verbs: Verbs): Promise<void> {
  const program = new Command('croc-share')
    .description('Send files and folders to a colleague with a short code, end-to-end encrypted.')
    .version(version)
    .exitOverride()
    // What commander would write on stderr comes out as an error instead.
    .configureOutput({ writeErr: () => undefined })
    .addHelpText('after', PROGRAM_HELP);
  // command() copies the two settings above.
  describeSend(program.command('send')).action(verbs.send);
  describeReceive(program.command('receive')).action(verbs.receive);
  describeRelay(program.command('relay')).action(verbs.relay);
  describeCheck(program.command('check')).action(verbs.check);
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;
    const said = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
    const detail =
      error.code === 'commander.help' ? 'name a verb: send, receive, relay or check' : said;
    throw new CrocError('usage', { detail, cause: error });
  }
}

/** Tells whether a command line has a flag, also when it is wrong otherwise. */
export function wants(flag: '--json' | '--stdout', argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).includes(flag);
}
