/**
 * The worker thread of one transfer over croc's own network: walks, meets the peer at the relay, moves the
 * data. The host thread only hears how far it is.
 */
import path from 'node:path';
import { parentPort } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { deferred } from '../async.js';
import { systemRandom } from '../edges.js';
import { CrocError } from '../errors.js';
import { checkOffer } from '../files/safePath.js';
import { walk } from '../files/walk.js';
import type { WalkEntry } from '../files/walk.js';
import type { Decision, Receiver } from '../transfer/inbound.js';
import type { Walked } from '../transfer/outbound.js';
import { totalsOf } from '../transfer/selection.js';
import type {
  Conflict,
  ConflictChoice,
  OfferEntry,
  Progress,
  ReceiveResult,
  Skipped,
  Totals,
} from '../types.js';
import { parseCrocCode } from './code.js';
import { CANCELLING } from './control.js';
import { meetRecipient, meetSender } from './meeting.js';
import type { CrocLink, MeetingOptions } from './meeting.js';
import type { FromCrocWorker, MeetMessage, ToCrocWorker } from './messages.js';
import { CrocRecipient } from './recipient.js';
import { CrocSender, prepare } from './sender.js';

/** Entries in one message to the host, so that taking one never blocks its thread for long. */
const ENTRIES_PER_MESSAGE = 1000;
/** How long the last words may take to leave, in milliseconds. */
const FAREWELL_MS = 2000;
/** Between two words about progress, in milliseconds. */
const PROGRESS_MS = 100;

class CrocTransfer implements Receiver {
  readonly #port: MessagePort;
  readonly #abort = new AbortController();
  readonly #decision = deferred<Decision>();
  #choice = deferred<ConflictChoice>();
  #walked: Promise<Walked> = Promise.reject(new CrocError('nothing_to_send'));
  #link: CrocLink | undefined;
  #progressAtMs = 0;
  #lastProgress: Progress | undefined;
  #over = false;

  constructor(port: MessagePort) {
    this.#port = port;
    this.#walked.catch(() => undefined);
    port.on('message', (message: ToCrocWorker) => {
      this.#onMessage(message).catch((error: unknown) => this.#end(CrocError.from(error)));
    });
  }

  onOffer(entries: readonly OfferEntry[], totals: Totals): void {
    for (let at = 0; at < entries.length; at += ENTRIES_PER_MESSAGE)
      this.#post({ type: 'entries', entries: entries.slice(at, at + ENTRIES_PER_MESSAGE) });
    this.#post({ type: 'offer', totals });
  }

  decide(): Promise<Decision> {
    return this.#decision.promise;
  }

  choose(conflict: Conflict): Promise<ConflictChoice> {
    this.#choice = deferred();
    this.#post({ type: 'conflict', conflict });
    return this.#choice.promise;
  }

  onProgress(progress: Progress): void {
    this.#lastProgress = progress;
    const now = performance.now();
    if (now - this.#progressAtMs < PROGRESS_MS) return;
    this.#progressAtMs = now;
    this.#post({ type: 'progress', progress });
  }

  async #onMessage(message: ToCrocWorker): Promise<void> {
    switch (message.type) {
      case 'walk':
        this.#walked = this.#walk(message.paths);
        await this.#walked;
        return;
      case 'meet':
        await this.#run(message);
        return;
      case 'accept':
        this.#decision.resolve({ ...message, accept: true });
        return;
      case 'reject':
        this.#decision.resolve({ accept: false });
        return;
      case 'choice':
        this.#choice.resolve(message.choice);
        return;
      case 'cancel':
        await this.#end(new CrocError('cancelled'));
        return;
      case 'connect':
      case 'start':
        throw new CrocError('internal', { detail: message.type });
    }
  }

  async #run(message: MeetMessage): Promise<void> {
    const result = await (message.role === 'sender' ? this.#send(message) : this.#receive(message));
    if (this.#lastProgress) this.#post({ type: 'progress', progress: this.#lastProgress });
    this.#post({ type: 'done', result });
    await this.#end(undefined);
  }

  async #send(message: MeetMessage): Promise<ReceiveResult> {
    const preparing = this.#walked.then((walked) => prepare(walked, this.#abort.signal));
    preparing.catch((error: unknown) => this.#abort.abort(error));
    this.#link = await meetRecipient(this.#meeting(message));
    const prepared = await preparing;
    this.#post({ type: 'state', state: 'sending' });
    const progress = (one: Progress): void => this.onProgress(one);
    const sender = new CrocSender(this.#link, prepared, systemRandom, progress);
    return { ...(await sender.run()), roots: [] };
  }

  async #receive(message: MeetMessage): Promise<ReceiveResult> {
    this.#link = await meetSender(this.#meeting(message));
    this.#post({ type: 'state', state: 'receiving' });
    return new CrocRecipient(this.#link, this, systemRandom).run();
  }

  #meeting(message: MeetMessage): MeetingOptions<MeetingState> {
    return {
      ...message,
      code: parseCrocCode(message.code),
      random: systemRandom,
      signal: this.#abort.signal,
      onState: (state) => this.#post({ type: 'state', state }),
    };
  }

  async #walk(paths: readonly string[]): Promise<Walked> {
    const skipped: Skipped[] = [];
    const entries: WalkEntry[] = [];
    const onSkip = (skip: Skipped): unknown => skipped.push(skip);
    for await (const entry of walk(paths, { signal: this.#abort.signal, onSkip }))
      entries.push(entry);
    if (entries.length === 0) throw new CrocError('nothing_to_send');
    checkOffer(entries);
    const totals = totalsOf(entries);
    this.#post({ type: 'walked', totals, skipped });
    return { entries, totals };
  }

  /** The one way out: the peer and the host are told, everything is closed, the thread ends. */
  async #end(error: CrocError | undefined): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    this.#abort.abort(error);
    const link = this.#link;
    if (error && link) await link.control.tell(reasonFor(error));
    if (error) {
      const { code, detail } = error;
      this.#post({ type: 'failed', code, ...(detail === undefined ? {} : { detail }) });
    }
    await this.#close();
    this.#port.close();
  }

  async #close(): Promise<void> {
    if (!this.#link) return;
    const connections = [this.#link.control.connection, ...this.#link.data];
    for (const connection of connections) connection.end();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, FAREWELL_MS);
    });
    await Promise.race([Promise.all(connections.map(({ closed }) => closed)), late]);
    clearTimeout(timer);
    for (const connection of connections) connection.destroy();
  }

  #post(message: FromCrocWorker): void {
    this.#port.postMessage(message);
  }
}

type MeetingState = Extract<FromCrocWorker, { type: 'state' }>['state'];

/** What the peer is told about why we stop; never a path of this disk. */
function reasonFor({ code, phase, detail, message }: CrocError): string {
  if (code === 'cancelled') return CANCELLING;
  const tellable = phase !== 'files' || !path.isAbsolute(detail ?? '/');
  return tellable ? message : new CrocError(code).message;
}

if (parentPort) new CrocTransfer(parentPort);
