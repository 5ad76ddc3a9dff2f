/** Offers, pieces and the rules on them (docs/protocol.md, "Messages", "Data records"). */
import { PeerError, integerOf, numberOf, textOf } from './fields.js';
import type { Fields } from './fields.js';

/** A file, folder or link in memory. */
export interface Item {
  readonly kind: 'file' | 'folder' | 'link';
  /** Relative, with `/`. */
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly mtimeMs: number;
  /** Content of a file; empty otherwise. Written by the receiving side. */
  readonly bytes: Buffer;
  readonly executable?: boolean;
  /** Where a link points. */
  readonly target?: string;
}

/** A part of a file on its way. */
export interface Piece {
  readonly entry: number;
  readonly verified: boolean;
  readonly offset: number;
  readonly bytes: Buffer;
}

const KINDS = { f: 'file', d: 'folder', l: 'link' } as const;
const PIECE_BYTES = 17;
const MAX_PIECES = 2048;
/** Most bytes of pieces in one record. */
export const MAX_DATA_BYTES = 1 << 20;

/** An entry as `entries` carries it. */
export function entryOf(item: Item): Fields {
  const common = { p: item.path, m: item.mtimeMs };
  if (item.kind === 'folder') return { k: 'd', ...common };
  if (item.kind === 'link') return { k: 'l', ...common, l: item.target };
  return { k: 'f', ...common, s: item.bytes.length, ...(item.executable ? { x: true } : {}) };
}

/** The other way round, with room for the content. */
export function itemOf(entry: Fields): Item {
  const kind = Object.entries(KINDS).find(([letter]) => letter === entry['k'])?.[1];
  if (kind === undefined) throw new PeerError('protocol_error', 'kind of an entry');
  const common = { kind, path: textOf(entry, 'p'), mtimeMs: numberOf(entry, 'm') };
  if (kind === 'link') return { ...common, bytes: Buffer.alloc(0), target: textOf(entry, 'l') };
  const bytes = Buffer.alloc(kind === 'file' ? integerOf(entry, 's') : 0);
  return { ...common, bytes, executable: entry['x'] === true };
}

/** What an offer, an answer and `done` count. */
export function totalsOf(items: readonly Item[]): {
  count: number;
  files: number;
  folders: number;
  bytes: number;
} {
  const folders = items.filter(({ kind }) => kind === 'folder').length;
  const bytes = items.reduce((sum, item) => sum + item.bytes.length, 0);
  return { count: items.length, files: items.length - folders, folders, bytes };
}

/** A data record's plaintext after its type: count, heads, bytes. */
export function encodePieces(pieces: readonly Piece[]): Buffer {
  const heads = Buffer.alloc(2 + PIECE_BYTES * pieces.length);
  heads.writeUInt16BE(pieces.length);
  let at = 2;
  for (const { entry, verified, offset, bytes } of pieces) {
    heads.writeUInt32BE(entry, at);
    heads.writeUInt8(verified ? 1 : 0, at + 4);
    heads.writeBigUInt64BE(BigInt(offset), at + 5);
    heads.writeUInt32BE(bytes.length, at + 13);
    at += PIECE_BYTES;
  }
  return Buffer.concat([heads, ...pieces.map(({ bytes }) => bytes)]);
}

/** The other way round. @throws PeerError `protocol_error` */
export function decodePieces(rest: Buffer): Piece[] {
  const count = rest.readUInt16BE();
  if (count < 1 || count > MAX_PIECES) throw new PeerError('protocol_error', `${count} pieces`);
  const pieces: Piece[] = [];
  let start = 2 + PIECE_BYTES * count;
  for (let at = 2; pieces.length < count; at += PIECE_BYTES) {
    const flags = rest.readUInt8(at + 4);
    if (flags > 1) throw new PeerError('protocol_error', `flags ${flags}`);
    const end = start + rest.readUInt32BE(at + 13);
    pieces.push({
      entry: rest.readUInt32BE(at),
      verified: flags === 1,
      offset: Number(rest.readBigUInt64BE(at + 5)),
      bytes: rest.subarray(start, end),
    });
    start = end;
  }
  if (start !== rest.length) throw new PeerError('protocol_error', 'record not filled exactly');
  return pieces;
}

/** Cuts the named files into records: large ones in pieces, small ones together. */
export function* recordsOf(items: readonly Item[], named: readonly number[]): Generator<Piece[]> {
  let record: Piece[] = [];
  let room = MAX_DATA_BYTES;
  for (const entry of named) {
    const item = items[entry];
    if (item?.kind !== 'file') continue;
    let offset = 0;
    do {
      const bytes = item.bytes.subarray(offset, offset + room);
      const verified = offset + bytes.length === item.bytes.length;
      record.push({ entry, verified, offset, bytes });
      offset += bytes.length;
      room -= bytes.length;
      if (room === 0 || record.length === MAX_PIECES) {
        yield record;
        record = [];
        room = MAX_DATA_BYTES;
      }
    } while (offset < item.bytes.length);
  }
  if (record.length > 0) yield record;
}

/** Takes pieces into items and knows what is missing. */
export class Collector {
  readonly #ranges = new Map<number, { from: number; to: number }[]>();
  readonly #verified = new Set<number>();
  /** Bytes taken so far. */
  received = 0;

  constructor(
    private readonly items: readonly Item[],
    private readonly named: ReadonlySet<number>,
  ) {}

  /** @throws PeerError `protocol_error` for a piece that overlaps, leaves its file, was not named */
  take({ entry, verified, offset, bytes }: Piece): void {
    const item = this.items[entry];
    if (item?.kind !== 'file' || !this.named.has(entry))
      throw new PeerError('protocol_error', `entry ${entry} was not named`);
    const [from, to] = [offset, offset + bytes.length];
    if (to > item.bytes.length || (from === to && item.bytes.length > 0))
      throw new PeerError('protocol_error', `a piece leaves ${item.path}`);
    const ranges = this.#ranges.get(entry) ?? [];
    const repeated = item.bytes.length === 0 && ranges.length > 0;
    if (repeated || ranges.some((range) => from < range.to && range.from < to))
      throw new PeerError('protocol_error', `a piece of ${item.path} overlaps`);
    this.#ranges.set(entry, [...ranges, { from, to }]);
    if (verified && this.#verified.has(entry))
      throw new PeerError('protocol_error', `${item.path} is verified twice`);
    if (verified) this.#verified.add(entry);
    bytes.copy(item.bytes, offset);
    this.received += bytes.length;
  }

  /** @throws PeerError `protocol_error` unless every named file is covered and verified */
  checkWhole(): void {
    for (const entry of this.named) {
      const item = this.items[entry];
      if (item?.kind !== 'file') continue;
      const ranges = this.#ranges.get(entry) ?? [];
      const covered = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
      if (ranges.length === 0 || covered !== item.bytes.length || !this.#verified.has(entry))
        throw new PeerError('protocol_error', `${item.path} is not whole`);
    }
  }
}
