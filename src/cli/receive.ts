/** The verb `receive`. */
import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';
import { Croc, CrocError, isCrocRelay, networkOf } from '../core/index.js';
import type { AcceptOptions, ConflictChoice, Offer, Receive } from '../core/index.js';
import type { Context } from './context.js';
import { formatOffer } from './format.js';
import {
  chooseCode,
  chooseLimit,
  chooseRelay,
  chooseRelayPassword,
  chooseSurroundings,
} from './options.js';
import type { Environment } from './options.js';
import { optimizeSoon } from './optimizing.js';
import { askAccept, askRelay, conflictAsker } from './questions.js';

/** The options of `receive` as they were typed. */
export interface ReceiveArguments {
  readonly relay?: string;
  readonly relayPassword?: string;
  /** Whether to look for relays on the local network. */
  readonly discover: boolean;
  /** Folder to write into. */
  readonly out: string;
  readonly yes?: boolean;
  /** Bytes a second. */
  readonly limit?: string;
  /** Take only a text, which goes to stdout and nothing else with it. */
  readonly stdout?: boolean;
  readonly onConflict: 'ask' | ConflictChoice;
}

/**
 * Receives what a code stands for and returns when everything is on the disk.
 * @param words - the code as it was typed, in one argument or several
 * @throws CrocError
 */
export async function receive(
  words: readonly string[],
  options: ReceiveArguments,
  context: Context,
): Promise<void> {
  const { report, signal } = context;
  const code = chooseCode(words, context.env);
  if (code === undefined)
    throw new CrocError('usage', { detail: 'give the code, or set CROC_SECRET' });
  const relay = relayFor(code, options.relay, context.env);
  // All that can be wrong on this side is found before the sender hears of it: a code counts once.
  const surroundings = chooseSurroundings(context.env);
  // A relay on the command line is the one that is meant; one in the environment is where to begin.
  const discover = options.discover && options.relay === undefined && surroundings !== 'nowhere';
  if (relay === undefined && !discover && networkOf(code) === 'relay')
    throw new CrocError('no_relay', { detail: 'use --relay or set CROC_RELAY' });
  const limit = chooseLimit(options.limit);
  const to = path.resolve(options.out);
  if (options.stdout !== true) await checkFolder(to);

  const { terminal } = context;
  const croc = new Croc(surroundings === 'nowhere' ? {} : { multicast: surroundings });
  const offer = await croc.receive(code, {
    ...(relay !== undefined && { relay }),
    ...chooseRelayPassword(options.relayPassword, context.env),
    discover,
    signal,
    ...(terminal && { onSeveral: (relays) => askRelay(terminal, relays, signal) }),
    onState: (state) => report.state(state),
    onConnection: (connection) => report.connection(connection),
  });
  const isUnwanted = options.stdout === true && offer.kind === 'files';
  const isTaken = options.yes === true && !isUnwanted;
  if (!isTaken) {
    report.offer(offer);
    await decide(offer, isUnwanted, context);
  }
  const choice = onConflict(options.onConflict, context);
  const accepted = offer.kind === 'files' ? { to, onConflict: choice, ...limit } : {};
  signal.throwIfAborted();
  const running = offer.accept(accepted);
  optimizeSoon();
  // Nobody decides, so the sender need not wait until a long list is told.
  if (isTaken) report.offer(offer);
  await follow(running, offer, context);
}

/** The relay to ask. A code of croc's own network needs none, and `CROC_RELAY` is not meant for it. */
function relayFor(code: string, option: string | undefined, env: Environment): string | undefined {
  const relay = chooseRelay(option, env);
  if (relay !== undefined && isCrocRelay(relay)) return relay;
  const network = networkOf(code);
  return network === 'croc' && option === undefined ? undefined : relay;
}

/** Fails when the destination is not a folder that can be written to. */
async function checkFolder(to: string): Promise<void> {
  const found = await stat(to).catch(() => undefined);
  if (found?.isDirectory() !== true) throw new CrocError('folder_gone', { detail: to });
  await access(to, constants.W_OK | constants.X_OK).catch((cause: unknown) => {
    throw new CrocError('folder_not_writable', { detail: to, cause });
  });
}

/** Returns when the offer is to be taken; otherwise declines and throws. */
async function decide(
  offer: Offer,
  isUnwanted: boolean,
  { terminal, signal }: Context,
): Promise<void> {
  const waiting = AbortSignal.any([signal, offer.gone]);
  try {
    if (isUnwanted)
      throw new CrocError('refused', {
        detail: 'files are offered, and --stdout takes only a text',
      });
    if (terminal === undefined)
      throw new CrocError('refused', {
        detail: 'there is no terminal to ask on; give --yes to accept without a question',
      });
    if (!(await askAccept(terminal, formatOffer(offer), waiting))) throw new CrocError('refused');
  } catch (error) {
    await offer.reject();
    throw error;
  }
}

/** Where there is nobody to ask, both files are kept: nothing is lost. */
function onConflict(
  choice: ReceiveArguments['onConflict'],
  { terminal, signal }: Context,
): NonNullable<AcceptOptions['onConflict']> {
  if (choice !== 'ask') return choice;
  return terminal === undefined ? 'rename' : conflictAsker(terminal, signal);
}

/** Tells what happens until it is over. */
async function follow(running: Receive, offer: Offer, { report, signal }: Context): Promise<void> {
  running.on('state', (state) => report.state(state));
  running.on('progress', (progress) => report.progress(progress));
  running.on('connection', (connection) => report.connection(connection));
  const cancel = () => void running.cancel();
  signal.addEventListener('abort', cancel);
  try {
    const result = await running.done;
    if (offer.kind !== 'files') report.text(offer);
    report.received(result);
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
