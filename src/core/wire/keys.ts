/** Traffic keys: one for each lane, direction and connection (docs/protocol.md, "Keys"). */
import { hkdfSync } from 'node:crypto';
import { CrocError } from '../errors.js';
import type { Role } from '../types.js';

/** First bytes that each party writes on a lane, before its salt. */
export const LANE_MAGIC = Buffer.from('CROCLANE', 'ascii');
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
  readonly channel: string;
  readonly uuid: string;
  readonly secrets: LaneSecrets;
  /** Local address to connect from. */
  readonly localAddress?: string;
}

/** Makes the preamble of a lane. @param salt - 32 fresh random bytes */
export function encodePreamble(salt: Uint8Array): Buffer {
  return Buffer.concat([LANE_MAGIC, salt]);
}

/** Reads a preamble's salt. @throws CrocError `protocol_error` when it is not one */
export function decodePreamble(bytes: Buffer): Buffer {
  const magic = bytes.subarray(0, LANE_MAGIC.length);
  if (bytes.length !== PREAMBLE_BYTES || !magic.equals(LANE_MAGIC))
    throw new CrocError('protocol_error', { detail: 'the lane does not start as it should' });
  return bytes.subarray(LANE_MAGIC.length);
}

/**
 * The key of one direction of one lane's connection: HKDF-SHA-256 with the transcript hash as salt.
 * The writer's own salt is in `info`, so that a lane that connects again never meets its old nonces.
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
  const info = frame(['croc-channel/1', 'lane', writer, String(lane), salt]);
  return new Uint8Array(hkdfSync('sha256', secrets.key, secrets.transcript, info, 32));
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
