/** The person beyond the host thread, as a worker sees them: told of the offer, asked what to do with it. */
import type { MessagePort } from 'node:worker_threads';
import { deferred } from '../async.js';
import type { Conflict, ConflictChoice, OfferEntry, Progress, Totals } from '../types.js';
import type { Decision, Receiver } from './inbound.js';
import type { FromWorker, ToWorker } from './messages.js';
import type { TextContent } from './text.js';

/** Entries in one message to the host, so that taking one never blocks its thread for long. */
const ENTRIES_PER_MESSAGE = 1000;

/** Passes questions on and answers back. */
export class Person implements Receiver {
  readonly #port: MessagePort;
  readonly #decision = deferred<Decision>();
  #choice = deferred<ConflictChoice>();

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** Takes an answer. */
  answer(message: Extract<ToWorker, { type: 'accept' | 'reject' | 'choice' }>): void {
    if (message.type === 'choice') this.#choice.resolve(message.choice);
    else if (message.type === 'reject') this.#decision.resolve({ accept: false });
    else this.#decision.resolve({ ...message, accept: true });
  }

  onEntries(entries: readonly OfferEntry[]): void {
    for (let at = 0; at < entries.length; at += ENTRIES_PER_MESSAGE)
      this.#post({ type: 'entries', entries: entries.slice(at, at + ENTRIES_PER_MESSAGE) });
  }

  onOffer(totals: Totals, text?: TextContent): void {
    this.#post({ type: 'offer', totals, ...(text === undefined ? {} : { text }) });
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
    this.#post({ type: 'progress', progress });
  }

  #post(message: FromWorker): void {
    this.#port.postMessage(message);
  }
}
