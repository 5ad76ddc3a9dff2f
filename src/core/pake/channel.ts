/**
 * The key exchange of the channel protocol (docs/protocol.md, "PAKE"): the sender is party A, the
 * recipient party B, the key is bound to the channel and both roles, points are SEC1.
 */
import { CrocError } from '../errors.js';
import type { RandomBytes } from '../edges.js';
import type { Role } from '../types.js';
import { curveNamed } from './curves.js';
import type { Curve } from './curves.js';
import { beginExchange, randomScalar } from './exchange.js';
import type { Agreement } from './exchange.js';
import { boundSessionKey, frame, hashTranscript } from './keys.js';
import type { SessionKey, TranscriptHash } from './keys.js';
import { decodePoint, encodePoint } from './points.js';

export { confirmations, sameBytes } from './keys.js';
export type { Confirmations, SessionKey, TranscriptHash } from './keys.js';

const PROTOCOL = 'croc-channel/1';

/** What the two parties share before the exchange. */
export interface Shared {
  /** A curve's name, perhaps as the relay said it. */
  readonly curve: string;
  readonly channel: string;
  /** The secret of the code, normalised (code.ts); its UTF-8 bytes are the password. */
  readonly secret: string;
}

/** A sender whose x is ready. */
export interface SenderExchange {
  /** The uncompressed SEC1 point for the relay. */
  readonly x: Uint8Array;
  /**
   * Takes the recipient's y, once: a second guess needs a new exchange.
   * @throws CrocError `key_exchange_failed` if `y` is not a point, or makes Z the identity;
   *   `internal` if it is called again
   */
  finish(y: Uint8Array): SessionKey;
}

/** A recipient's answer. */
export interface RecipientAnswer {
  /** The uncompressed SEC1 point for the relay. */
  readonly y: Uint8Array;
  readonly key: SessionKey;
}

/**
 * The sender's half. Cost: two multiplications now, two in `finish`.
 * @throws CrocError `unsupported_curve`
 */
export function startExchange(shared: Shared, random: RandomBytes): SenderExchange {
  const curve = curveNamed(shared.curve);
  const pw = Buffer.from(shared.secret, 'utf8');
  const exchange = beginExchange(curve, 'A', pw, randomScalar(curve, random));
  let finished = false;
  return {
    x: encodePoint(exchange.own),
    finish: (y) => {
      if (finished) throw new CrocError('internal', { detail: 'a second y for one exchange' });
      finished = true;
      return channelKey(shared.channel, pw, exchange.agree(decodePoint(curve, y, 'y')));
    },
  };
}

/**
 * The recipient's half. Cost: four multiplications.
 * @param x - what the sender gave the relay
 * @throws CrocError `unsupported_curve`; `key_exchange_failed` if `x` is not a point, or makes Z
 *   the identity
 */
export function answerExchange(
  shared: Shared,
  x: Uint8Array,
  random: RandomBytes,
): RecipientAnswer {
  const curve = curveNamed(shared.curve);
  const pw = Buffer.from(shared.secret, 'utf8');
  const point = decodePoint(curve, x, 'x');
  const exchange = beginExchange(curve, 'B', pw, randomScalar(curve, random));
  const key = channelKey(shared.channel, pw, exchange.agree(point));
  return { y: encodePoint(exchange.own), key };
}

/** Who a party of a channel is, as the session key knows it. */
export function channelIdentity(channel: string, role: Role): Uint8Array {
  return frame(PROTOCOL, channel, role);
}

/** The salt of the traffic keys: SHA-256 of the frame of protocol, channel, curve, x and y. */
export function transcriptHash(
  channel: string,
  curve: Curve['name'],
  x: Uint8Array,
  y: Uint8Array,
): TranscriptHash {
  return hashTranscript(PROTOCOL, channel, curve, x, y);
}

function channelKey(channel: string, pw: Uint8Array, agreement: Agreement): SessionKey {
  const sender = channelIdentity(channel, 'sender');
  return boundSessionKey(pw, sender, channelIdentity(channel, 'recipient'), agreement);
}
