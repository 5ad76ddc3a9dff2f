/**
 * One transfer as the history keeps it: names, sizes, times, result, paths. Never a code, a key or
 * an address: the schema has no place for them.
 */
import * as v from 'valibot';
import { CrocError, isErrorCode, type ErrorCode } from '../../core/index.js';
import type { Transfer, TransferItem } from '../transfers.js';

/** Most items of a transfer that are kept by name; the rest is counted. */
const MOST_ITEMS = 50;
/** Most paths that are kept; a send of more cannot be sent again from the history. */
const MOST_PATHS = 500;

const text = v.pipe(v.string(), v.maxLength(32_768));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const timeMs = v.pipe(v.number(), v.minValue(0));
const item = v.object({
  name: text,
  kind: v.picklist(['file', 'folder', 'symlink', 'text', 'patch']),
  bytes: v.optional(count),
});
const schema = v.object({
  version: v.literal(1),
  id: v.pipe(v.string(), v.regex(/^[0-9a-f-]{36}$/)),
  direction: v.picklist(['send', 'receive']),
  items: v.pipe(v.array(item), v.maxLength(MOST_ITEMS)),
  /** Items beyond those. */
  moreItems: count,
  totals: v.optional(v.object({ files: count, folders: count, bytes: count })),
  /** Absolute paths that are sent, or the folder that is received into. */
  paths: v.pipe(v.array(text), v.maxLength(MOST_PATHS)),
  /** Absolute paths of what arrived. */
  roots: v.pipe(v.array(text), v.maxLength(MOST_PATHS)),
  startedAtMs: timeMs,
  endedAtMs: v.optional(timeMs),
  state: v.picklist(['running', 'done', 'failed', 'cancelled', 'interrupted']),
  /** Why it failed. */
  error: v.optional(v.custom<ErrorCode>(isErrorCode)),
  /** How far it was when this was written. */
  progress: v.optional(v.object({ bytes: count, total: count })),
  /** What is on the other disk, or on this one. */
  result: v.optional(v.object({ files: count, bytes: count })),
  /** The process that runs it, and when that last said so. */
  runner: v.object({ host: text, pid: count, seenAtMs: timeMs }),
});
/** An entry as it is in its file. */
export type Entry = v.InferOutput<typeof schema>;
export type EntryState = Entry['state'];
/** Who runs the transfers of this window. */
export type Runner = Pick<Entry['runner'], 'host' | 'pid'>;

/** Reads an entry of a file; undefined when it is not one. */
export function parseEntry(value: unknown): Entry | undefined {
  const result = v.safeParse(schema, value);
  return result.success ? result.output : undefined;
}

function stateOf({ stage }: Transfer, closing: boolean): EntryState {
  if (stage === 'done' || stage === 'failed') return stage;
  // The window goes away and takes the transfer along; nobody wanted it to stop.
  if (closing) return 'interrupted';
  return stage === 'cancelled' ? 'cancelled' : 'running';
}

/**
 * @param closing - whether the window is about to close, so that what runs is interrupted
 * @param nowMs - milliseconds since 1970
 */
export function entryOf(
  transfer: Transfer,
  { runner, closing, nowMs }: { runner: Runner; closing: boolean; nowMs: number },
): Entry {
  const { facts, progress, result, totals } = transfer;
  const state = stateOf(transfer, closing);
  const error: ErrorCode | undefined = state === 'failed' ? transfer.error?.code : undefined;
  const endedAtMs = transfer.endedAtMs ?? (state === 'running' ? undefined : nowMs);
  return {
    version: 1,
    id: transfer.id,
    direction: transfer.direction,
    items: facts.items.slice(0, MOST_ITEMS).map(({ name, kind, bytes }) => ({
      name,
      kind,
      ...(bytes === undefined ? {} : { bytes }),
    })),
    moreItems: Math.max(0, facts.items.length - MOST_ITEMS),
    paths: facts.paths.length > MOST_PATHS ? [] : [...facts.paths],
    roots: transfer.roots.slice(0, MOST_PATHS),
    startedAtMs: transfer.startedAtMs,
    state,
    runner: { ...runner, seenAtMs: nowMs },
    ...(totals === undefined ? {} : { totals: { ...totals } }),
    ...(endedAtMs === undefined ? {} : { endedAtMs }),
    ...(error === undefined ? {} : { error }),
    ...(progress === undefined
      ? {}
      : { progress: { bytes: progress.bytes, total: progress.total } }),
    ...(result === undefined ? {} : { result: { files: result.files, bytes: result.bytes } }),
  };
}

/** The items with what was not kept counted in, so that titles stay true. */
export function itemsOf({ items, moreItems }: Entry): TransferItem[] {
  const kept = items.map(({ name, kind, bytes }) => ({ name, kind, bytes }));
  const missing: TransferItem = { name: '', kind: 'file', bytes: undefined };
  return [...kept, ...Array.from({ length: Math.min(moreItems, 100_000) }, () => missing)];
}

/** The error of an entry that failed. */
export const errorOf = ({ error }: Entry): CrocError | undefined =>
  error === undefined ? undefined : new CrocError(error);
