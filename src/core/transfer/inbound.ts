/** The recipient's side of the data plane: offer, the person's answer, pieces onto the disk. */
import { deferred } from '../async.js';
import type { RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { SALT_BYTES } from '../files/blocks.js';
import { Destination } from '../files/destination.js';
import type { BasisSize } from '../files/destination.js';
import { Publisher } from '../files/publisher.js';
import { checkSpace } from '../files/freeSpace.js';
import { OfferCheck } from '../files/safePath.js';
import type { UndoRecord } from '../files/undo.js';
import type {
  Conflict,
  ConflictChoice,
  OfferEntry,
  Progress,
  ReceiveResult,
  Totals,
} from '../types.js';
import { fromWireEntry, toRanges } from '../wire/control.js';
import type { ControlOf } from '../wire/control.js';
import type { DataPiece } from '../wire/data.js';
import { MAX_OFFER_BYTES } from '../wire/limits.js';
import { Judging } from './judging.js';
import { Budget, later } from './budget.js';
import type { Flow, FlowMessage, Session } from './session.js';
import { countFiles, sizeOf, totalsOf, withFolders } from './selection.js';
import { TextInbox } from './text.js';
import type { TextContent } from './text.js';

/** Ranges in one `want` message. */
const RANGES_PER_MESSAGE = 10_000;
/** Files in one `basis` message. */
const BASES_PER_MESSAGE = 10_000;
/** Between two words about progress, in milliseconds. */
const PROGRESS_MS = 100;

/** The person's answer to an offer. */
export type Decision =
  | {
      readonly accept: true;
      readonly to?: string;
      readonly only?: readonly number[];
      readonly onConflict: ConflictChoice | 'ask';
      readonly undo?: boolean;
      /** Bytes a second, at least 1. */
      readonly limit?: number;
    }
  | { readonly accept: false };

/** Who decides, and who is told. */
export interface Receiver {
  /** Some more of what is offered, in order; nothing is asked before `onOffer`. */
  onEntries(entries: readonly OfferEntry[]): void;
  /** The offer is complete. */
  onOffer(totals: Totals, text?: TextContent): void;
  decide(): Promise<Decision>;
  choose(conflict: Conflict): Promise<ConflictChoice>;
  onProgress(progress: Progress): void;
}

/** A sender that keeps to our limit is not held back for what the network brought together. Milliseconds. */
const LATE_MS = 250;
/** Files under way that are told of. */
const MAX_ACTIVE = 4;

/** After these ends the next transfer goes on where this one stopped: nobody is to blame for it. */
export const WORTH_RESUMING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'cancelled',
  'peer_cancelled',
  'peer_failed',
  'peer_silent',
  'connection_lost',
  'relay_gone',
  'relay_restarted',
  'relay_fewer_ports',
  'channel_closed',
  'channel_full',
  'transfer_limit',
  'write_failed',
]);

/** Receives what a sender offers. */
export class Inbound implements Flow {
  readonly #session: Session;
  readonly #receiver: Receiver;
  readonly #random: RandomBytes;
  readonly #publisherFile: string | undefined;
  readonly #entries: OfferEntry[] = [];
  #check: OfferCheck | undefined = new OfferCheck();
  readonly #text = new TextInbox();
  readonly #offered = deferred<{ totals: Totals; text?: TextContent }>();
  readonly #ended = deferred<undefined>();
  readonly #writing = new Set<Promise<void>>();
  #offerBytes = 0;
  /** `over`: it failed; what still comes was on its way when the sender did not know that yet. */
  #phase: 'offer' | 'answer' | 'data' | 'over' = 'offer';
  /** Indices of entries, ascending. */
  #wanted = new Set<number>();
  #publisher: Publisher | undefined;
  #destination: Destination | undefined;
  #total = 0;
  #received = 0;
  #resumed = 0;
  #judging: Judging | undefined;
  #judged: Promise<void> = Promise.resolve();
  #files = 0;
  #reported = { bytes: -1, files: -1 };
  #lastPath: string | undefined;
  #limit: number | undefined;
  #budget: Budget | undefined;

  /** @param publisherFile - the built publisherThread.ts; without it every name is given in this thread */
  constructor(session: Session, receiver: Receiver, random: RandomBytes, publisherFile?: string) {
    this.#session = session;
    this.#receiver = receiver;
    this.#random = random;
    this.#publisherFile = publisherFile;
  }

  /**
   * Runs until everything is on the disk and the sender was told so.
   *
   * @throws CrocError `refused` when the person said no, what is wrong with the offer or the disk, or
   *   what ended the session; then nothing unfinished is left on the disk but partial files for the next
   *   transfer
   */
  async run(): Promise<ReceiveResult> {
    const ticker = setInterval(() => this.#report(), PROGRESS_MS);
    try {
      return await Promise.race([this.#run(), this.#session.failed]);
    } catch (error) {
      this.#phase = 'over';
      await this.#destination?.abort(WORTH_RESUMING.has(CrocError.from(error).code));
      throw error;
    } finally {
      clearInterval(ticker);
      void this.#publisher?.end();
    }
  }

  /** What was changed on the disk so far, if that was asked for. */
  get undoRecord(): UndoRecord | undefined {
    return this.#destination?.undoRecord;
  }

  onMessage(message: FlowMessage): void {
    if (this.#phase === 'over') return;
    if (message.t === 'entries' && this.#phase === 'offer') this.#onEntries(message);
    else if (message.t === 'text' && this.#phase === 'offer') this.#text.add(message);
    else if (message.t === 'offer' && this.#phase === 'offer') this.#onOffer(message);
    else if (message.t === 'hashes' && this.#phase === 'data') this.#onHashes(message);
    else throw new CrocError('protocol_error', { detail: `"${message.t}" at the wrong time` });
  }

  onData(pieces: readonly DataPiece[], sentBytes: number): Promise<void> | undefined {
    if (this.#phase === 'over') return undefined;
    const rest = this.#slowDown(sentBytes, this.#writeAll(pieces, 0));
    if (!rest) return undefined;
    const all = rest.catch((error: unknown) =>
      this.#session.fail(CrocError.from(error, 'write_failed')),
    );
    this.#writing.add(all);
    return all.finally(() => this.#writing.delete(all));
  }

  /** Holds a lane back until its bytes were due, should the sender not keep to our limit itself. */
  #slowDown(bytes: number, written: Promise<void> | undefined): typeof written {
    const waitMs = this.#budget?.take(bytes) ?? 0;
    if (waitMs < LATE_MS) return written;
    return (written ?? Promise.resolve()).then(() => later(waitMs));
  }

  onAllEnded(): void {
    if (this.#phase !== 'data') this.#session.fail(new CrocError('connection_lost'));
    this.#session.expectSilence();
    this.#ended.resolve(undefined);
  }

  /** One message after another; what came is bounded by the number of blocks on their way. */
  #onHashes(message: ControlOf<'hashes'>): void {
    const judging = this.#judging;
    if (!judging) throw new CrocError('protocol_error', { detail: '"hashes" at the wrong time' });
    judging.accept(message);
    this.#judged = this.#judged
      .then(() => judging.judge(message))
      .catch((error: unknown) => this.#session.fail(CrocError.from(error, 'write_failed')));
  }

  #onEntries(message: ControlOf<'entries'>): void {
    const entries = message.entries.map(fromWireEntry);
    for (const entry of entries) {
      this.#offerBytes += 64 + Buffer.byteLength(entry.path);
      if (entry.target !== undefined) this.#offerBytes += Buffer.byteLength(entry.target);
      if (this.#offerBytes > MAX_OFFER_BYTES) throw new CrocError('limit_exceeded');
      this.#check?.add(entry);
      this.#entries.push(entry);
    }
    this.#receiver.onEntries(entries);
  }

  #onOffer(message: ControlOf<'offer'>): void {
    this.#phase = 'answer';
    if (message.text && this.#entries.length === 0) {
      this.#offered.resolve({ totals: totalsOf([]), text: this.#text.finish(message) });
      return;
    }
    this.#check = undefined;
    const totals = totalsOf(this.#entries);
    const same =
      !message.text &&
      this.#text.isEmpty &&
      message.count === this.#entries.length &&
      message.files === totals.files &&
      message.folders === totals.folders &&
      message.bytes === totals.bytes;
    if (!same) throw new CrocError('protocol_error', { detail: 'the offer does not add up' });
    this.#offered.resolve({ totals });
  }

  async #run(): Promise<ReceiveResult> {
    const { totals, text } = await this.#offered.promise;
    this.#receiver.onOffer(totals, text);
    const decision = await this.#receiver.decide();
    if (!decision.accept) {
      await this.#session.send({ t: 'answer', accept: false, count: 0, bytes: 0 });
      throw new CrocError('refused');
    }
    if (text) return this.#takeText(text);
    this.#limit = decision.limit;
    if (this.#limit !== undefined) this.#budget = new Budget(this.#limit);
    const destination = await this.#prepare(decision);
    await this.#answer(destination);
    await this.#ended.promise;
    await Promise.all([...this.#writing, this.#judged]);
    if (!this.#destination) throw new CrocError('internal');
    const received = await this.#destination.finish();
    const { files, bytes } = received;
    this.#report();
    await this.#session.send({ t: 'done', files, bytes });
    return { ...received, transferred: this.#received };
  }

  /** Says that the text, which is here already, is taken; no disk is touched. */
  async #takeText({ content }: TextContent): Promise<ReceiveResult> {
    this.#phase = 'data';
    await this.#session.send({ t: 'answer', accept: true, count: 0, bytes: 0 });
    await this.#ended.promise;
    await this.#session.send({ t: 'done', files: 0, bytes: 0 });
    return { files: 0, bytes: content.length, transferred: content.length, roots: [] };
  }

  /** Opens the destination and settles what to do with what is there already. */
  async #prepare(decision: Extract<Decision, { accept: true }>): Promise<Destination> {
    if (decision.to === undefined)
      throw new CrocError('usage', { detail: 'no folder to write into' });
    const indices = withFolders(this.#entries, decision.only);
    const wanted = new Set(indices);
    this.#startPublisher(indices);
    const destination = await Destination.open(decision.to, this.#entries, {
      random: this.#random,
      checked: true,
      undo: decision.undo === true,
      publisher: this.#publisher,
    });
    this.#destination = destination;
    const conflicts = new Map<OfferEntry, Conflict>();
    for (const conflict of await destination.conflicts(indices))
      conflicts.set(conflict.entry, conflict);
    for (const index of indices) {
      const entry = this.#entries[index];
      const conflict = entry && conflicts.get(entry);
      const choice = !conflict
        ? 'rename'
        : decision.onConflict === 'ask'
          ? await this.#receiver.choose(conflict)
          : decision.onConflict;
      if (!destination.plan(index, choice)) wanted.delete(index);
    }
    this.#wanted = wanted;
    return destination;
  }

  /** A thread takes longer to start than the sender to begin, so it starts before anything else is done. */
  #startPublisher(indices: readonly number[]): void {
    if (this.#publisherFile === undefined || this.#phase === 'over') return;
    const files = countFiles(this.#entries, indices);
    this.#publisher = Publisher.start(this.#publisherFile, files);
  }

  /** Looks what is here already and begins to judge what the sender will tell of it. */
  async #findBases(destination: Destination, salt: Uint8Array): Promise<BasisSize[]> {
    const bases = await destination.findBases(salt);
    checkSpace(destination.root, this.#total - destination.takenBytes);
    this.#judging = new Judging(destination, this.#entries, bases, {
      tell: (message) => this.#session.send(message),
      onFound: (_entry, bytes) => (this.#resumed += bytes),
    });
    return bases;
  }

  async #answer(destination: Destination): Promise<void> {
    const indices = [...this.#wanted];
    this.#total = sizeOf(this.#entries, indices);
    this.#files = countFiles(this.#entries, indices);
    const ranges = toRanges(indices);
    for (let at = 0; at < ranges.length; at += RANGES_PER_MESSAGE)
      await this.#session.send({ t: 'want', ranges: ranges.slice(at, at + RANGES_PER_MESSAGE) });
    const answer = {
      t: 'answer',
      accept: true,
      count: indices.length,
      bytes: this.#total,
      ...(this.#limit === undefined ? {} : { limit: this.#limit }),
    } as const;
    if (!this.#session.uses('resume')) {
      checkSpace(destination.root, this.#total);
      this.#phase = 'data';
      await this.#session.send(answer);
      return;
    }
    const salt = Buffer.from(this.#random(SALT_BYTES));
    const bases = await this.#findBases(destination, salt);
    for (let at = 0; at < bases.length; at += BASES_PER_MESSAGE) {
      const some = bases.slice(at, at + BASES_PER_MESSAGE);
      const files = some.map(({ index, blocks }): [number, number] => [index, blocks]);
      await this.#session.send({ t: 'basis', files });
    }
    this.#phase = 'data';
    await this.#session.send({ ...answer, salt: salt.toString('base64') });
  }

  /** Writes pieces one after another; gives a promise once one of them has to wait for the disk. */
  #writeAll(pieces: readonly DataPiece[], from: number): Promise<void> | undefined {
    for (let at = from; at < pieces.length; at += 1) {
      const piece = pieces[at];
      const wait = piece && this.#write(piece);
      if (wait) return wait.then(() => this.#writeAll(pieces, at + 1));
    }
    return undefined;
  }

  /** Writes one piece: whole small files at once, the rest in the background. */
  #write(piece: DataPiece): Promise<void> | undefined {
    const entry = this.#entries[piece.entry];
    const expected = this.#phase === 'data' && this.#wanted.has(piece.entry);
    if (!this.#destination || entry?.kind !== 'file' || !expected)
      throw new CrocError('protocol_error', { detail: 'data that nobody asked for' });
    this.#received += piece.length;
    this.#lastPath = entry.path;
    if (piece.length === 0 && entry.size > 0) {
      if (!piece.verified) throw new CrocError('protocol_error', { detail: 'a piece of nothing' });
      return this.#destination.vouch(piece.entry);
    }
    const whole = piece.offset === 0 && piece.length === entry.size && piece.verified;
    if (whole) return this.#destination.writeWhole(piece.entry, piece.bytes);
    return this.#destination.writeAt(piece.entry, piece.offset, piece.bytes, piece.verified);
  }

  #report(): void {
    const destination = this.#destination;
    if (this.#phase !== 'data' || !destination) return;
    const bytes = this.#received + this.#resumed;
    const files = destination.filesWhole;
    if (bytes === this.#reported.bytes && files === this.#reported.files) return;
    this.#reported = { bytes, files };
    this.#session.tell({ t: 'have', bytes, files });
    this.#receiver.onProgress({
      bytes,
      total: this.#total,
      transferred: this.#received,
      resumed: this.#resumed,
      filesDone: files,
      files: this.#files,
      active: destination.active(MAX_ACTIVE),
      ...(this.#lastPath === undefined ? {} : { path: this.#lastPath }),
    });
  }
}
