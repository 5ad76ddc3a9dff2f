/** The sender's side of the data plane: offer, answer, pieces on every lane, the recipient's word. */
import { deferred, sleep } from '../async.js';
import { systemClock } from '../edges.js';
import { CrocError } from '../errors.js';
import { blocksOf } from '../files/blocks.js';
import { pacer } from '../files/pace.js';
import type { WalkEntry } from '../files/walk.js';
import type { Progress, Totals, TransferResult } from '../types.js';
import { fromRanges } from '../wire/control.js';
import type { ControlOf } from '../wire/control.js';
import { encodeData } from '../wire/data.js';
import { MAX_PAYLOAD_BYTES } from '../wire/limits.js';
import { Ahead, FIRST_AHEAD_BYTES, LEAST_AHEAD_BYTES } from './ahead.js';
import { Growth } from './growth.js';
import type { Grower } from './growth.js';
import { Hashing } from './hashing.js';
import { Budget, later, lowerLimit } from './budget.js';
import { Compressing, compressAgain, sizeOf } from './compressing.js';
import type { Lane } from './lane.js';
import { LinkRate } from './linkRate.js';
import { isLong, messagesOf } from './offering.js';
import { SendPlan } from './plan.js';
import { Processors } from './processors.js';
import { Reading } from './reading.js';
import { countFiles } from './selection.js';
import { offerText } from './text.js';
import type { TextContent } from './text.js';
import type { Flow, FlowMessage, Session } from './session.js';

/** What the walk found. */
export interface Walked {
  readonly entries: readonly WalkEntry[];
  readonly totals: Totals;
  /** What `packAhead` makes of the entries. */
  readonly packed?: Promise<readonly Buffer[] | undefined>;
  /** Offered instead of entries. */
  readonly text?: TextContent;
}

/** A recipient that has confirmed a message within this time is near, milliseconds. */
const NEAR_MS = 25;

/** How to send. */
export interface SendingOptions {
  /** Bytes a second, at least 1. */
  readonly limit?: number;
  /** Whether what gets smaller by it is compressed where the link is slow; default yes. */
  readonly compress?: boolean;
}

/** Files under way that are told of. */
const MAX_ACTIVE = 4;

/** Sends what was walked. */
export class Outbound implements Flow {
  readonly #session: Session;
  readonly #options: SendingOptions;
  readonly #walked: Promise<Walked>;
  readonly #growing: (lanes: number, most: number) => Grower;
  readonly #onProgress: (progress: Progress) => void;
  readonly #answer = deferred<ControlOf<'answer'>>();
  readonly #done = deferred<ControlOf<'done'>>();
  #reading = new Reading([]);
  #budget: Budget | undefined;
  readonly #rate = new LinkRate();
  readonly #processors = new Processors();
  /** While there is one, what is worth it is compressed. */
  #compressing: Compressing | undefined;
  readonly #wanted: number[] = [];
  /** Entry → blocks of which the recipient may have some. */
  readonly #bases = new Map<number, number>();
  #plan: SendPlan | undefined;
  #hashing: Hashing | undefined;
  #entries: readonly WalkEntry[] = [];
  #settled = false;
  #transferred = 0;
  /** Of that, what the recipient has confirmed. */
  #arrived = 0;
  #resumed = 0;
  #files = 0;
  #filesDone = 0;
  #total = 0;
  #phase: 'offering' | 'sending' | 'sent' = 'offering';
  /** Fires when there is no more to send, or nobody to send it to. */
  readonly #sent = new AbortController();

  /** @param growing - decides about further lanes, from how many there are and how many there may be */
  constructor(
    session: Session,
    walked: Promise<Walked>,
    onProgress: (progress: Progress) => void,
    options: SendingOptions = {},
    growing = (lanes: number, most: number): Grower => new Growth(lanes, most, performance.now()),
  ) {
    this.#growing = growing;
    this.#options = options;
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
      this.#sent.abort();
      this.#hashing?.stop();
      this.#reading.close();
    }
  }

  onMessage(message: FlowMessage): void {
    if (message.t === 'want' && this.#phase === 'offering') {
      const indices = fromRanges(message.ranges, this.#entries.length);
      const last = this.#wanted.at(-1) ?? -1;
      if ((indices[0] ?? 0) <= last)
        throw new CrocError('protocol_error', { detail: 'wants out of order' });
      for (const index of indices) this.#wanted.push(index);
    } else if (message.t === 'basis' && this.#phase === 'offering') {
      this.#onBasis(message);
    } else if (message.t === 'judged' && this.#phase === 'sending') {
      this.#onJudged(message);
    } else if (message.t === 'answer' && this.#phase === 'offering') {
      this.#phase = 'sending';
      this.#settled = !message.accept;
      this.#answer.resolve(message);
    } else if (message.t === 'have' && this.#phase !== 'offering') {
      // It may come in one piece with the answer, before anything was made of that.
      if (this.#plan === undefined) return;
      this.#filesDone = Math.max(this.#filesDone, Math.min(message.files ?? 0, this.#files));
      this.#report(message.bytes);
    } else if (message.t === 'done' && this.#phase === 'sent') {
      this.#settled = true;
      this.#done.resolve(message);
    } else {
      throw new CrocError('protocol_error', { detail: `"${message.t}" at the wrong time` });
    }
  }

  #onBasis({ files }: ControlOf<'basis'>): void {
    if (!this.#session.uses('resume'))
      throw new CrocError('protocol_error', { detail: '"basis" without "resume"' });
    for (const [entry, blocks] of files) {
      const file = this.#entries[entry];
      if (file?.kind !== 'file' || this.#bases.has(entry) || blocks > blocksOf(file.size))
        throw new CrocError('protocol_error', { detail: 'a basis that cannot be' });
      this.#bases.set(entry, blocks);
    }
  }

  #onJudged({ runs }: ControlOf<'judged'>): void {
    const [plan, hashing] = [this.#plan, this.#hashing];
    if (!plan || !hashing)
      throw new CrocError('protocol_error', { detail: '"judged" before "hashes"' });
    for (const [entry, same, lacking] of runs) {
      hashing.judged(entry, same + lacking);
      const found = plan.judge(entry, same, lacking);
      this.#resumed += found;
      if (found > 0 && this.#reading.settle(entry, found)) plan.vouch(entry);
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
    this.#checkBases(answer);
    this.#files = countFiles(this.#entries, this.#wanted);
    this.#report(0);
    const limit = lowerLimit(this.#options.limit, answer.limit);
    if (limit !== undefined) this.#budget = new Budget(limit);
    if (this.#options.compress !== false && this.#session.uses('brotli'))
      this.#compressing = new Compressing(this.#rate, limit, this.#session.quickestMs < NEAR_MS);
    const plan = new SendPlan(this.#entries, files, this.#bases);
    this.#plan = plan;
    const pumps = this.#session.lanes.map((lane) => this.#pump(lane, plan));
    const sent = Promise.all([...pumps, this.#hash(answer)]).then(() => this.#sent.abort());
    await Promise.all([sent, this.#grow(plan)]);
    this.#phase = 'sent';
    // Half-closed only after `done`: until then the recipient keeps the channel open, and with it the
    // connections that `done` comes on.
    for (const lane of this.#session.lanes) lane.sayEnd();
    const done = await this.#done.promise;
    this.#filesDone = this.#files;
    this.#report(this.#total);
    const bytes = (await this.#walked).text?.content.length ?? done.bytes;
    return { files: done.files, bytes, transferred: this.#transferred };
  }

  async #offer(): Promise<void> {
    const { entries, totals, packed, text } = await this.#walked;
    if (text) {
      await offerText(this.#session, text, this.#options.compress);
      this.#transferred = text.content.length;
      return;
    }
    this.#entries = entries;
    this.#reading = new Reading(entries);
    // What is long goes packed, if the recipient can take that, as it says right at its beginning.
    const packs = this.#options.compress !== false && isLong(entries);
    if (packs) await this.#session.features;
    const ready = packs && this.#session.uses('packed') ? await packed : undefined;
    if (ready) for (const message of ready) await this.#session.sendReady(message);
    else
      for (const message of messagesOf(entries))
        await (packs ? this.#session.sendPacked(message) : this.#session.send(message));
    await this.#session.send({ t: 'offer', count: entries.length, ...totals });
  }

  /** What is compared must be wanted, and there must be a salt to hash with. */
  #checkBases({ salt }: ControlOf<'answer'>): void {
    if (this.#bases.size === 0) return;
    const wanted = new Set(this.#wanted);
    const sound = [...this.#bases.keys()].every((entry) => wanted.has(entry));
    if (!sound || salt === undefined)
      throw new CrocError('protocol_error', { detail: 'a basis of what is not wanted' });
  }

  /** Tells the hashes of what the recipient may have, beside the lanes' loops. */
  async #hash({ salt = '' }: ControlOf<'answer'>): Promise<void> {
    if (this.#bases.size === 0) return;
    this.#hashing = new Hashing(
      this.#entries,
      this.#bases,
      Buffer.from(salt, 'base64'),
      (message) => this.#session.send(message),
    );
    await this.#hashing.run();
  }

  /**
   * One lane's loop: read a batch, seal it, send it, until the plan is empty.
   * @param firstBytes - what it gets while it is not known how much it carries
   */
  async #pump(lane: Lane, plan: SendPlan, firstBytes = FIRST_AHEAD_BYTES): Promise<void> {
    const quickestMs = (): number => this.#session.quickestMs;
    const ahead = new Ahead(this.#rate, quickestMs, this.#processors, firstBytes);
    const buffer = Buffer.allocUnsafeSlow(MAX_PAYLOAD_BYTES);
    const pause = pacer();
    while (!plan.finished) {
      const room = ahead.room();
      if (room) {
        await this.#waiting(room);
        continue;
      }
      const batch = plan.next(Math.min(ahead.recordBytes, this.#budget?.pieceBytes ?? Infinity));
      if (!batch) {
        await plan.more;
        continue;
      }
      // Reading may block and the socket may take everything at once; others want their turn, too.
      await pause();
      const startMs = performance.now();
      const pieces = await this.#reading.read(batch, buffer);
      const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
      const parts = encodeData({ pieces, bytes: buffer.subarray(0, bytes) });
      const entry = batch.kind === 'large' ? batch.piece.entry : undefined;
      const compressed = await this.#compressing?.compress(parts, entry);
      const workedMs = performance.now() - startMs;
      const sentBytes = compressed ? sizeOf(compressed) : bytes;
      const waitMs = this.#budget?.take(sentBytes) ?? 0;
      if (waitMs > 0) await later(waitMs);
      this.#transferred += bytes;
      const again = async (): Promise<readonly Uint8Array[]> => {
        const read = encodeData(await this.#reading.readAgain(batch, pieces));
        this.#transferred += bytes;
        return compressed ? compressAgain(read) : read;
      };
      const passed = ahead.sent(bytes, sizeOf(compressed ?? parts));
      const arrived = (): void => {
        this.#arrived += bytes;
        passed();
      };
      this.#rate.spent(workedMs, 0);
      await this.#waiting(this.#session.sendData(lane, compressed ?? parts, again, arrived));
    }
  }

  /** Opens further lanes where the link may carry more by that. */
  async #grow(plan: SendPlan): Promise<void> {
    const { signal } = this.#sent;
    const growth = this.#growing(this.#session.lanes.length, this.#mostLanes);
    const more: Promise<void>[] = [];
    while (!growth.over) {
      await sleep(systemClock, growth.lookMs, signal).catch(() => undefined);
      if (signal.aborted) break;
      const rate = this.#rate.bytesPerSecond;
      const count = growth.look({
        nowMs: performance.now(),
        arrivedBytes: this.#arrived,
        leftBytes: this.#total - this.#resumed - this.#transferred,
        quickestMs: this.#session.quickestMs,
        limited: rate !== undefined && rate !== Infinity,
      });
      if (count === undefined) continue;
      const lanes = await this.#session.widen(count);
      if (lanes.length === 0) growth.putOff();
      more.push(...lanes.map((lane) => this.#pump(lane, plan, LEAST_AHEAD_BYTES)));
    }
    await Promise.all(more);
  }

  /** Who holds back by himself needs no further lanes. */
  get #mostLanes(): number {
    return this.#budget === undefined ? this.#session.mostLanes : 0;
  }

  /** Waits for the link, which shows how fast it is. */
  async #waiting(room: Promise<unknown>): Promise<void> {
    const startMs = performance.now();
    await room;
    this.#rate.spent(0, performance.now() - startMs);
  }

  #report(bytes: number): void {
    const held = Math.min(bytes, this.#total);
    this.#onProgress({
      bytes: held,
      total: this.#total,
      transferred: this.#transferred,
      resumed: this.#resumed,
      filesDone: this.#filesDone,
      files: this.#files,
      active: this.#reading.active(MAX_ACTIVE),
    });
  }
}
