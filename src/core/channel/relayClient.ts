/**
 * The HTTP side of a client: `/join` and `/channel` of one relay. It finds one address of the relay
 * and stays with it, because a relay counts a client's addresses (docs/protocol.md, "Two addresses").
 */
import { lookup } from 'node:dns/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP } from 'node:net';
import * as v from 'valibot';
import { abortReason, within } from '../async.js';
import { systemRandom } from '../edges.js';
import type { Clock, RandomBytes } from '../edges.js';
import { CrocError, isRelayErrorCode } from '../errors.js';
import { CURVE_NAMES } from '../types.js';
import type { CurveName, Role } from '../types.js';
import {
  MAX_HOLD_MS,
  channelAnswerSchema,
  errorAnswerSchema,
  healthAnswerSchema,
  joinAnswerSchema,
} from '../wire/http.js';
import type { ChannelAnswer, ChannelRequest, JoinAnswer } from '../wire/http.js';
import type { LanePlace } from '../wire/keys.js';
import { RECONNECT_MS } from '../wire/limits.js';
import { isNoAnswer, isUnavailable, mayComeBack, persist } from './patience.js';
import type { PatienceParts, Policy } from './patience.js';
import { Reach } from './reach.js';
import { authorization } from './relayPassword.js';
import { parseRelayAddress } from './relayUrl.js';
import { NoAnswer, postJson } from './postJson.js';

/** Bytes of a capability of our own choice. */
const UUID_BYTES = 24;
/** What a proxy says when no relay behind it answers. */
const PROXY_STATUSES = [502, 503, 504];

/** What a client needs to talk to a relay. */
export interface RelayClientOptions {
  /** `http://host:port` or `https://host:port`. */
  readonly url: string;
  readonly clock: Clock;
  /** How long a relay may take to answer a request that it does not hold, in milliseconds. */
  readonly answerMs: number;
  /** For how long a request is repeated once we are in, in milliseconds; default two minutes. */
  readonly reconnectMs?: number;
  /** Local address to connect from. */
  readonly localAddress?: string;
  /** The relay's password, if it has one. */
  readonly password?: string;
  /** For capabilities and the random part of pauses; default: the system's. */
  readonly random?: RandomBytes;
}

/** What a party may set on its channel. */
export type ChannelUpdate = Pick<ChannelRequest, 'x' | 'y' | 'hh_k' | 'h_k'>;

/** One client of one relay, for one channel. */
export class RelayClient {
  readonly #options: RelayClientOptions;
  readonly #url: URL;
  #agent: HttpAgent | HttpsAgent;
  #address: string | undefined;
  /** The capability that we ask for; the relay may give another one. */
  #uuid: string | undefined;
  #member: Pick<JoinAnswer, 'channel' | 'uuid'> | undefined;
  /** Whether the relay answers, once we are in. */
  readonly reach: Reach;
  /** Where the relay last said that the lanes are. */
  #home: Pick<JoinAnswer, 'host' | 'ports' | 'lanes'> | undefined;

  /** @throws CrocError `invalid_relay` */
  constructor(options: RelayClientOptions) {
    this.#options = options;
    this.#url = new URL(parseRelayAddress(options.url));
    this.#agent = this.#newAgent();
    this.reach = new Reach(options.clock);
  }

  /** The IP address of the relay that is in use. @throws CrocError `internal` before `join` */
  get address(): string {
    if (this.#address === undefined) throw new CrocError('internal', { detail: 'not joined' });
    return this.#address;
  }

  /**
   * Where the lanes are, by the newest answer: at another host of the relay perhaps, but by the same
   * address family, so that the relay sees one address of ours.
   *
   * @throws CrocError `relay_port_blocked` when that host has no such address, `not_a_relay` when a relay
   *   elsewhere names this machine
   */
  async lanes(): Promise<LanePlace> {
    const { address } = this;
    const { host, ports, lanes } = this.#home ?? { ports: [] };
    const more = lanes === undefined ? {} : { lanes };
    if (host === undefined) return { address, ports, ...more };
    const found = await this.#resolve(host, isIP(address));
    // A relay on the network has no business with what listens on this machine only.
    if (!isLocal(address) && isLocal(found))
      throw new CrocError('not_a_relay', { detail: `it names ${found} for its lanes` });
    return { address: found, ports, ...more };
  }

  /**
   * Asks the relay where the lanes are now, as patiently as `update`: another process may have taken the channel
   * over since.
   *
   * @throws CrocError as `update` and `lanes`
   */
  async locate(signal: AbortSignal): Promise<LanePlace> {
    await this.update({}, signal);
    return this.lanes();
  }

  /**
   * `POST /join`, once. The capability is of our own choice, so that a join whose answer was lost can be repeated.
   *
   * @param channel - its name; undefined lets the relay choose, for senders only
   * @throws CrocError what the relay refuses with, or `relay_unreachable`, `relay_silent`,
   *   `not_a_relay`, `unsupported_curve`
   */
  async join(
    role: Role,
    channel: string | undefined,
    curve: CurveName | undefined,
    signal: AbortSignal,
  ): Promise<JoinAnswer> {
    this.#uuid ??= Buffer.from(this.#parts.random(UUID_BYTES)).toString('base64url');
    const request = {
      role,
      uuid: this.#uuid,
      ...(channel && { channel }),
      ...(curve && { curve }),
    };
    const json = await this.#firstContact('/join', request, signal);
    const parsed = v.safeParse(joinAnswerSchema, json);
    if (!parsed.success) throw notUnderstood(json);
    this.#member = parsed.output;
    this.#home = parsed.output;
    return parsed.output;
  }

  /**
   * Whether there is a channel of this name that still has room for our address. Asked with a capability
   * that nobody has, so the channel does not notice: no role is taken and no address comes in.
   *
   * @param uuid - random, 192 bits or so
   * @throws CrocError what the relay refuses with, or why it cannot be asked
   */
  async has(channel: string, uuid: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#firstContact('/channel', { channel, uuid }, signal);
    } catch (error) {
      const { code } = CrocError.from(error);
      if (code === 'unauthorized') return true;
      if (code === 'no_such_channel') return false;
      throw error;
    }
    throw new CrocError('not_a_relay', { detail: this.#url.host });
  }

  /**
   * The version that a relay says it speaks (`GET /healthz`).
   *
   * @throws CrocError `relay_unreachable`, `relay_silent`, `not_a_relay`
   */
  async version(signal: AbortSignal): Promise<string> {
    const parsed = v.safeParse(
      healthAnswerSchema,
      await this.#firstContact('/healthz', undefined, signal),
    );
    if (!parsed.success) throw new CrocError('not_a_relay', { detail: this.#url.host });
    return parsed.output.version.slice(0, 32);
  }

  /**
   * `POST /channel` with what we have to say. It is repeated while the relay cannot be reached or serve.
   *
   * @throws CrocError what the relay refuses with; `relay_restarted` when it does not know us any more; `relay_gone`
   *   or `relay_silent` when it did not come back in time
   */
  update(fields: ChannelUpdate, signal: AbortSignal): Promise<ChannelAnswer> {
    return this.#channel(fields, 0, signal);
  }

  /** `update` and `wait` in one request: a round trip less until the other side's next word is here. */
  updateAndWait(fields: ChannelUpdate, since: number, signal: AbortSignal): Promise<ChannelAnswer> {
    return this.#channel({ ...fields, since }, MAX_HOLD_MS, signal);
  }

  /** `POST /channel`, held by the relay until its state is newer than `since` (or its hold is over). */
  wait(since: number, signal: AbortSignal): Promise<ChannelAnswer> {
    return this.#channel({ since }, MAX_HOLD_MS, signal);
  }

  /** Whether the relay still answers at all, whatever it says; asked once, for a second, never throws. */
  async answers(): Promise<boolean> {
    try {
      await this.#briefly(1000, { ...this.#member });
      return true;
    } catch (error) {
      return !isNoAnswer(error);
    }
  }

  /** Tells the relay to destroy the channel; bounded to a second, never throws. */
  async close(): Promise<void> {
    if (!this.#member) return;
    try {
      await this.#briefly(1000, { ...this.#member, close: true });
    } catch {
      // The channel is gone already, or the relay is: both mean that there is nothing to close.
    }
    this.#member = undefined;
  }

  /** Closes the connections to the relay. */
  dispose(): void {
    this.#agent.destroy();
  }

  /** The first request tries every address of the relay's name; the one that answers is kept. */
  async #firstContact(
    path: string,
    body: object | undefined,
    signal: AbortSignal,
  ): Promise<unknown> {
    const addresses = await this.#addresses();
    let failure = new CrocError('relay_unreachable', { detail: this.#url.host });
    for (const address of addresses) {
      this.#address = address;
      try {
        return await this.#post(path, body, 0, signal);
      } catch (error) {
        const unreachable = CrocError.from(error).code === 'relay_unreachable';
        if (!(error instanceof NoAnswer) && !unreachable) throw error;
        if (signal.aborted) throw abortReason(signal);
        failure = new CrocError('relay_unreachable', { detail: this.#url.host, cause: error });
      }
    }
    throw failure;
  }

  /** The address of a host, of one family. @param family - 4 or 6 */
  async #resolve(host: string, family: number): Promise<string> {
    if (isIP(host) === family) return host;
    try {
      if (isIP(host) === 0) return (await lookup(host, { family })).address;
    } catch (cause) {
      throw new CrocError('relay_port_blocked', { detail: host, cause });
    }
    throw new CrocError('relay_port_blocked', { detail: `${host}, not IPv${family}` });
  }

  async #addresses(): Promise<string[]> {
    const host = this.#url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host)) return [host];
    try {
      return (await lookup(host, { all: true })).map((found) => found.address);
    } catch (cause) {
      throw new CrocError('relay_unreachable', { detail: this.#url.host, cause });
    }
  }

  async #channel(fields: object, holdMs: number, signal: AbortSignal): Promise<ChannelAnswer> {
    if (!this.#member) throw new CrocError('internal', { detail: 'not joined' });
    const { channel, uuid } = this.#member;
    const json = await this.#untilAnswered({ channel, uuid, ...fields }, holdMs, signal);
    const parsed = v.safeParse(channelAnswerSchema, json);
    if (!parsed.success) throw notUnderstood(json);
    this.#home = parsed.output;
    return parsed.output;
  }

  #briefly(timeoutMs: number, body: object): Promise<unknown> {
    const { clock } = this.#options;
    const onTimeout = (): CrocError => new CrocError('relay_silent');
    const { signal } = new AbortController();
    return within({ clock, signal, timeoutMs, onTimeout }, (inner) =>
      this.#post('/channel', body, 0, inner),
    );
  }

  /** One request of a member, repeated while the relay is away. @throws CrocError as `update` */
  async #untilAnswered(body: object, holdMs: number, signal: AbortSignal): Promise<unknown> {
    const { reconnectMs = RECONNECT_MS } = this.#options;
    const policy: Policy = {
      patienceMs: (error) =>
        isNoAnswer(error) || isUnavailable(error) || mayComeBack(error) ? reconnectMs : 0,
      onFailure: (sinceMs, giveUpMs) => {
        this.reach.lost(sinceMs, giveUpMs);
        // What is left of old connections may be as dead as the one that failed.
        this.#agent.destroy();
        this.#agent = this.#newAgent();
      },
    };
    try {
      const answer = await persist(this.#parts, policy, signal, (attempt) =>
        // Once something failed, the relay is not asked to hold its answer: it would be back unnoticed.
        attempt === 0
          ? this.#post('/channel', body, holdMs, signal)
          : this.#post('/channel', { ...body, since: undefined }, 0, signal),
      );
      this.reach.found();
      return answer;
    } catch (error) {
      if (signal.aborted) throw error;
      if (!isNoAnswer(error)) this.reach.found();
      throw this.#gone(error);
    }
  }

  /** What an answer, or that there is none, means to somebody whom the relay knew. */
  #gone(error: unknown): unknown {
    const code = error instanceof CrocError ? error.code : undefined;
    if (code === 'no_such_channel' || code === 'unauthorized')
      return new CrocError('relay_restarted', { cause: error });
    if (!isNoAnswer(error) || code === 'relay_silent') return error;
    return new CrocError('relay_gone', { detail: this.#url.host, cause: error });
  }

  get #parts(): PatienceParts {
    const { clock, random = systemRandom } = this.#options;
    return { clock, random };
  }

  #newAgent(): HttpAgent | HttpsAgent {
    const Agent = this.#url.protocol === 'https:' ? HttpsAgent : HttpAgent;
    return new Agent({ keepAlive: true, maxSockets: 4 });
  }

  async #post(
    path: string,
    body: object | undefined,
    holdMs: number,
    signal: AbortSignal,
  ): Promise<unknown> {
    const { clock, answerMs, localAddress, password } = this.#options;
    const authorized =
      password === undefined
        ? {}
        : { authorization: authorization(password, this.#url, this.address) };
    const timeoutMs = answerMs + holdMs;
    let connected = false;
    const onTimeout = (): CrocError =>
      new CrocError(connected ? 'relay_silent' : 'relay_unreachable', { detail: this.#url.host });
    const answer = await within({ clock, signal, timeoutMs, onTimeout }, (inner) =>
      postJson({
        url: new URL(path, this.#url),
        address: this.address,
        agent: this.#agent,
        ...(body === undefined ? {} : { body }),
        signal: inner,
        onConnected: () => {
          connected = true;
        },
        ...authorized,
        ...(localAddress === undefined ? {} : { localAddress }),
      }),
    );
    if (answer.status === 200) return answer.json;
    const refused = v.safeParse(errorAnswerSchema, answer.json);
    if (!refused.success) {
      const proxy = PROXY_STATUSES.includes(answer.status);
      throw new CrocError(proxy ? 'relay_unavailable' : 'not_a_relay', { detail: this.#url.host });
    }
    const { code, retry_after: retryAfterSeconds = answer.retryAfterSeconds } =
      refused.output.error;
    if (!isRelayErrorCode(code)) throw new CrocError('bad_request', { detail: code });
    throw retryAfterSeconds === undefined
      ? new CrocError(code)
      : new CrocError(code, { retryAfterSeconds, detail: `again in ${retryAfterSeconds} s` });
  }
}

/** Tells whether an address reaches no other machine than this one. */
function isLocal(address: string): boolean {
  return /^(127\.|0\.|::1$|::$|::ffff:(127|0)\.)/i.test(address);
}

const curveSchema = v.object({ curve: v.string() });

/** An answer that does not parse: of a relay with a curve that we do not know, or of something else. */
function notUnderstood(json: unknown): CrocError {
  const parsed = v.safeParse(curveSchema, json);
  const known: readonly string[] = CURVE_NAMES;
  return parsed.success && !known.includes(parsed.output.curve)
    ? new CrocError('unsupported_curve', { detail: parsed.output.curve.slice(0, 32) })
    : new CrocError('not_a_relay');
}
