/** The list of files that a croc sender offers, and what a recipient asks for (docs/croc.md, "Messages"). */
import * as v from 'valibot';
import { CrocError } from '../errors.js';
import type { OfferEntry } from '../types.js';
import { parseJson } from './crocMessage.js';

/** Name of the one optional ability that both peers may have: whether to deflate is said for each file. */
export const PER_FILE_COMPRESSION = 'per-file-compression-v1';
/** How names of a text begin: croc's only sign for one beside `SendingText`. */
export const TEXT_NAME = 'croc-stdin-';
/** Bytes of a text, at most. */
export const MAX_CROC_TEXT_BYTES = 1024 * 1024;
const EXECUTABLE = 0o100;
const PLAIN_MODE = 0o644;

const text = (maxLength: number) => v.optional(v.pipe(v.string(), v.maxLength(maxLength)), '');
const flag = v.optional(v.boolean(), false);
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const fileSchema = v.object({
  n: text(4096),
  fr: text(4096),
  h: v.nullish(v.string()),
  s: v.optional(count, 0),
  m: v.optional(v.string(), ''),
  c: flag,
  sy: text(4096),
  md: v.optional(v.number(), PLAIN_MODE),
});
const features = v.nullish(v.array(v.string()));
const infoSchema = v.object({
  FilesToTransfer: v.nullish(v.array(fileSchema)),
  EmptyFoldersToTransfer: v.nullish(v.array(v.object({ fr: text(4096) }))),
  SendingText: flag,
  NoCompress: flag,
  HashAlgorithm: v.optional(v.string(), ''),
  Features: features,
});
const requestSchema = v.object({
  CurrentFileChunkRanges: v.nullish(v.array(count)),
  FilesToTransferCurrentNum: count,
  Features: features,
});

/** One file of an offer, beside its entry. */
export interface CrocFile {
  /** Index of its entry in the offer. */
  readonly entry: number;
  /** Its hash by the offer's algorithm; empty when the sender gave none. */
  readonly hash: Buffer;
  /** Whether its chunks are deflated. */
  readonly compressed: boolean;
}

/** What a croc sender offers. Whether the paths are safe is for files/safePath.ts. */
export interface CrocOffer {
  readonly entries: readonly OfferEntry[];
  /** Files and links in the sender's order: requests name them by their index here. */
  readonly files: readonly CrocFile[];
  /** Whether the one file is a text to be shown. */
  readonly isText: boolean;
  readonly hashAlgorithm: string;
}

/** Reads a sender's list. @throws CrocError `protocol_error` */
export function decodeCrocOffer(bytes: Uint8Array): CrocOffer {
  const info = parsed(infoSchema, bytes, 'a list of files that is none');
  const perFile = info.Features?.includes(PER_FILE_COMPRESSION) ?? false;
  const entries: OfferEntry[] = [];
  const files: CrocFile[] = [];
  for (const file of info.FilesToTransfer ?? []) {
    files.push({
      entry: entries.length,
      hash: Buffer.from(file.h ?? '', 'base64'),
      compressed: perFile ? file.c : !info.NoCompress,
    });
    entries.push(toEntry(file));
  }
  const folders = info.EmptyFoldersToTransfer ?? [];
  for (const { fr } of folders)
    entries.push({ ...NO_FILE, path: joined(fr, ''), kind: 'folder', mtimeMs: Date.now() });
  const isText = info.SendingText;
  const [only] = entries;
  const soundText = entries.length === 1 && only?.path.startsWith(TEXT_NAME) === true;
  if (isText && !(soundText && only.size <= MAX_CROC_TEXT_BYTES))
    throw new CrocError('protocol_error', { detail: 'a text that is none' });
  return { entries, files, isText, hashAlgorithm: info.HashAlgorithm || 'xxhash' };
}

const NO_FILE = { size: 0, executable: false } as const;

function toEntry(file: v.InferOutput<typeof fileSchema>): OfferEntry {
  if (file.n === '' || file.n.includes('/'))
    throw new CrocError('unsafe_path', { detail: `${file.fr}${file.n}` });
  const path = joined(file.fr, file.n);
  const time = Date.parse(file.m);
  const mtimeMs = Number.isFinite(time) ? time : Date.now();
  if (file.sy !== '') return { ...NO_FILE, path, kind: 'symlink', mtimeMs, target: file.sy };
  const executable = (file.md & EXECUTABLE) !== 0;
  return { path, kind: 'file', size: file.s, mtimeMs, executable };
}

/** A path from a folder like `./` or `a/b/` and a name. What climbs out stays as it is and is refused later. */
function joined(folder: string, name: string): string {
  const parts = folder.split('/').filter((part) => part !== '' && part !== '.');
  const absolute = folder.startsWith('/') ? '/' : '';
  return absolute + [...parts, ...(name === '' ? [] : [name])].join('/');
}

/** What a file that is sent has beside its entry. */
export interface HashedFile {
  readonly entry: OfferEntry;
  readonly hash: Uint8Array;
  readonly compressed: boolean;
}

/** Writes a list of files, links and empty folders. @param isText - the one file is a text */
export function encodeCrocOffer(
  files: readonly HashedFile[],
  emptyFolders: readonly OfferEntry[],
  isText: boolean,
): Buffer {
  const info = {
    FilesToTransfer: files.map(({ entry, hash, compressed }) => ({
      ...split(entry.path),
      h: Buffer.from(hash).toString('base64'),
      s: entry.size,
      m: new Date(entry.mtimeMs).toISOString(),
      c: compressed,
      ...(entry.target === undefined ? {} : { sy: entry.target }),
      md: PLAIN_MODE | (entry.executable ? 0o111 : 0),
    })),
    EmptyFoldersToTransfer: emptyFolders.map(({ path }) => ({ fr: `${path}/` })),
    TotalNumberFolders: emptyFolders.length,
    MachineID: '',
    Ask: false,
    SendingText: isText,
    NoCompress: false,
    HashAlgorithm: 'xxhash',
    ReconnectVersion: 0,
    NextReconnectRoom: '',
    Features: [PER_FILE_COMPRESSION],
  };
  return Buffer.from(JSON.stringify(info));
}

function split(path: string): { n: string; fr: string } {
  const slash = path.lastIndexOf('/');
  return { n: path.slice(slash + 1), fr: slash < 0 ? './' : path.slice(0, slash + 1) };
}

/** What a recipient wants next. */
export interface CrocRequest {
  /** Index into the sender's files. */
  readonly file: number;
  /** `[32768, start, count, …]`; empty for all chunks. */
  readonly ranges: readonly number[];
  readonly perFileCompression: boolean;
}

/** Reads a request. @throws CrocError `protocol_error` */
export function decodeCrocRequest(bytes: Uint8Array): CrocRequest {
  const request = parsed(requestSchema, bytes, 'a request that is none');
  return {
    file: request.FilesToTransferCurrentNum,
    ranges: request.CurrentFileChunkRanges ?? [],
    perFileCompression: request.Features?.includes(PER_FILE_COMPRESSION) ?? false,
  };
}

/** Writes a request for all chunks of a file. */
export function encodeCrocRequest(file: number): Buffer {
  return Buffer.from(
    JSON.stringify({
      CurrentFileChunkRanges: [],
      FilesToTransferCurrentNum: file,
      MachineID: '',
      ReconnectVersion: 0,
      Features: [PER_FILE_COMPRESSION],
    }),
  );
}

function parsed<T>(schema: v.GenericSchema<unknown, T>, bytes: Uint8Array, what: string): T {
  const result = v.safeParse(schema, parseJson(bytes));
  if (!result.success) throw new CrocError('protocol_error', { detail: what });
  return result.output;
}
