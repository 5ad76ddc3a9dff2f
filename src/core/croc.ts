/** Croc: from options to a send or a receive. The only place that picks a route and builds the parts. */
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import type { Offer, ReceiveOptions, Send, SendOptions } from './api.js';
import { RelayClient } from './channel/relayClient.js';
import { generateSecret, parseCode } from './code.js';
import { systemClock, systemRandom } from './edges.js';
import type { Clock, RandomBytes } from './edges.js';
import { CrocError } from './errors.js';
import type { Parts } from './parts.js';
import { findMeetingPlace } from './meetingPlace.js';
import type { Timing } from './timing.js';
import { receiveOffer } from './receiving.js';
import { sortItems } from './items.js';
import { startSend } from './sending.js';
import { CURVE_NAMES } from './types.js';
import type { CurveName, Multicast, SendItem } from './types.js';
import { PEER_SILENCE_MS, PING_INTERVAL_MS } from './wire/limits.js';

const DEFAULT_TIMING: Timing = {
  initializeMs: 15_000,
  waitMs: 3 * 60 * 60 * 1000,
  stepMs: 30_000,
  answerMs: 10_000,
  connectMs: 10_000,
  pingMs: PING_INTERVAL_MS,
  silenceMs: PEER_SILENCE_MS,
};

/** How to build a `Croc`. Everything has a default except the relay, which a call can also give. */
export interface CrocOptions {
  /** `http://host:port` of the relay to use. */
  readonly relay?: string;
  /** Whether receiving looks for relays on the local network, too; default no. */
  readonly discover?: boolean;
  /** Where it looks for them. */
  readonly multicast?: Multicast;
  /** Curve of the key exchange for sends; default `p256`. */
  readonly curve?: CurveName;
  /** Local address that every connection is made from; default: what the machine chooses. */
  readonly localAddress?: string;
  /** Folder with the built `worker.js`; default: the one this file was built into. */
  readonly distFolder?: string;
  /** Deadlines that differ from the usual ones. */
  readonly timing?: Partial<Timing>;
  readonly clock?: Clock;
  readonly random?: RandomBytes;
}

/** Sends and receives. Holds nothing open between calls. */
export class Croc {
  readonly #options: CrocOptions;

  constructor(options: CrocOptions = {}) {
    this.#options = options;
  }

  /**
   * Offers files and folders, or one text. Resolves as soon as there is a code; what is offered is walked
   * meanwhile.
   *
   * @param items - files and folders on this disk (relative paths count from the working directory) and
   *   files in memory, or a text alone
   * @throws CrocError `nothing_to_send`, `file_not_found`, `file_unreadable`, `unsafe_path`,
   *   `limit_exceeded`, `usage`, `invalid_code`, `croc_network`, `unsupported_curve`, `no_relay`, or why
   *   the relay cannot be used
   */
  async send(items: readonly SendItem[], options: SendOptions = {}): Promise<Send> {
    const curve = options.curve ?? this.#options.curve ?? 'p256';
    if (!CURVE_NAMES.includes(curve)) throw new CrocError('unsupported_curve', { detail: curve });
    const own = options.code === undefined ? undefined : parseCode(options.code);
    const { sources, text } = sortItems(items);
    await Promise.all(sources.filter((source) => typeof source === 'string').map(mustExist));
    const parts = this.#parts(options.relay, options.signal, options.waitMs);
    const secret = own?.secret ?? generateSecret(parts.random);
    const { ignore } = options;
    return startSend(parts, { sources, text, ignore, channel: own?.channel, secret, curve });
  }

  /**
   * Meets the sender of a code and gives what is offered; touches no disk.
   *
   * @throws CrocError `invalid_code`, `croc_network`, `no_relay`, `no_such_channel`, `several_relays`, `wrong_code`, or why the
   *   relay or the sender cannot be reached
   */
  async receive(code: string, options: ReceiveOptions = {}): Promise<Offer> {
    const parsed = parseCode(code);
    const relay = await this.#meetingPlace(parsed.channel, options);
    const parts = this.#parts(relay, options.signal, undefined);
    return receiveOffer(parts, parsed, options.onState ?? (() => undefined));
  }

  #meetingPlace(channel: string, options: ReceiveOptions): Promise<string> {
    const { localAddress, clock = systemClock, random = systemRandom } = this.#options;
    const named = options.relay ?? this.#options.relay ?? [];
    return findMeetingPlace({
      ...{ channel, localAddress, clock, random },
      multicast: options.multicast ?? this.#options.multicast,
      relays: typeof named === 'string' ? [named] : named,
      discover: options.discover ?? this.#options.discover ?? false,
      answerMs: this.#options.timing?.answerMs ?? DEFAULT_TIMING.answerMs,
      signal: options.signal ?? new AbortController().signal,
      onSeveral: options.onSeveral,
    });
  }

  #parts(relay: string | undefined, signal?: AbortSignal, waitMs?: number): Parts {
    const relayUrl = relay ?? this.#options.relay;
    if (relayUrl === undefined) throw new CrocError('no_relay');
    const { localAddress, clock = systemClock, random = systemRandom } = this.#options;
    const timing = { ...DEFAULT_TIMING, ...this.#options.timing };
    if (waitMs !== undefined) timing.waitMs = waitMs;
    const abort = new AbortController();
    const client = { url: relayUrl, clock, answerMs: timing.answerMs };
    return {
      relay: new RelayClient(localAddress === undefined ? client : { ...client, localAddress }),
      relayUrl,
      workerFile: path.join(this.#options.distFolder ?? __dirname, 'worker.js'),
      timing,
      clock,
      random,
      localAddress,
      abort,
      signal: signal ? AbortSignal.any([abort.signal, signal]) : abort.signal,
    };
  }
}

/** A mistyped name is told before there is a code. */
async function mustExist(file: string): Promise<void> {
  try {
    await lstat(file);
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code !== 'EACCES';
    throw new CrocError(missing ? 'file_not_found' : 'file_unreadable', { detail: file, cause });
  }
}
