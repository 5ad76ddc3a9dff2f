/** The first words on a lane: we say who we are, the relay says whether we may stay. */
import { abortReason, deferred } from '../async.js';
import { CrocError, isRelayErrorCode } from '../errors.js';
import * as v from 'valibot';
import { laneAnswerSchema } from '../wire/http.js';
import type { LaneLine } from '../wire/http.js';

/** Bytes of the relay's answer line, at most. */
const MAX_ANSWER_BYTES = 1024;

/** Collects the relay's answer to the first line. */
export class Admission {
  /** What to write first. */
  readonly line: Buffer;
  settled = false;
  readonly #result = deferred<undefined>();
  readonly #where: string;
  #bytes = Buffer.alloc(0);
  #heard = false;

  constructor(who: LaneLine & { address: string; port: number }) {
    const { channel, uuid, lane } = who;
    const line = { channel, uuid, ...(lane === undefined ? {} : { lane }) };
    this.line = Buffer.from(`${JSON.stringify(line)}\n`);
    this.#where = `${who.address} port ${who.port}`;
  }

  /** Resolves when the relay lets us in; rejects with a CrocError. */
  get answer(): Promise<undefined> {
    return this.#result.promise;
  }

  /**
   * Takes bytes from the relay.
   * @returns once we are in, those that came after the answer: they belong to the stream
   */
  push(bytes: Buffer): Buffer | undefined {
    if (this.settled) return undefined;
    this.#heard = true;
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const newline = this.#bytes.indexOf(0x0a);
    if (newline < 0 && this.#bytes.length <= MAX_ANSWER_BYTES) return undefined;
    this.settled = true;
    try {
      if (newline < 0) throw new CrocError('not_a_relay', { detail: this.#where });
      parseLaneAnswer(this.#bytes.subarray(0, newline));
      this.#result.resolve(undefined);
      return this.#bytes.subarray(newline + 1);
    } catch (thrown) {
      this.#result.reject(CrocError.from(thrown, 'not_a_relay'));
      return undefined;
    }
  }

  /** The time is over. */
  timeOut(): void {
    this.#reject(
      new CrocError(this.#heard ? 'relay_silent' : 'relay_port_blocked', { detail: this.#where }),
    );
  }

  /** Somebody else stops the wait. */
  abort(signal: AbortSignal): void {
    this.#reject(abortReason(signal));
  }

  /** The connection failed. */
  fail(error: CrocError): void {
    this.#reject(
      new CrocError(this.#heard ? 'relay_gone' : 'relay_port_blocked', {
        detail: this.#where,
        cause: error,
      }),
    );
  }

  #reject(error: CrocError): void {
    this.settled = true;
    this.#result.reject(error);
  }
}

/** @throws CrocError what the relay refuses with, or `not_a_relay` */
function parseLaneAnswer(line: Buffer): void {
  const parsed = v.safeParse(laneAnswerSchema, JSON.parse(line.toString()));
  if (!parsed.success) throw new CrocError('not_a_relay');
  if ('ok' in parsed.output) return;
  const { code } = parsed.output.error;
  throw new CrocError(isRelayErrorCode(code) ? code : 'bad_request', { detail: code });
}
