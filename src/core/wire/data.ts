/**
 * Data records: pieces of files. After the type byte: u16 BE count, then for each piece
 * u32 BE entry ‖ u8 flags ‖ u64 BE offset ‖ u32 BE length, then the bytes of all pieces in that order.
 */
import { CrocError } from '../errors.js';
import { MAX_PAYLOAD_BYTES, MAX_PIECES } from './limits.js';
import { RecordType } from './control.js';

const COUNT_AT = 1;
const TABLE_AT = 3;
const PIECE_BYTES = 17;
const FLAG_VERIFIED = 1;

/** Where some bytes of a file belong. */
export interface Piece {
  /** Index into the offer. */
  readonly entry: number;
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Bytes, 0 only for an empty file. */
  readonly length: number;
  /**
   * Set on the piece of a file that was read last: the sender looked again and the file had not
   * changed since it was offered. Until then the recipient gives it no final name.
   */
  readonly verified: boolean;
}

/** A piece together with its bytes. */
export interface DataPiece extends Piece {
  readonly bytes: Buffer;
}

/** Encodes the head of a data record; the pieces' bytes follow it. @param pieces - 1 to `MAX_PIECES` */
export function encodeDataHead(pieces: readonly Piece[]): Buffer {
  const head = Buffer.allocUnsafe(TABLE_AT + pieces.length * PIECE_BYTES);
  head[0] = RecordType.data;
  head.writeUInt16BE(pieces.length, COUNT_AT);
  let at = TABLE_AT;
  for (const piece of pieces) {
    head.writeUInt32BE(piece.entry, at);
    head[at + 4] = piece.verified ? FLAG_VERIFIED : 0;
    head.writeUInt32BE(Math.floor(piece.offset / 0x1_0000_0000), at + 5);
    head.writeUInt32BE(piece.offset % 0x1_0000_0000, at + 9);
    head.writeUInt32BE(piece.length, at + 13);
    at += PIECE_BYTES;
  }
  return head;
}

/** Pieces of files with their bytes, in order. */
export interface FileData {
  readonly pieces: readonly Piece[];
  readonly bytes: Uint8Array;
}

/** Encodes a data record: its plaintext in pieces, `bytes` being one of them. */
export function encodeData({ pieces, bytes }: FileData): readonly Uint8Array[] {
  const head = encodeDataHead(pieces);
  return bytes.length > 0 ? [head, bytes] : [head];
}

/**
 * Decodes a data record. Whether entry and offset fit the offer is for the caller to check.
 *
 * @throws CrocError `protocol_error` when counts and lengths do not add up
 */
export function decodeData(record: Buffer): DataPiece[] {
  const count = record.length >= TABLE_AT ? record.readUInt16BE(COUNT_AT) : 0;
  if (count < 1 || count > MAX_PIECES) throw broken(`${count} pieces in a record`);
  const payloadAt = TABLE_AT + count * PIECE_BYTES;
  if (record.length < payloadAt) throw broken('a record shorter than its table');
  if (record.length - payloadAt > MAX_PAYLOAD_BYTES) throw broken('too much in one record');
  const pieces: DataPiece[] = [];
  // Costs a third of what a Buffer's own methods do, as long as nothing is compiled.
  const table = new DataView(record.buffer, record.byteOffset, payloadAt);
  let bytesAt = payloadAt;
  for (let at = TABLE_AT; at < payloadAt; at += PIECE_BYTES) {
    const offset = table.getUint32(at + 5) * 0x1_0000_0000 + table.getUint32(at + 9);
    const length = table.getUint32(at + 13);
    if (!Number.isSafeInteger(offset + length)) throw broken('a piece beyond every file');
    if (bytesAt + length > record.length) throw broken('a piece longer than its record');
    pieces.push({
      entry: table.getUint32(at),
      verified: (table.getUint8(at + 4) & FLAG_VERIFIED) !== 0,
      offset,
      length,
      bytes: record.subarray(bytesAt, bytesAt + length),
    });
    bytesAt += length;
  }
  if (bytesAt !== record.length) throw broken('bytes that belong to no piece');
  return pieces;
}

function broken(detail: string): CrocError {
  return new CrocError('protocol_error', { detail });
}
