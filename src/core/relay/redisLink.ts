/** The two connections to Redis: one for commands, one that hears notices. Nothing waits for ever. */
import { within } from '../async.js';
import type { Clock } from '../edges.js';
import { CrocError } from '../errors.js';
import type * as redisClient from './redisClient.js';
import type { Script } from './redisScripts.js';

/** How long a command may take, milliseconds. */
const COMMAND_MS = 3000;
/** How long the first connection may take, milliseconds. */
const CONNECT_MS = 5000;
/** How often an idle connection is tried, and after how long without an answer it is given up. */
const PING_MS = 2000;
const SILENCE_MS = 6000;
/** Pauses between attempts to connect again, milliseconds. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;

type Library = typeof redisClient;

function makeClient({ createClient }: Library, url: string) {
  return createClient({
    url,
    RESP: 2,
    disableOfflineQueue: true,
    pingInterval: PING_MS,
    socket: {
      connectTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      reconnectStrategy: (retries) => Math.min(FIRST_PAUSE_MS * 2 ** retries, LONGEST_PAUSE_MS),
    },
  });
}
type Client = ReturnType<typeof makeClient>;

/** A connection to Redis that comes back by itself. */
export class RedisLink {
  readonly #commands: Client;
  readonly #notices: Client;
  readonly #clock: Clock;
  readonly #library: Library;
  #readySinceMs: number | undefined;

  /** @param onNotices - called whenever notices come again after some may have been missed */
  private constructor(library: Library, url: string, clock: Clock, onNotices: () => void) {
    this.#library = library;
    this.#clock = clock;
    this.#commands = makeClient(library, url);
    this.#notices = makeClient(library, url);
    for (const client of [this.#commands, this.#notices]) client.on('error', () => undefined);
    this.#commands.on('ready', () => (this.#readySinceMs = clock.now()));
    this.#commands.on('reconnecting', () => (this.#readySinceMs = undefined));
    for (const client of [this.#commands, this.#notices])
      client.on('ready', () => {
        if (this.#commands.isReady && this.#notices.isReady) onNotices();
      });
  }

  /**
   * Connects.
   * @param url - `redis://` or `rediss://`, with password and database as usual
   * @throws CrocError `usage` when that is no such URL, `store_unreachable` when nothing answers
   */
  static async open(url: string, clock: Clock, onNotices: () => void): Promise<RedisLink> {
    const place = placeOf(url);
    // A file of its own in dist/, so that only who shares a store loads a client for it.
    const link = new RedisLink(await import('./redisClient.js'), url, clock, onNotices);
    const { signal } = new AbortController();
    const onTimeout = (): CrocError => new CrocError('store_unreachable', { detail: place });
    const first = new Promise<never>((_, reject) => {
      // The client itself would try again for ever.
      for (const client of [link.#commands, link.#notices]) client.once('error', reject);
    });
    try {
      await within({ clock, signal, timeoutMs: CONNECT_MS, onTimeout }, () =>
        Promise.race([Promise.all([link.#commands.connect(), link.#notices.connect()]), first]),
      );
      return link;
    } catch (cause) {
      link.close();
      throw new CrocError('store_unreachable', { detail: place, cause });
    }
  }

  /** How long commands have been answered without a break, milliseconds; nothing while they are not. */
  get readyMs(): number | undefined {
    return this.#readySinceMs === undefined ? undefined : this.#clock.now() - this.#readySinceMs;
  }

  /** Runs one command. @throws CrocError `store_unreachable` */
  command<T>(run: (client: Client) => Promise<T>): Promise<T> {
    return this.#bounded(() => run(this.#commands));
  }

  /** Runs a script; Redis is sent its text once. @throws CrocError `store_unreachable` */
  script(
    { text, sha }: Script,
    keys: readonly string[],
    values: readonly (string | number)[],
  ): Promise<unknown> {
    const options = { keys: [...keys], arguments: values.map(String) };
    return this.#bounded(async () => {
      try {
        return await this.#commands.evalSha(sha, options);
      } catch (error) {
        if (!this.#replied(error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return this.#commands.eval(text, options);
      }
    });
  }

  /** Hears the notices on a channel until it is told to stop. @throws CrocError `store_unreachable` */
  listen(channel: string, heard: (message: string) => void): Promise<void> {
    return this.#bounded(() => this.#notices.subscribe(channel, heard));
  }

  /** Stops to hear. @throws CrocError `store_unreachable` */
  ignore(channels: readonly string[]): Promise<void> {
    return this.#bounded(() => this.#notices.unsubscribe([...channels]));
  }

  /** Cuts both connections. */
  close(): void {
    this.#readySinceMs = undefined;
    for (const client of [this.#commands, this.#notices]) if (client.isOpen) client.destroy();
  }

  /** Tells an answer of Redis from a connection that fails. */
  #replied(error: unknown): error is Error {
    return error instanceof this.#library.ErrorReply;
  }

  /** An error that Redis answers with is as little use as no answer: whoever asked may try again. */
  async #bounded<T>(work: () => Promise<T>): Promise<T> {
    const { signal } = new AbortController();
    const onTimeout = (): CrocError => new CrocError('store_unreachable');
    try {
      return await within({ clock: this.#clock, signal, timeoutMs: COMMAND_MS, onTimeout }, work);
    } catch (error) {
      throw error instanceof CrocError
        ? error
        : new CrocError('store_unreachable', { cause: error });
    }
  }
}

/** Host, port and database of a URL, without its password. @throws CrocError `usage` */
function placeOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '')
    throw new CrocError('usage', { detail: 'a store is redis://host:port' });
  return `${url.protocol}//${url.host}${url.pathname}`;
}
