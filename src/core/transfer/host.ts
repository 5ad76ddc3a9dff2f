/** The host thread's end of a transfer's worker: promises instead of messages. */
import type { Worker } from 'node:worker_threads';
import { deferred } from '../async.js';
import { CrocError } from '../errors.js';
import type {
  Conflict,
  ConflictChoice,
  Connection,
  OfferEntry,
  Offered,
  Progress,
  ReceiveResult,
  Totals,
} from '../types.js';
import type { DataTiming } from '../timing.js';
import type { FromWorker, MeetMessage, MeetingState, ToWorker } from './messages.js';
import type { LaneTarget } from '../wire/keys.js';
import type { WalkOptions, WalkSource } from '../files/walk.js';
import { Undo } from '../files/undo.js';
import type { SendingOptions } from './outbound.js';
import type { TextContent } from './text.js';
import { threadFor } from './thread.js';
import type { Locate } from './whereabouts.js';

/** How long a worker may take to end by itself, in milliseconds. */
const ENDING_MS = 3000;

/** What happens in the middle. */
export interface HostEvents {
  readonly onProgress: (progress: Progress) => void;
  readonly onConnection: (connection: Connection) => void;
  readonly onConflict: (conflict: Conflict) => Promise<ConflictChoice>;
  /** Asks the relay where the lanes are now. */
  readonly onLocate: Locate;
  /** Only of a transfer whose state machine runs in its worker. */
  readonly onState?: (state: MeetingState) => void;
}

/** What the peer offers: entries, or a text. */
export interface PeerOffer {
  readonly entries: readonly OfferEntry[];
  readonly totals: Totals;
  readonly text?: TextContent;
}

/** A transfer's worker. Every promise rejects with the CrocError that ended it. */
export class TransferHost {
  readonly #worker: Worker;
  readonly #events: HostEvents;
  readonly #walked = deferred<Offered>();
  readonly #connected = deferred<undefined>();
  readonly #offer = deferred<PeerOffer>();
  readonly #result = deferred<ReceiveResult>();
  readonly #exited = deferred<undefined>();
  readonly #entries: OfferEntry[] = [];
  #undo: Undo | undefined;
  #connecting = false;

  /** @param workerFile - the built src/core/transfer/worker.ts */
  constructor(workerFile: string, events: HostEvents) {
    this.#events = events;
    this.#worker = threadFor(workerFile);
    this.#worker.on('message', (message: FromWorker) => this.#onMessage(message));
    this.#worker.on('error', (cause) => this.#fail(CrocError.from(cause)));
    this.#worker.on('exit', () => {
      this.#fail(new CrocError('internal', { detail: 'the transfer ended without a word' }));
      this.#exited.resolve(undefined);
    });
  }

  /** What the walk found. */
  get walked(): Promise<Offered> {
    return this.#walked.promise;
  }

  /** What the peer offers. */
  get offer(): Promise<PeerOffer> {
    return this.#offer.promise;
  }

  /** How it ended. */
  get result(): Promise<ReceiveResult> {
    return this.#result.promise;
  }

  /** What can be taken back, if that was asked for; known before `result` settles. */
  get undo(): Undo | undefined {
    return this.#undo;
  }

  /** Starts to walk what is to be sent. */
  walk(sources: readonly WalkSource[], ignore: WalkOptions['ignore']): void {
    this.#post({ type: 'walk', sources, ignore });
  }

  /** Offers a text instead. */
  text(text: TextContent): void {
    this.#post({ type: 'text', text });
    this.#walked.resolve({ totals: { files: 0, folders: 0, bytes: 0 }, skipped: [], ignored: 0 });
  }

  /** Says how to send; before the data flows. */
  sending(options: SendingOptions): void {
    this.#post({ type: 'sending', options });
  }

  /**
   * Connects every lane; resolves when the relay has admitted all.
   *
   * @param expected - no lane says who it is before this resolves
   */
  connect(
    target: LaneTarget,
    timing: DataTiming,
    expected: Promise<unknown> = Promise.resolve(),
  ): Promise<undefined> {
    this.#post({ type: 'connect', target, timing });
    const enter = (): void => {
      this.#connecting = true;
      this.#post({ type: 'enter' });
    };
    // Who waits for `expected` hears why it did not come to that.
    expected.then(enter).catch(() => undefined);
    return this.#connected.promise;
  }

  /** Whether lanes may enter and have not all been admitted; stays so when that fails. */
  get connecting(): boolean {
    return this.#connecting;
  }

  /** Lets the worker meet the peer by itself, on croc's own network. */
  meet(message: MeetMessage): void {
    this.#post(message);
  }

  /** Lets the data plane begin: the lanes are stapled, or the recipient listens. */
  start(): void {
    this.#post({ type: 'start' });
  }

  /** Takes the offer. */
  accept(
    to: string | undefined,
    only: readonly number[] | undefined,
    onConflict: ConflictChoice | 'ask',
    undo: boolean,
    limit: number | undefined,
  ): void {
    this.#post({
      type: 'accept',
      onConflict,
      undo,
      ...(to === undefined ? {} : { to }),
      ...(only === undefined ? {} : { only }),
      ...(limit === undefined ? {} : { limit }),
    });
  }

  /** Declines the offer. */
  reject(): void {
    this.#post({ type: 'reject' });
  }

  /** Stops: tells the peer, cleans up, ends the thread; bounded, never throws. */
  async stop(): Promise<void> {
    this.#post({ type: 'cancel' });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, ENDING_MS);
    });
    await Promise.race([this.#exited.promise, late]);
    clearTimeout(timer);
    await this.#worker.terminate();
  }

  #onMessage(message: FromWorker): void {
    switch (message.type) {
      case 'walked':
        this.#walked.resolve(message.offered);
        break;
      case 'connected':
        this.#connecting = false;
        this.#connected.resolve(undefined);
        break;
      case 'locate':
        this.#locate();
        break;
      case 'state':
        this.#events.onState?.(message.state);
        break;
      case 'entries':
        for (const entry of message.entries) this.#entries.push(entry);
        break;
      case 'offer':
        this.#offer.resolve({
          entries: this.#entries,
          totals: message.totals,
          ...(message.text === undefined ? {} : { text: message.text }),
        });
        break;
      case 'conflict':
        this.#choose(message.conflict);
        break;
      case 'progress':
        this.#events.onProgress(message.progress);
        break;
      case 'connection':
        this.#events.onConnection(message.connection);
        break;
      case 'undo':
        this.#undo = new Undo(message.record);
        break;
      case 'done':
        this.#result.resolve(message.result);
        break;
      case 'failed':
        this.#fail(
          new CrocError(
            message.code,
            message.detail === undefined ? {} : { detail: message.detail },
          ),
        );
    }
  }

  #locate(): void {
    this.#events.onLocate().then(
      (place) => this.#post({ type: 'place', place }),
      (error: unknown) => this.#post({ type: 'nowhere', code: CrocError.from(error).code }),
    );
  }

  #choose(conflict: Conflict): void {
    this.#events.onConflict(conflict).then(
      (choice) => this.#post({ type: 'choice', choice }),
      (error: unknown) => {
        this.#fail(CrocError.from(error));
        this.#post({ type: 'cancel' });
      },
    );
  }

  #fail(error: CrocError): void {
    for (const waiting of [this.#walked, this.#connected, this.#offer, this.#result])
      waiting.reject(error);
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }
}
