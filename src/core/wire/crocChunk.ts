/** Pieces of a file between croc peers: u64 LE position ‖ bytes, perhaps deflated, encrypted. */
import { deflateRawSync } from 'node:zlib';
import type { RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import { inflateBounded } from './crocMessage.js';
import { openCroc, sealCroc } from './crocSeal.js';

/** Bytes of a chunk; the last one of a file may have fewer. */
export const CROC_CHUNK_BYTES = 32 * 1024;
const POSITION_BYTES = 8;
/** Level of deflate: what crosses a wire is worth the cheapest one only. */
const LEVEL = 1;

/** A chunk that came in. */
export interface CrocChunk {
  /** Bytes from the start of the file, a multiple of the size of a chunk. */
  readonly position: number;
  readonly bytes: Buffer;
}

/** Encodes a chunk. */
export function encodeCrocChunk(
  { position, bytes }: CrocChunk,
  compressed: boolean,
  key: Uint8Array,
  random: RandomBytes,
): Buffer {
  const plain = Buffer.allocUnsafe(POSITION_BYTES + bytes.length);
  plain.writeBigUInt64LE(BigInt(position));
  bytes.copy(plain, POSITION_BYTES);
  return sealCroc(key, compressed ? deflateRawSync(plain, { level: LEVEL }) : plain, random);
}

/**
 * Decodes a chunk of a file.
 *
 * @param fileBytes - the size of the file
 * @throws CrocError `tampered`, `limit_exceeded`, or `protocol_error` for a chunk that the file does not have
 */
export function decodeCrocChunk(
  body: Uint8Array,
  compressed: boolean,
  key: Uint8Array,
  fileBytes: number,
): CrocChunk {
  const opened = openCroc(key, body);
  const plain = compressed ? inflateBounded(opened, POSITION_BYTES + CROC_CHUNK_BYTES) : opened;
  if (plain.length <= POSITION_BYTES) throw broken('a chunk without bytes');
  const position = plain.readBigUInt64LE();
  const bytes = plain.subarray(POSITION_BYTES);
  const expected = Math.min(CROC_CHUNK_BYTES, fileBytes - Number(position));
  if (position % BigInt(CROC_CHUNK_BYTES) !== 0n || bytes.length !== expected)
    throw broken('a chunk that the file does not have');
  return { position: Number(position), bytes };
}

/**
 * Chunks that a recipient wants, from `[32768, start, count, …]` with positions in bytes.
 *
 * @param ranges - empty or absent for all
 * @throws CrocError `protocol_error` for another size of a chunk, or ranges that are none
 */
export function wantedChunks(
  ranges: readonly number[],
  fileBytes: number,
): (position: number) => boolean {
  if (ranges.length === 0) return () => true;
  const [size, ...pairs] = ranges;
  if (size !== CROC_CHUNK_BYTES || pairs.length % 2 !== 0) throw broken('ranges of other chunks');
  const spans: [number, number][] = [];
  for (let at = 0; at < pairs.length; at += 2) {
    const [start = 0, count = 0] = pairs.slice(at, at + 2);
    const end = start + count * CROC_CHUNK_BYTES;
    const sound = start >= 0 && count > 0 && start < fileBytes && Number.isSafeInteger(end);
    if (!sound) throw broken('a range beyond the file');
    spans.push([start, end]);
  }
  return (position) => spans.some(([start, end]) => position >= start && position < end);
}

function broken(detail: string): CrocError {
  return new CrocError('protocol_error', { detail });
}
