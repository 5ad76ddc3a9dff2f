/**
 * Compressed records: the plaintext of a data or control record as one brotli stream (RFC 7932). After the type
 * byte: u32 BE bytes of that plaintext, then the stream (docs/protocol.md, "Compressed records").
 */
import { promisify } from 'node:util';
import {
  brotliCompress,
  brotliCompressSync,
  brotliDecompress,
  brotliDecompressSync,
  constants,
} from 'node:zlib';
import type { BrotliOptions } from 'node:zlib';
import { CrocError } from '../errors.js';
import { RecordType } from './control.js';
import { MAX_PLAINTEXT_BYTES, MAX_WINDOW_BITS } from './limits.js';

const SIZE_AT = 1;
const STREAM_AT = 5;
/** Brotli's quickest: lists of paths get hardly smaller by more. */
const MESSAGE_QUALITY = 1;

const pack = promisify(brotliCompress);
const unpack = promisify(brotliDecompress);

/**
 * Compresses the plaintext of a data record, on the thread pool.
 *
 * @param plain - whole; free to be reused when the promise resolves
 * @param quality - of brotli, 0 to 11; higher ones take longer
 * @returns the plaintext of the compressed record in pieces
 */
export async function compress(plain: Uint8Array, quality: number): Promise<readonly Buffer[]> {
  const stream = await pack(plain, packing(plain, quality));
  return [headOf(RecordType.compressed, plain), stream];
}

/**
 * Compresses the plaintext of a control record; blocks for microseconds.
 *
 * @returns the plaintext of the packed record
 */
export function packControl(plain: Uint8Array): Buffer {
  const stream = brotliCompressSync(plain, packing(plain, MESSAGE_QUALITY));
  return Buffer.concat([headOf(RecordType.packed, plain), stream]);
}

/** As `packControl`, if that is smaller. */
export function packSmaller(plain: Buffer): Buffer {
  const packed = packControl(plain);
  return packed.length < plain.length ? packed : plain;
}

function headOf(type: number, plain: Uint8Array): Buffer {
  const head = Buffer.allocUnsafe(STREAM_AT);
  head[0] = type;
  head.writeUInt32BE(plain.length, SIZE_AT);
  return head;
}

function packing(plain: Uint8Array, quality: number): BrotliOptions {
  return {
    // All output at once: each time the buffer is full costs a way to the pool and back.
    chunkSize: Math.max(1024, plain.length),
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_LGWIN]: MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
    },
  };
}

/**
 * Gives back what was compressed, on the thread pool. Whatever the record says and holds, it takes no more
 * memory than the largest record has and the largest window.
 *
 * @param record - the plaintext of a compressed record
 * @returns the plaintext of the data record
 * @throws CrocError `protocol_error` when it is not one brotli stream of the announced size, or not of data
 */
export async function decompress(record: Buffer): Promise<Buffer> {
  const { stream, options } = unpacking(record);
  const plain = exactly(await unpack(stream, options).catch(notBrotli), stream, options);
  if (plain[0] !== RecordType.data) throw broken('something else than data, compressed');
  return plain;
}

/**
 * Gives back a control record that was packed, bounded like `decompress`; blocks for a few milliseconds at most.
 *
 * @param record - the plaintext of a packed record
 * @returns the plaintext of the control record
 * @throws CrocError `protocol_error` when it is not one brotli stream of the announced size, or not of a message
 */
export function unpackControl(record: Buffer): Buffer {
  const { stream, options } = unpacking(record);
  let result: unknown;
  try {
    result = brotliDecompressSync(stream, options);
  } catch (cause) {
    notBrotli(cause);
  }
  const plain = exactly(result, stream, options);
  if (plain[0] !== RecordType.control) throw broken('something else than a message, packed');
  return plain;
}

/** What may come out of a record, and where its stream is. */
function unpacking(record: Buffer): { stream: Buffer; options: Unpacking } {
  const plainBytes = record.length > STREAM_AT ? record.readUInt32BE(SIZE_AT) : 0;
  if (plainBytes < 1 || plainBytes > MAX_PLAINTEXT_BYTES)
    throw broken(`${plainBytes} bytes in a compressed record`);
  if (windowBits(record[STREAM_AT] ?? 0) > MAX_WINDOW_BITS) throw broken('too large a window');
  // Node's types do not know what `info` makes of the result.
  const chunkSize = Math.max(64, plainBytes);
  const options: Unpacking = { chunkSize, maxOutputLength: plainBytes, info: true };
  return { stream: record.subarray(STREAM_AT), options };
}

interface Unpacking extends BrotliOptions {
  readonly maxOutputLength: number;
  readonly info: true;
}

function exactly(result: unknown, stream: Buffer, { maxOutputLength }: Unpacking): Buffer {
  const { buffer, engine } = result as { buffer: Buffer; engine: { bytesWritten: number } };
  if (buffer.length !== maxOutputLength || engine.bytesWritten !== stream.length)
    throw broken('a compressed record of another size than it says');
  return buffer;
}

function notBrotli(cause: unknown): never {
  throw new CrocError('protocol_error', { detail: 'a record that does not decompress', cause });
}

/**
 * The size of the window that a stream asks for, as a power of two (RFC 7932, section 9.1).
 *
 * @param first - the first byte of the stream
 * @returns 10 to 24; Infinity for what the RFC has not
 */
export function windowBits(first: number): number {
  if ((first & 1) === 0) return 16;
  const high = (first >> 1) & 7;
  if (high !== 0) return 17 + high;
  const low = (first >> 4) & 7;
  if (low === 0) return 17;
  return low === 1 ? Infinity : 8 + low;
}

function broken(detail: string): CrocError {
  return new CrocError('protocol_error', { detail });
}
