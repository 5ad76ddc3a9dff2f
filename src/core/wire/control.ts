/**
 * Control records of the data plane: JSON messages on lane 0 (docs/protocol.md, "Messages").
 * What comes in is parsed by a schema once, here.
 */
import * as v from 'valibot';
import { CrocError, isErrorCode } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { TEXT_KINDS } from '../types.js';
import type { OfferEntry } from '../types.js';
import { MAX_LANES, decodeBase64, encodeBase64 } from './http.js';
import {
  HASH_BYTES,
  MAX_RUNS,
  MAX_UNJUDGED_BLOCKS,
  SALT_BYTES,
  TEXT_CHUNK_BYTES,
} from './limits.js';

/** The first byte of every record's plaintext. */
export const RecordType = {
  control: 1,
  data: 2,
  end: 3,
  position: 4,
  compressed: 5,
  packed: 6,
} as const;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const positive = v.pipe(count, v.minValue(1));
/** Canonical base64 of `least` to `most` bytes. */
const base64 = (least: number, most: number) =>
  v.pipe(
    v.string(),
    v.maxLength(4 * Math.ceil(most / 3)),
    v.check((told) => {
      const length = decodeBase64(told)?.length ?? -1;
      return length >= least && length <= most;
    }),
  );
const hashes = v.pipe(
  base64(HASH_BYTES, HASH_BYTES * MAX_UNJUDGED_BLOCKS),
  v.check((told) => Buffer.byteLength(told, 'base64') % HASH_BYTES === 0),
);
const text = (maxLength: number) => v.pipe(v.string(), v.maxLength(maxLength));

/** An offered entry on the wire: a file, a folder or a symbolic link. */
type WireEntry =
  | {
      readonly k: 'f';
      readonly p: string;
      readonly s: number;
      readonly m: number;
      readonly x?: boolean | undefined;
    }
  | { readonly k: 'd'; readonly p: string; readonly m: number }
  | { readonly k: 'l'; readonly p: string; readonly m: number; readonly l: string };

const MAX_ENTRY_TEXT = 4096;

/** By hand, because there may be a million of them: the schema's way took four times as long. */
function isWireEntry(value: unknown): value is WireEntry {
  if (typeof value !== 'object' || value === null) return false;
  const entry: { k?: unknown; p?: unknown; m?: unknown; s?: unknown; x?: unknown; l?: unknown } =
    value;
  const { k, p, m, s, x, l } = entry;
  if (typeof p !== 'string' || p.length > MAX_ENTRY_TEXT) return false;
  if (typeof m !== 'number' || !Number.isFinite(m)) return false;
  if (k === 'd') return true;
  if (k === 'l') return typeof l === 'string' && l.length <= MAX_ENTRY_TEXT;
  const isCount = typeof s === 'number' && Number.isSafeInteger(s) && s >= 0;
  return k === 'f' && isCount && (x === undefined || typeof x === 'boolean');
}

/** Entries in one message, at most. */
const MAX_ENTRIES_PER_MESSAGE = 10_000;

function isListOfWireEntries(value: unknown): boolean {
  return (
    Array.isArray(value) && value.length <= MAX_ENTRIES_PER_MESSAGE && value.every(isWireEntry)
  );
}

const messageSchema = v.variant('t', [
  v.object({
    t: v.literal('hello'),
    version: count,
    oldest: count,
    features: v.pipe(v.array(text(64)), v.maxLength(64)),
  }),
  v.object({
    t: v.literal('entries'),
    entries: v.custom<readonly WireEntry[]>(isListOfWireEntries),
  }),
  v.object({
    t: v.literal('text'),
    data: v.pipe(v.string(), v.minLength(4), v.maxLength((TEXT_CHUNK_BYTES / 3) * 4)),
  }),
  v.object({
    t: v.literal('offer'),
    count,
    files: count,
    folders: count,
    bytes: count,
    text: v.exactOptional(
      v.object({
        kind: v.picklist(TEXT_KINDS),
        size: count,
        name: v.exactOptional(v.pipe(v.string(), v.minLength(1), v.maxLength(255))),
      }),
    ),
  }),
  v.object({
    t: v.literal('want'),
    ranges: v.pipe(v.array(v.tuple([count, count])), v.maxLength(10_000)),
  }),
  v.object({
    t: v.literal('basis'),
    files: v.pipe(v.array(v.tuple([count, positive])), v.maxLength(10_000)),
  }),
  v.object({
    t: v.literal('answer'),
    accept: v.boolean(),
    count,
    bytes: count,
    salt: v.optional(base64(SALT_BYTES, SALT_BYTES)),
    limit: v.optional(v.pipe(count, v.minValue(1))),
  }),
  v.object({
    t: v.literal('hashes'),
    runs: v.pipe(v.array(v.tuple([count, count, hashes])), v.minLength(1), v.maxLength(MAX_RUNS)),
  }),
  v.object({
    t: v.literal('judged'),
    runs: v.pipe(v.array(v.tuple([count, count, count])), v.minLength(1), v.maxLength(MAX_RUNS)),
  }),
  v.object({ t: v.literal('have'), bytes: count, files: v.optional(count) }),
  v.object({ t: v.literal('done'), files: count, bytes: count }),
  v.object({ t: v.literal('lanes'), count: v.pipe(positive, v.maxValue(MAX_LANES)) }),
  v.object({ t: v.literal('ping') }),
  v.object({ t: v.literal('cancel') }),
  v.object({ t: v.literal('error'), code: text(64), detail: v.optional(text(8192)) }),
]);

/** One control message. */
export type ControlMessage = v.InferOutput<typeof messageSchema>;

/** The control message of one type. */
export type ControlOf<T extends ControlMessage['t']> = Extract<ControlMessage, { t: T }>;

const typeSchema = v.object({ t: text(64) });
const KNOWN = new Set(messageSchema.options.map((option) => option.entries.t.literal as string));

/** Encodes a control record's plaintext. */
export function encodeControl(message: ControlMessage): Buffer {
  return Buffer.concat([Buffer.of(RecordType.control), Buffer.from(JSON.stringify(message))]);
}

/**
 * Decodes a control record's plaintext. Unknown fields are ignored.
 *
 * @returns undefined for a type of message that this version does not know; it is to be ignored
 * @throws CrocError `protocol_error` for what is not a control message
 */
export function decodeControl(record: Buffer): ControlMessage | undefined {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(record.subarray(1)));
  } catch (cause) {
    throw new CrocError('protocol_error', { detail: 'a message that is not JSON', cause });
  }
  const head = v.safeParse(typeSchema, json);
  if (!head.success) throw new CrocError('protocol_error', { detail: 'a message without a type' });
  if (!KNOWN.has(head.output.t)) return undefined;
  const parsed = v.safeParse(messageSchema, json);
  if (!parsed.success)
    throw new CrocError('protocol_error', { detail: `a malformed message "${head.output.t}"` });
  return parsed.output;
}

/** Gives an offered entry its short form on the wire. */
export function toWireEntry(entry: OfferEntry): WireEntry {
  const { path: p, mtimeMs: m } = entry;
  if (entry.kind === 'folder') return { k: 'd', p, m };
  if (entry.kind === 'symlink') return { k: 'l', p, m, l: entry.target ?? '' };
  if (entry.executable) return { k: 'f', p, s: entry.size, m, x: true };
  return { k: 'f', p, s: entry.size, m };
}

/** Reads an entry's short form. Whether its path is safe is for the caller to check. */
export function fromWireEntry(wire: WireEntry): OfferEntry {
  const { p: path, m: mtimeMs } = wire;
  switch (wire.k) {
    case 'f':
      return { path, mtimeMs, kind: 'file', size: wire.s, executable: wire.x ?? false };
    case 'd':
      return { path, mtimeMs, kind: 'folder', size: 0, executable: false };
    case 'l':
      return { path, mtimeMs, kind: 'symlink', size: 0, executable: false, target: wire.l };
  }
}

/** The `text` messages that carry bytes of a text. */
export function* textMessages(content: Uint8Array): Generator<ControlOf<'text'>> {
  for (let at = 0; at < content.length; at += TEXT_CHUNK_BYTES)
    yield { t: 'text', data: encodeBase64(content.subarray(at, at + TEXT_CHUNK_BYTES)) };
}

/** The bytes that a `text` message carries. @throws CrocError `protocol_error` */
export function textBytes(message: ControlOf<'text'>): Uint8Array {
  const bytes = decodeBase64(message.data);
  if (!bytes) throw new CrocError('protocol_error', { detail: 'a text that is not base64' });
  return bytes;
}

/** Turns indices in ascending order into `[start, count]` ranges. */
export function toRanges(indices: Iterable<number>): [number, number][] {
  const ranges: [number, number][] = [];
  for (const index of indices) {
    const last = ranges.at(-1);
    if (last && last[0] + last[1] === index) last[1] += 1;
    else ranges.push([index, 1]);
  }
  return ranges;
}

/**
 * Turns ranges into indices.
 *
 * @param entryCount - how many entries were offered
 * @throws CrocError `protocol_error` when a range is empty, out of order or beyond the offer
 */
export function fromRanges(
  ranges: readonly (readonly [number, number])[],
  entryCount: number,
): number[] {
  const indices: number[] = [];
  let next = 0;
  for (const [start, length] of ranges) {
    if (start < next || length < 1 || start + length > entryCount)
      throw new CrocError('protocol_error', { detail: 'a range beyond the offer' });
    next = start + length;
    for (let index = start; index < next; index += 1) indices.push(index);
  }
  return indices;
}

/** What a peer's `error` message means here. The peer's words are bounded and shown escaped. */
export function peerFailure(message: ControlOf<'error'>): { code: ErrorCode; detail?: string } {
  const code = isErrorCode(message.code) ? message.code : 'internal';
  return message.detail === undefined ? { code } : { code, detail: message.detail };
}
