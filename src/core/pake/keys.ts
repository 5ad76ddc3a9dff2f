/** From an agreement to a session key and its confirmation. H is SHA-256 everywhere. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Agreement } from './exchange.js';
import { minimalBytes } from './points.js';

declare const purpose: unique symbol;

/** Bytes with a purpose, so that one kind does not pass for another. */
type Purpose<P extends string> = Uint8Array & { readonly [purpose]: P };

/** k, 32 bytes: encrypts nothing itself, other keys are derived from it. Secret. */
export type SessionKey = Purpose<'session key'>;

/** SHA-256 of a transcript, 32 bytes: the salt of the traffic keys. Public. */
export type TranscriptHash = Purpose<'transcript hash'>;

/** What the parties show each other to prove that they have k. Each is 32 bytes. */
export interface Confirmations {
  /** H(k), which the sender shows. */
  readonly h_k: Uint8Array;
  /** H(H(k)), which the recipient shows. */
  readonly hh_k: Uint8Array;
}

/** SHA-256 of the parts one after the other, 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Joins fields, each preceded by its length as u64 LE; text as UTF-8. No two lists join alike. */
export function frame(...fields: readonly (Uint8Array | string)[]): Uint8Array {
  return Buffer.concat(
    fields.flatMap((field) => {
      const bytes = typeof field === 'string' ? Buffer.from(field, 'utf8') : field;
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(bytes.length));
      return [length, bytes];
    }),
  );
}

// Coordinates are hashed without leading zeros, never padded (docs/protocol.md, "PAKE").
function coordinates({ X, Y, Z }: Agreement): Uint8Array[] {
  return [X.x, X.y, Y.x, Y.y, Z.x, Z.y].map(minimalBytes);
}

/**
 * k in its plain form, which croc uses towards its relays: SHA-256 of the password and the
 * coordinates of X, Y and Z, joined without lengths.
 */
export function plainSessionKey(pw: Uint8Array, agreement: Agreement): SessionKey {
  return sha256(pw, ...coordinates(agreement)) as SessionKey;
}

const DOMAIN = 'github.com/schollz/pake/v3/identity-bound-session-key/v1';

/**
 * k in its identity-bound form: SHA-256 of the frame of domain, password, identities, curve and
 * the coordinates of X, Y and Z.
 * @param idA - who party A is; not empty @param idB - who party B is; not empty
 */
export function boundSessionKey(
  pw: Uint8Array,
  idA: Uint8Array,
  idB: Uint8Array,
  agreement: Agreement,
): SessionKey {
  const fields = [pw, idA, idB, agreement.curve.name, ...coordinates(agreement)];
  return sha256(frame(DOMAIN, ...fields)) as SessionKey;
}

/** What proves k without telling it. */
export function confirmations(key: SessionKey): Confirmations {
  const h_k = sha256(key);
  return { h_k, hh_k: sha256(h_k) };
}

/** SHA-256 of a frame, as the salt of the traffic keys. */
export function hashTranscript(...fields: readonly (Uint8Array | string)[]): TranscriptHash {
  return sha256(frame(...fields)) as TranscriptHash;
}

/** Compares in time that depends on the lengths alone. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
