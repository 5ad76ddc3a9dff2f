/**
 * The exchange between two croc peers (docs/croc.md, "The peers"): the recipient is party A, the sender
 * party B; identities, room, curve and both messages go into the keys.
 */
import { createHmac } from 'node:crypto';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import { decodeCrocPake, encodeCrocPake } from '../wire/crocPake.js';
import { curveNamed } from './curves.js';
import type { Curve } from './curves.js';
import { beginExchange, randomScalar } from './exchange.js';
import type { Agreement } from './exchange.js';
import { boundSessionKey, frame } from './keys.js';
import { checkedPoint } from './points.js';

/** What an exchange is for. Each purpose has its own keys. */
export type CrocPurpose = 'peer-transfer' | 'local-ip-probe';

/** What both peers know before. */
export interface CrocShared {
  readonly purpose: CrocPurpose;
  readonly room: string;
  readonly password: string;
  /** The curve's name, as the recipient chose it. */
  readonly curve: string;
}

/** What both peers have afterwards; each 32 bytes. */
export interface CrocPeerKeys {
  /** Encrypts everything that follows. Secret. */
  readonly traffic: Uint8Array;
  /** What party A shows to prove that it has the keys. */
  readonly tagA: Uint8Array;
  /** What party B shows. */
  readonly tagB: Uint8Array;
}

/** Bytes of the salt that the sender chooses. */
export const CROC_PEER_SALT_BYTES = 32;

/** The version of all this, as u64 LE. */
const VERSION = Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0);
const PARTICIPANT = 'croc/spake2/participant/v2';
const CHANNEL = 'croc/spake2/channel/v2';

/** A recipient whose message is ready. */
export interface CrocInitiator {
  readonly message: Buffer;
  /** Takes the sender's answer, once. @throws CrocError `key_exchange_failed` */
  finish(answer: Uint8Array, salt: Uint8Array): CrocPeerKeys;
}

/**
 * The recipient's half. Cost: two multiplications now, two in `finish`.
 *
 * @throws CrocError `unsupported_curve`
 */
export function startCrocPeer(shared: CrocShared, random: RandomBytes): CrocInitiator {
  const curve = curveNamed(shared.curve);
  const pw = Buffer.from(shared.password);
  const exchange = beginExchange(curve, 'A', pw, randomScalar(curve, random));
  const X = exchange.own.toAffine();
  const message = encodeCrocPake({ role: 0, X, Y: undefined }, fixedOf(curve));
  return {
    message,
    finish: (answer, salt) => {
      const { role, Y } = decodeCrocPake(answer);
      if (role !== 1 || Y === undefined || salt.length !== CROC_PEER_SALT_BYTES)
        throw new CrocError('key_exchange_failed', { detail: 'an answer of the wrong party' });
      const agreement = exchange.agree(checkedPoint(curve, Y, 'Y'));
      return crocPeerKeys(shared, agreement, message, answer, salt);
    },
  };
}

/**
 * The sender's half. Cost: four multiplications.
 *
 * @param message - of the recipient @param salt - 32 fresh random bytes
 * @throws CrocError `unsupported_curve`, `key_exchange_failed`
 */
export function answerCrocPeer(
  shared: CrocShared,
  message: Uint8Array,
  salt: Uint8Array,
  random: RandomBytes,
): { readonly message: Buffer; readonly keys: CrocPeerKeys } {
  const curve = curveNamed(shared.curve);
  const { role, X } = decodeCrocPake(message);
  if (role !== 0 || X === undefined)
    throw new CrocError('key_exchange_failed', { detail: 'a message of the wrong party' });
  const pw = Buffer.from(shared.password);
  const exchange = beginExchange(curve, 'B', pw, randomScalar(curve, random));
  const agreement = exchange.agree(checkedPoint(curve, X, 'X'));
  const answer = encodeCrocPake({ role: 1, X, Y: agreement.Y }, fixedOf(curve));
  return { message: answer, keys: crocPeerKeys(shared, agreement, message, answer, salt) };
}

function crocPeerKeys(
  shared: CrocShared,
  agreement: Agreement,
  messageA: Uint8Array,
  messageB: Uint8Array,
  salt: Uint8Array,
): CrocPeerKeys {
  const { purpose, room, curve, password } = shared;
  const idA = frame(PARTICIPANT, VERSION, purpose, room, 'receiver');
  const idB = frame(PARTICIPANT, VERSION, purpose, room, 'sender');
  const sessionKey = boundSessionKey(Buffer.from(password), idA, idB, agreement);
  return deriveCrocKeys(sessionKey, [purpose, room, curve, idA, idB, messageA, messageB, salt]);
}

/** From a session key and the fields of the transcript, the salt last, to keys. For the vectors, too. */
export function deriveCrocKeys(
  sessionKey: Uint8Array,
  fields: readonly [...(string | Uint8Array)[], Uint8Array],
): CrocPeerKeys {
  const salt = fields.at(-1) ?? '';
  const transcript = frame(CHANNEL, VERSION, ...fields);
  // Node's own HKDF takes 1024 bytes of info, and a transcript has more.
  const material = hkdf(sha256, sessionKey, bytesOf(salt), transcript, 96);
  const tag = (key: Uint8Array): Uint8Array =>
    createHmac('sha256', key).update(transcript).digest();
  return {
    traffic: material.subarray(0, 32),
    tagA: tag(material.subarray(32, 64)),
    tagB: tag(material.subarray(64, 96)),
  };
}

function bytesOf(field: string | Uint8Array): Uint8Array {
  return typeof field === 'string' ? Buffer.from(field) : field;
}

function fixedOf(curve: Curve): Parameters<typeof encodeCrocPake>[1] {
  return { U: curve.U.toAffine(), V: curve.V.toAffine() };
}
