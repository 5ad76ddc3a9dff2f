/**
 * Position records: how many records of a lane a party has taken, over all of the lane's connections
 * (docs/protocol.md, "A lane that comes back"). Type byte, then u64 BE.
 */
import { CrocError } from '../errors.js';
import { RecordType } from './control.js';

const RECORD_BYTES = 9;

/** Encodes a position record's plaintext. @param taken - records of the peer, from 0 */
export function encodePosition(taken: number): Buffer {
  const record = Buffer.allocUnsafe(RECORD_BYTES);
  record[0] = RecordType.position;
  record.writeBigUInt64BE(BigInt(taken), 1);
  return record;
}

/** Decodes a position record's plaintext. @throws CrocError `protocol_error` for what is none */
export function decodePosition(record: Buffer): number {
  const taken = record.length === RECORD_BYTES ? Number(record.readBigUInt64BE(1)) : Number.NaN;
  if (!Number.isSafeInteger(taken))
    throw new CrocError('protocol_error', { detail: 'a malformed position' });
  return taken;
}
