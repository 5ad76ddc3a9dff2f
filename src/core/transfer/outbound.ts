/** The sender's side of the data plane: offer, answer, pieces on every lane, the recipient's word. */
import { deferred } from '../async.js';
import { CrocError } from '../errors.js';
import { pacer } from '../files/pace.js';
import { SourceFile, readSmallFile } from '../files/source.js';
import type { WalkEntry } from '../files/walk.js';
import type { OfferEntry, Progress, Totals, TransferResult } from '../types.js';
import { fromRanges, toWireEntry } from '../wire/control.js';
import type { ControlOf } from '../wire/control.js';
import type { Piece } from '../wire/data.js';
import { MAX_PAYLOAD_BYTES } from '../wire/limits.js';
import type { Lane } from './lane.js';
import { SendPlan } from './plan.js';
import { offerText } from './text.js';
import type { TextContent } from './text.js';
import type { Batch, PlannedPiece } from './plan.js';
import type { FileData, Flow, FlowMessage, Session } from './session.js';

/** Characters of paths and targets in one `entries` message: escaped and in UTF-8 they still fit a record. */
const CHARACTERS_PER_MESSAGE = 64 * 1024;
/** Entries in one `entries` message, at most. */
const ENTRIES_PER_MESSAGE = 1000;

/** What the walk found. */
export interface Walked {
  readonly entries: readonly WalkEntry[];
  readonly totals: Totals;
  /** Offered instead of entries. */
  readonly text?: TextContent;
}

/** A large file while its pieces are read by several lanes. */
interface OpenSource {
  readonly source: SourceFile;
  remainingBytes: number;
}

/** Sends what was walked. */
export class Outbound implements Flow {
  readonly #session: Session;
  readonly #walked: Promise<Walked>;
  readonly #onProgress: (progress: Progress) => void;
  readonly #answer = deferred<ControlOf<'answer'>>();
  readonly #done = deferred<ControlOf<'done'>>();
  readonly #open = new Map<number, OpenSource>();
  readonly #wanted: number[] = [];
  #entries: readonly WalkEntry[] = [];
  #settled = false;
  #transferred = 0;
  #total = 0;
  #phase: 'offering' | 'sending' | 'sent' = 'offering';

  constructor(session: Session, walked: Promise<Walked>, onProgress: (progress: Progress) => void) {
    this.#session = session;
    this.#walked = walked;
    this.#onProgress = onProgress;
  }

  /**
   * Runs to the end.
   *
   * @throws CrocError `refused`, what is wrong with a file, or what ended the session
   */
  async run(): Promise<TransferResult> {
    try {
      return await Promise.race([this.#run(), this.#session.failed]);
    } finally {
      for (const { source } of this.#open.values()) source.close();
      this.#open.clear();
    }
  }

  onMessage(message: FlowMessage): void {
    if (message.t === 'want' && this.#phase === 'offering') {
      const indices = fromRanges(message.ranges, this.#entries.length);
      const last = this.#wanted.at(-1) ?? -1;
      if ((indices[0] ?? 0) <= last)
        throw new CrocError('protocol_error', { detail: 'wants out of order' });
      for (const index of indices) this.#wanted.push(index);
    } else if (message.t === 'answer' && this.#phase === 'offering') {
      this.#phase = 'sending';
      this.#settled = !message.accept;
      this.#answer.resolve(message);
    } else if (message.t === 'have' && this.#phase !== 'offering') {
      this.#report(message.bytes);
    } else if (message.t === 'done' && this.#phase === 'sent') {
      this.#settled = true;
      this.#done.resolve(message);
    } else {
      throw new CrocError('protocol_error', { detail: `"${message.t}" at the wrong time` });
    }
  }

  onData(): undefined {
    throw new CrocError('protocol_error', { detail: 'data from the recipient' });
  }

  onAllEnded(): void {
    // The recipient ends its direction after `done` or after declining; otherwise it has given up.
    if (!this.#settled) this.#session.fail(new CrocError('connection_lost'));
  }

  async #run(): Promise<TransferResult> {
    await this.#offer();
    const answer = await this.#answer.promise;
    if (!answer.accept) throw new CrocError('refused');
    const files = this.#wanted.filter((index) => this.#entries[index]?.kind === 'file');
    this.#total = files.reduce((sum, index) => sum + (this.#entries[index]?.size ?? 0), 0);
    if (this.#total !== answer.bytes || this.#wanted.length !== answer.count)
      throw new CrocError('protocol_error', { detail: 'the answer does not add up' });
    this.#report(0);
    const plan = new SendPlan(this.#entries, files);
    await Promise.all(this.#session.lanes.map((lane) => this.#pump(lane, plan)));
    this.#phase = 'sent';
    // Half-closed only after `done`: until then the recipient keeps the channel open, and with it the
    // connections that `done` comes on.
    for (const lane of this.#session.lanes) lane.sayEnd();
    const done = await this.#done.promise;
    this.#report(this.#total);
    const bytes = (await this.#walked).text?.content.length ?? done.bytes;
    return { files: done.files, bytes, transferred: this.#transferred };
  }

  async #offer(): Promise<void> {
    const { entries, totals, text } = await this.#walked;
    if (text) {
      await offerText(this.#session, text);
      this.#transferred = text.content.length;
      return;
    }
    this.#entries = entries;
    let part: OfferEntry[] = [];
    let characters = 0;
    const flush = async (): Promise<void> => {
      if (part.length === 0) return;
      await this.#session.send({ t: 'entries', entries: part.map(toWireEntry) });
      part = [];
      characters = 0;
    };
    for (const entry of entries) {
      part.push(entry);
      characters += entry.path.length + (entry.target?.length ?? 0);
      if (characters > CHARACTERS_PER_MESSAGE || part.length === ENTRIES_PER_MESSAGE) await flush();
    }
    await flush();
    await this.#session.send({ t: 'offer', count: entries.length, ...totals });
  }

  /** One lane's loop: read a batch, seal it, send it, until the plan is empty. */
  async #pump(lane: Lane, plan: SendPlan): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(MAX_PAYLOAD_BYTES);
    const pause = pacer();
    for (let batch = plan.next(); batch; batch = plan.next()) {
      // Reading may block and the socket may take everything at once; others want their turn, too.
      await pause();
      const pieces =
        batch.kind === 'small'
          ? readSmall(batch.pieces, buffer)
          : [await this.#readLarge(batch.piece, buffer)];
      const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
      this.#transferred += bytes;
      const readAgain = (): Promise<FileData> => this.#readAgain(batch, pieces);
      await this.#session.sendData(lane, { pieces, bytes: buffer.subarray(0, bytes) }, readAgain);
    }
  }

  /**
   * Reads what was sent on a connection that broke once more. The file must still be what was offered: a
   * piece that says *verified* said it of all that was read until then, and this is read later.
   */
  async #readAgain(batch: Batch, pieces: readonly Piece[]): Promise<FileData> {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const bytes = Buffer.allocUnsafeSlow(length);
    this.#transferred += length;
    if (batch.kind === 'small') return { pieces: readSmall(batch.pieces, bytes), bytes };
    const { file, offset } = batch.piece;
    const source = SourceFile.open(file);
    try {
      await source.read(offset, bytes, length);
      source.verifyUnchanged();
    } finally {
      source.close();
    }
    return { pieces, bytes };
  }

  async #readLarge(piece: PlannedPiece, buffer: Buffer): Promise<Piece> {
    const { entry, file, offset, length } = piece;
    let open = this.#open.get(entry);
    if (!open) {
      open = { source: SourceFile.open(file), remainingBytes: file.size };
      this.#open.set(entry, open);
    }
    await open.source.read(offset, buffer, length);
    open.remainingBytes -= length;
    const verified = open.remainingBytes === 0;
    if (verified) {
      open.source.verifyUnchanged();
      open.source.close();
      this.#open.delete(entry);
    }
    return { entry, offset, length, verified };
  }

  #report(bytes: number): void {
    const held = Math.min(bytes, this.#total);
    this.#onProgress({ bytes: held, total: this.#total, transferred: this.#transferred });
  }
}

function readSmall(pieces: readonly PlannedPiece[], buffer: Buffer): Piece[] {
  let at = 0;
  return pieces.map(({ entry, file, offset, length }) => {
    at += readSmallFile(file, buffer, at);
    return { entry, offset, length, verified: true };
  });
}
