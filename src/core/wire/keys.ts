/** Traffic keys: one for each lane, direction and connection (docs/protocol.md, "Keys"). */
import { hkdfSync } from 'node:crypto';
import { CrocError } from '../errors.js';
import type { Role } from '../types.js';

/** First bytes that each party writes on the first connection of a lane, before its salt. */
export const LANE_MAGIC = Buffer.from('CROCLANE', 'ascii');
/** The same on every later connection. */
export const LANE_AGAIN_MAGIC = Buffer.from('CROCBACK', 'ascii');
/** Bytes of the salt that follows. */
export const LANE_SALT_BYTES = 32;
/** Bytes of magic and salt together. */
export const PREAMBLE_BYTES = LANE_MAGIC.length + LANE_SALT_BYTES;

/** What both parties know after the key exchange; never leaves the process. */
export interface LaneSecrets {
  /** k of the key exchange, 32 bytes. */
  readonly key: Uint8Array;
  /** SHA-256 of the transcript, 32 bytes. */
  readonly transcript: Uint8Array;
}

/** Where the lanes are and what opens them. */
export interface LaneTarget {
  readonly role: Role;
  /** IP address of the relay's lanes; of the family that HTTP already uses, so that the relay sees one address of ours. */
  readonly address: string;
  /** TCP ports; lane i is port i. */
  readonly ports: readonly number[];
  /** How many lanes the relay lets in, further ones at the same ports; absent: one a port. */
  readonly lanes?: number;
  readonly channel: string;
  readonly uuid: string;
  readonly secrets: LaneSecrets;
  /** Local address to connect from. */
  readonly localAddress?: string;
}

/** Where the lanes are, as far as the relay says it; that can change. */
export type LanePlace = Pick<LaneTarget, 'address' | 'ports' | 'lanes'>;

/** The first bytes of one direction of a connection. */
export interface Preamble {
  /** 32 fresh random bytes of whoever writes. */
  readonly salt: Uint8Array;
  /** Whether this is another connection of a lane that had one before. */
  readonly again: boolean;
}

/** Makes the preamble of a lane's connection. */
export function encodePreamble({ salt, again }: Preamble): Buffer {
  return Buffer.concat([again ? LANE_AGAIN_MAGIC : LANE_MAGIC, salt]);
}

/** Reads a preamble. @throws CrocError `protocol_error` when it is not one */
export function decodePreamble(bytes: Buffer): Preamble {
  const magic = bytes.subarray(0, LANE_MAGIC.length);
  const again = magic.equals(LANE_AGAIN_MAGIC);
  if (bytes.length !== PREAMBLE_BYTES || !(again || magic.equals(LANE_MAGIC)))
    throw new CrocError('protocol_error', { detail: 'the lane does not start as it should' });
  return { salt: bytes.subarray(LANE_MAGIC.length), again };
}

/**
 * The key of one direction of the first connection of a lane: HKDF-SHA-256 with the transcript hash as
 * salt. The writer's own salt is in `info`, so that no two connections share a key.
 *
 * @param writer - whose records this key seals
 * @param lane - index of the lane, from 0
 * @param salt - from the writer's preamble, 32 bytes
 * @returns 32 bytes
 */
export function laneKey(
  secrets: LaneSecrets,
  writer: Role,
  lane: number,
  salt: Uint8Array,
): Uint8Array {
  return derive(secrets, ['croc-channel/1', 'lane', writer, String(lane), salt]);
}

/**
 * The key of one direction of a later connection of a lane. The reader's salt is in it, too: whatever
 * somebody recorded of another connection does not open on this one.
 *
 * @param salts - from the preambles of both, 32 bytes each
 * @returns 32 bytes
 */
export function laneKeyAgain(
  secrets: LaneSecrets,
  writer: Role,
  lane: number,
  salts: { readonly writer: Uint8Array; readonly reader: Uint8Array },
): Uint8Array {
  const fields = ['croc-channel/1', 'lane-again', writer, String(lane), salts.writer, salts.reader];
  return derive(secrets, fields);
}

function derive(secrets: LaneSecrets, fields: readonly (string | Uint8Array)[]): Uint8Array {
  const { key, transcript } = secrets;
  return new Uint8Array(hkdfSync('sha256', key, transcript, frame(fields), 32));
}

/** Joins fields, each preceded by its length as u64 LE. */
function frame(fields: readonly (string | Uint8Array)[]): Buffer {
  const parts: Buffer[] = [];
  for (const field of fields) {
    const bytes = Buffer.from(field);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(bytes.length));
    parts.push(length, bytes);
  }
  return Buffer.concat(parts);
}
