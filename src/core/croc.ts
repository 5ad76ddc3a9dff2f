/** Croc: from options to a send or a receive. The only place that picks a route and builds the parts. */
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import type { Network, Offer, ReceiveOptions, Send, SendOptions } from './api.js';
import { RelayClient } from './channel/relayClient.js';
import { generateSecret, parseCode } from './code.js';
import { generateCrocCode } from './croc11/code.js';
import { crocRelayUrl, isCrocRelay } from './croc11/address.js';
import { crocRoute } from './croc11/route.js';
import { systemClock, systemRandom } from './edges.js';
import type { Clock, RandomBytes } from './edges.js';
import { CrocError } from './errors.js';
import type { WalkSource } from './files/walk.js';
import { findMeetingPlace } from './meetingPlace.js';
import { networkOf } from './network.js';
import type { ChannelParts, CrocParts, Parts } from './parts.js';
import { checkLimit } from './running.js';
import type { Timing } from './timing.js';
import { receiveCrocOffer, receiveOffer } from './receiving.js';
import { sortItems } from './items.js';
import { startCrocSend, startSend } from './sending.js';
import { CURVE_NAMES } from './types.js';
import type { CurveName, Multicast, SendItem } from './types.js';
import {
  LANE_SILENCE_MS,
  PEER_SILENCE_MS,
  PING_INTERVAL_MS,
  RECONNECT_MS,
  REDIAL_PAUSE_MS,
} from './wire/limits.js';

const DEFAULT_TIMING: Timing = {
  initializeMs: 15_000,
  waitMs: 3 * 60 * 60 * 1000,
  stepMs: 30_000,
  answerMs: 10_000,
  connectMs: 10_000,
  pingMs: PING_INTERVAL_MS,
  silenceMs: PEER_SILENCE_MS,
  laneSilenceMs: LANE_SILENCE_MS,
  reconnectMs: RECONNECT_MS,
  redialMs: REDIAL_PAUSE_MS,
};

/** How to build a `Croc`. Everything has a default except the relay, which a call can also give. */
export interface CrocOptions {
  /** `http://host:port` of the relay to use. */
  readonly relay?: string;
  /** Which way a send goes when no call says so; default `relay`. */
  readonly network?: Network;
  /** Password of the relay; on croc's own network default croc's own, else none. */
  readonly relayPassword?: string;
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
    const { sources, text } = sortItems(items);
    const limit = checkLimit(options.limit);
    const sending = {
      compress: options.compress !== false,
      ...(limit === undefined ? {} : { limit }),
    };
    const content = { sources, text, ignore: options.ignore, curve, sending };
    const relay = options.relay ?? this.#options.relay;
    if (isCrocRelay(relay) || (options.network ?? this.#options.network) === 'croc') {
      await mustAllExist(sources);
      const code = options.code ?? generateCrocCode(this.#options.random ?? systemRandom);
      return startCrocSend(this.#crocParts(code, relay, options), content);
    }
    const own = options.code === undefined ? undefined : parseCode(options.code);
    await mustAllExist(sources);
    const parts = this.#channelParts(relay, options);
    const secret = own?.secret ?? generateSecret(parts.random);
    return startSend(parts, { ...content, channel: own?.channel, secret });
  }

  /**
   * Meets the sender of a code and gives what is offered; touches no disk.
   *
   * A code without a digit before its first dash is one of croc's own network, unless a relay is named in this
   * call; a `croc://` relay takes any code there.
   *
   * @throws CrocError `invalid_code`, `croc_network`, `no_relay`, `no_such_channel`, `several_relays`,
   *   `wrong_code`, or why the relay or the sender cannot be reached
   */
  async receive(code: string, options: ReceiveOptions = {}): Promise<Offer> {
    const { onState = ignore, onConnection = ignore } = options;
    const watcher = { onState, onConnection };
    const relay = options.relay ?? this.#options.relay;
    if (typeof relay === 'string' && isCrocRelay(relay))
      return receiveCrocOffer(this.#crocParts(code, relay, options), watcher);
    if (options.relay === undefined && networkOf(code) === 'croc')
      return receiveCrocOffer(this.#crocParts(code, undefined, options), watcher);
    const parsed = parseCode(code);
    const place = await this.#meetingPlace(parsed.channel, options);
    // A relay that was only found on the network is told no password.
    const known = this.#named(options).includes(place);
    return receiveOffer(this.#channelParts(place, options, known), parsed, watcher);
  }

  #meetingPlace(channel: string, options: ReceiveOptions): Promise<string> {
    const { localAddress, clock = systemClock, random = systemRandom } = this.#options;
    return findMeetingPlace({
      ...{ channel, localAddress, clock, random },
      multicast: options.multicast ?? this.#options.multicast,
      relays: this.#named(options),
      password: options.relayPassword ?? this.#options.relayPassword,
      discover: options.discover ?? this.#options.discover ?? false,
      answerMs: this.#options.timing?.answerMs ?? DEFAULT_TIMING.answerMs,
      signal: options.signal ?? new AbortController().signal,
      onSeveral: options.onSeveral,
    });
  }

  #named({ relay = this.#options.relay ?? [] }: Pick<ReceiveOptions, 'relay'>): readonly string[] {
    return typeof relay === 'string' ? [relay] : relay;
  }

  #channelParts(relayUrl: string | undefined, options: CallOptions, known = true): ChannelParts {
    if (relayUrl === undefined) throw new CrocError('no_relay');
    const parts = this.#commonParts(options, 'worker.js');
    const { clock, random, localAddress, timing } = parts;
    const password = known ? (options.relayPassword ?? this.#options.relayPassword) : undefined;
    const relay = new RelayClient({
      ...{ url: relayUrl, clock, random },
      ...{ answerMs: timing.answerMs, reconnectMs: timing.reconnectMs },
      ...(localAddress !== undefined && { localAddress }),
      ...(password !== undefined && { password }),
    });
    return { ...parts, relay, relayUrl };
  }

  #crocParts(code: string, relay: string | undefined, options: CallOptions): CrocParts {
    const route = crocRoute(
      code,
      isCrocRelay(relay) ? relay : undefined,
      options.relayPassword ?? this.#options.relayPassword,
    );
    const parts = this.#commonParts(options, 'crocWorker.js');
    return { ...parts, route, relay: NO_CHANNEL, relayUrl: crocRelayUrl(route) };
  }

  #commonParts({ signal, waitMs }: CallOptions, worker: string): Omit<Parts, 'relay' | 'relayUrl'> {
    const { localAddress, clock = systemClock, random = systemRandom } = this.#options;
    const timing = { ...DEFAULT_TIMING, ...this.#options.timing };
    if (waitMs !== undefined) timing.waitMs = waitMs;
    const abort = new AbortController();
    return {
      workerFile: path.join(this.#options.distFolder ?? __dirname, worker),
      timing,
      clock,
      random,
      localAddress,
      abort,
      signal: signal ? AbortSignal.any([abort.signal, signal]) : abort.signal,
    };
  }
}

function ignore(): void {
  // Nobody listens.
}

/** What a send and a receive can both be given. */
interface CallOptions {
  readonly signal?: AbortSignal;
  readonly waitMs?: number;
  readonly relayPassword?: string;
}

/** On croc's own network there is no channel to close and nobody to ask. */
const NO_CHANNEL: Parts['relay'] = {
  answers: () => Promise.resolve(true),
  locate: () => Promise.reject(new CrocError('internal', { detail: 'no channel' })),
  close: () => Promise.resolve(),
  dispose: () => undefined,
};

async function mustAllExist(sources: readonly WalkSource[]): Promise<void> {
  await Promise.all(sources.filter((source) => typeof source === 'string').map(mustExist));
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
