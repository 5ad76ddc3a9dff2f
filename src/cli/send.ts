/** The verb `send`. */
import { Croc, startRelayThread } from '../core/index.js';
import type { CurveName, Send } from '../core/index.js';
import type { Context } from './context.js';
import { announcementOf, chooseCode, chooseRelay } from './options.js';

/** The options of `send` as they were typed. */
export interface SendArguments {
  readonly relay?: string;
  readonly code?: string;
  readonly curve?: CurveName;
  /** Whether a relay of its own is announced on the local network. */
  readonly announce: boolean;
}

/**
 * Sends paths and returns when the recipient has everything; without a relay it runs its own,
 * reachable on the LAN, for as long as the transfer takes.
 * @throws CrocError
 */
export async function send(
  paths: readonly string[],
  options: SendArguments,
  context: Context,
): Promise<void> {
  const code = chooseCode(options.code === undefined ? [] : [options.code], context.env);
  const chosen = chooseRelay(options.relay, context.env);
  const announcement = announcementOf(options.announce, context.env);
  const own = chosen === undefined ? await startRelayThread(announcement) : undefined;
  const relay = own?.localUrl ?? chosen;
  try {
    const running = await new Croc().send(paths, {
      signal: context.signal,
      ...(relay !== undefined && { relay }),
      ...(code !== undefined && { code }),
      ...(options.curve !== undefined && { curve: options.curve }),
    });
    context.report.code(running.code, own?.url ?? running.relay, own?.announced ?? false);
    await follow(running, context);
  } finally {
    await own?.close();
  }
}

/** Tells what happens in a send until it is over. */
async function follow(running: Send, { report }: Context): Promise<void> {
  report.state(running.state);
  running.on('state', (state) => report.state(state));
  running.on('progress', (progress) => report.progress(progress));
  if (running.offered === undefined)
    running.on('offered', (totals, skipped) => report.offered(totals, skipped));
  else report.offered(running.offered.totals, running.offered.skipped);
  report.sent(await running.done);
}
