/**
 * Compressed records: a data record's plaintext as one brotli stream (RFC 7932). After the type byte:
 * u32 BE bytes of that plaintext, then the stream (docs/protocol.md, "Compressed records").
 */
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants } from 'node:zlib';
import { CrocError } from '../errors.js';
import { RecordType } from './control.js';
import { MAX_PLAINTEXT_BYTES, MAX_WINDOW_BITS } from './limits.js';

const SIZE_AT = 1;
const STREAM_AT = 5;

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
  const head = Buffer.allocUnsafe(STREAM_AT);
  head[0] = RecordType.compressed;
  head.writeUInt32BE(plain.length, SIZE_AT);
  const stream = await pack(plain, {
    // All output at once: each time the buffer is full costs a way to the pool and back.
    chunkSize: Math.max(1024, plain.length),
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_LGWIN]: MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
    },
  });
  return [head, stream];
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
  const plainBytes = record.length > STREAM_AT ? record.readUInt32BE(SIZE_AT) : 0;
  if (plainBytes < 1 || plainBytes > MAX_PLAINTEXT_BYTES)
    throw broken(`${plainBytes} bytes in a compressed record`);
  if (windowBits(record[STREAM_AT] ?? 0) > MAX_WINDOW_BITS) throw broken('too large a window');
  const stream = record.subarray(STREAM_AT);
  const plain = await unpackExactly(stream, plainBytes);
  if (plain[0] !== RecordType.data) throw broken('something else than data, compressed');
  return plain;
}

async function unpackExactly(stream: Buffer, plainBytes: number): Promise<Buffer> {
  // Node's types do not know what `info` makes of the result.
  const options = { chunkSize: Math.max(64, plainBytes), maxOutputLength: plainBytes, info: true };
  const result: unknown = await unpack(stream, options).catch((cause: unknown) => {
    throw new CrocError('protocol_error', { detail: 'a record that does not decompress', cause });
  });
  const { buffer, engine } = result as { buffer: Buffer; engine: { bytesWritten: number } };
  if (buffer.length !== plainBytes || engine.bytesWritten !== stream.length)
    throw broken('a compressed record of another size than it says');
  return buffer;
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
