/** The verb `send`. */
import type { Readable } from 'node:stream';
import { Croc, CrocError, MAX_TEXT_BYTES, startRelayThread } from '../core/index.js';
import type { CurveName, Send, SendItem } from '../core/index.js';
import type { Context } from './context.js';
import {
  announcementOf,
  chooseCode,
  chooseLimit,
  chooseRelay,
  chooseRelayPassword,
} from './options.js';
import { optimizeSoon } from './optimizing.js';

/** The options of `send` as they were typed. */
export interface SendArguments {
  readonly relay?: string;
  readonly relayPassword?: string;
  readonly code?: string;
  readonly curve?: CurveName;
  /** Whether a relay of its own is announced on the local network. */
  readonly announce: boolean;
  /** A text to send instead of paths; `-` is stdin. */
  readonly text?: string;
  readonly gitignore?: boolean;
  /** Bytes a second. */
  readonly limit?: string;
  /** Whether what gets smaller is compressed where the link is slow. */
  readonly compress: boolean;
  /** Over croc's own network. */
  readonly croc?: boolean;
}

/**
 * Sends paths or a text and returns when the recipient has everything; without a relay it runs its own,
 * reachable on the LAN, for as long as the transfer takes.
 * @throws CrocError
 */
export async function send(
  paths: readonly string[],
  options: SendArguments,
  context: Context,
): Promise<void> {
  const limit = chooseLimit(options.limit);
  const items = await chooseItems(paths, options.text, context.stdin);
  const code = chooseCode(options.code === undefined ? [] : [options.code], context.env);
  const chosen = chooseRelay(options.relay, context.env);
  const isOwn = chosen === undefined && options.croc !== true;
  const announcement = announcementOf(options.announce, context.env);
  const own = isOwn ? await startRelayThread(announcement) : undefined;
  const relay = own?.localUrl ?? chosen;
  try {
    const running = await new Croc().send(items, {
      signal: context.signal,
      ...limit,
      compress: options.compress,
      ignore: { gitignore: options.gitignore === true },
      ...(relay !== undefined && { relay }),
      ...(options.croc === true && { network: 'croc' as const }),
      // The relay of our own has none.
      ...(isOwn ? {} : chooseRelayPassword(options.relayPassword, context.env)),
      ...(code !== undefined && { code }),
      ...(options.curve !== undefined && { curve: options.curve }),
    });
    context.report.code(running.code, own?.url ?? running.relay, own?.announced ?? false);
    await follow(running, context);
  } finally {
    await own?.close();
  }
}

/** Paths or a text, whichever was given. @throws CrocError `usage` */
async function chooseItems(
  paths: readonly string[],
  text: string | undefined,
  stdin: Readable,
): Promise<readonly SendItem[]> {
  if (text === undefined && paths.length === 0)
    throw new CrocError('usage', { detail: 'name what to send: paths, or --text' });
  if (text === undefined) return paths;
  if (paths.length > 0)
    throw new CrocError('usage', { detail: 'either paths or --text can be sent, not both' });
  return [{ kind: 'text', text: text === '-' ? await readAll(stdin) : text }];
}

/** Everything on a stream, up to one byte more than a text may have. */
async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    const buffer = Buffer.from(chunk as Uint8Array);
    chunks.push(buffer);
    bytes += buffer.length;
    if (bytes > MAX_TEXT_BYTES) break;
  }
  return Buffer.concat(chunks);
}

/** Tells what happens in a send until it is over. */
async function follow(running: Send, { report }: Context): Promise<void> {
  report.state(running.state);
  running.on('state', (state) => {
    report.state(state);
    if (state === 'sending') optimizeSoon();
  });
  running.on('progress', (progress) => report.progress(progress));
  running.on('connection', (connection) => report.connection(connection));
  if (running.offered === undefined)
    running.on('offered', (totals, skipped, ignored) =>
      report.offered({ totals, skipped, ignored }),
    );
  else report.offered(running.offered);
  report.sent(await running.done);
}
