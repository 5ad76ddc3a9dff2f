/** Sends to a croc recipient: the list, then whatever file it asks for next. */
import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import type { RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import { SourceFile } from '../files/source.js';
import type { WalkEntry } from '../files/walk.js';
import type { Walked } from '../transfer/outbound.js';
import type { Progress, TransferResult } from '../types.js';
import { CROC_CHUNK_BYTES, encodeCrocChunk, wantedChunks } from '../wire/crocChunk.js';
import type { CrocMessage } from '../wire/crocMessage.js';
import { decodeCrocRequest, encodeCrocOffer } from '../wire/crocOffer.js';
import type { CrocRequest, HashedFile } from '../wire/crocOffer.js';
import { xxHash64 } from './hashes.js';
import type { CrocLink } from './meeting.js';

/** Bytes of one read. */
const BLOCK_BYTES = 1024 * 1024;
/** How much of a file is tried before it is deflated or not, and how much must be saved. */
const SAMPLE_BYTES = 256 * 1024;
const WORTH = 0.98;

/** A file that can be sent: what the list says of it, and where it is. */
interface Ready extends HashedFile {
  readonly entry: WalkEntry;
}

/** What a croc sender needs of a walk. */
export interface Prepared {
  readonly files: readonly Ready[];
  readonly emptyFolders: readonly WalkEntry[];
  readonly totalBytes: number;
}

/**
 * Hashes every file, since croc's list has their hashes; to be run while nobody has come yet.
 *
 * @throws CrocError as reading does, and the signal's reason
 */
export async function prepare({ entries, totals }: Walked, signal: AbortSignal): Promise<Prepared> {
  const buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  const factory = await xxHash64();
  const parents = new Set<string>();
  for (const { path } of entries)
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
      parents.add(path.slice(0, at));
  const files: Ready[] = [];
  for (const entry of entries) {
    signal.throwIfAborted();
    if (entry.kind === 'symlink') {
      const hash = Buffer.from(
        createHash('sha256')
          .update(entry.target ?? '')
          .digest('hex'),
      );
      files.push({ entry, hash, compressed: false });
    } else if (entry.kind === 'file') {
      const hash = factory();
      let compressed = false;
      await readThrough(entry, buffer, (bytes, offset) => {
        if (offset === 0) compressed = pays(bytes.subarray(0, SAMPLE_BYTES));
        hash.update(bytes);
      });
      files.push({ entry, hash: hash.digest(), compressed });
    }
  }
  const emptyFolders = entries.filter(({ kind, path }) => kind === 'folder' && !parents.has(path));
  return { files, emptyFolders, totalBytes: totals.bytes };
}

function pays(sample: Uint8Array): boolean {
  return deflateRawSync(sample, { level: 1 }).length < sample.length * WORTH;
}

/** Reads a file from its start to its end, and looks whether it changed meanwhile. */
async function readThrough(
  entry: WalkEntry,
  buffer: Buffer,
  take: (bytes: Buffer, offset: number) => Promise<void> | void,
): Promise<void> {
  const source = SourceFile.open(entry);
  try {
    for (let offset = 0; offset < entry.size; offset += buffer.length) {
      const length = await source.read(offset, buffer, buffer.length);
      await take(buffer.subarray(0, length), offset);
    }
    source.verifyUnchanged();
  } finally {
    source.close();
  }
}

/** Sends over a link. */
export class CrocSender {
  readonly #link: CrocLink;
  readonly #prepared: Prepared;
  readonly #isText: boolean;
  readonly #random: RandomBytes;
  readonly #onProgress: (progress: Progress) => void;
  /** Bytes of files that are behind us: sent, or not asked for. */
  #passed = 0;
  #transferred = 0;

  /** @param isText - what was prepared is a text, to be shown and not written */
  constructor(
    link: CrocLink,
    prepared: Prepared,
    isText: boolean,
    random: RandomBytes,
    onProgress: (progress: Progress) => void,
  ) {
    this.#link = link;
    this.#prepared = prepared;
    this.#isText = isText;
    this.#random = random;
    this.#onProgress = onProgress;
  }

  /**
   * Runs until the recipient says that it has everything.
   *
   * @throws CrocError `refused`, what is wrong with a file, or why the recipient stopped
   */
  async run(): Promise<TransferResult> {
    const { control } = this.#link;
    const { files, emptyFolders, totalBytes } = this.#prepared;
    const bytes = encodeCrocOffer(files, emptyFolders, this.#isText);
    await control.say({ type: 'fileinfo', bytes });
    for (;;) {
      const message = await control.hear();
      if (message.type === 'finished') break;
      if (message.type !== 'recipientready')
        throw new CrocError('protocol_error', { detail: `"${message.type}" at the wrong time` });
      await this.#serve(decodeCrocRequest(message.bytes ?? new Uint8Array(0)));
    }
    await control.say({ type: 'finished' });
    this.#report(totalBytes);
    return { files: files.length, bytes: totalBytes, transferred: this.#transferred };
  }

  async #serve(request: CrocRequest): Promise<void> {
    const { control } = this.#link;
    const { files } = this.#prepared;
    const file = files[request.file];
    if (file?.entry.kind !== 'file')
      throw new CrocError('protocol_error', { detail: 'a request for no file' });
    this.#passed = files.slice(0, request.file).reduce((sum, { entry }) => sum + entry.size, 0);
    // While the file goes out the recipient may say that it cannot go on.
    const word = control.hear();
    await Promise.race([this.#sendFile(file, request), failing(word)]);
    const { type } = await word;
    if (type !== 'close-sender') throw new CrocError('protocol_error', { detail: type });
    await control.say({ type: 'close-recipient' });
  }

  async #sendFile({ entry, compressed }: Ready, request: CrocRequest): Promise<void> {
    const { data, key } = this.#link;
    const wanted = wantedChunks(request.ranges, entry.size);
    const deflated = request.perFileCompression ? compressed : true;
    const buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    await readThrough(entry, buffer, async (block, offset) => {
      for (let at = 0; at < block.length; at += CROC_CHUNK_BYTES) {
        const position = offset + at;
        if (!wanted(position)) continue;
        const bytes = block.subarray(at, at + CROC_CHUNK_BYTES);
        const chunk = encodeCrocChunk({ position, bytes }, deflated, key, this.#random);
        await data[(position / CROC_CHUNK_BYTES) % data.length]?.send(chunk);
        this.#transferred += bytes.length;
      }
      this.#report(this.#passed + offset + block.length);
    });
  }

  #report(bytes: number): void {
    const total = this.#prepared.totalBytes;
    this.#onProgress({ bytes: Math.min(bytes, total), total, transferred: this.#transferred });
  }
}

/** Rejects as `word` does, and never resolves. */
function failing(word: Promise<CrocMessage>): Promise<never> {
  return new Promise((_, reject) => {
    word.catch(reject);
  });
}
