/**
 * The worker thread of one transfer over croc's own network: walks, meets the peer at the relay, moves the
 * data. The host thread only hears how far it is.
 */
import path from 'node:path';
import { parentPort } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { systemRandom } from '../edges.js';
import { CrocError } from '../errors.js';
import type { WalkOptions, WalkSource } from '../files/walk.js';
import type { FromWorker, MeetMessage, MeetingState, ToWorker } from '../transfer/messages.js';
import type { Walked } from '../transfer/outbound.js';
import { Person } from '../transfer/person.js';
import { walkAll } from '../transfer/walking.js';
import type { Progress, ReceiveResult } from '../types.js';
import { parseCrocCode } from './code.js';
import { CANCELLING } from './control.js';
import { meetRecipient, meetSender } from './meeting.js';
import type { CrocLink, MeetingOptions } from './meeting.js';
import { CrocRecipient } from './recipient.js';
import { CrocSender, prepare } from './sender.js';
import { textAsFile } from './text.js';

/** How long the last words may take to leave, in milliseconds. */
const FAREWELL_MS = 2000;
/** Between two words about progress, in milliseconds. */
const PROGRESS_MS = 100;

class CrocTransfer {
  readonly #port: MessagePort;
  readonly #abort = new AbortController();
  readonly #person: Person;
  #walked: Promise<Walked> = Promise.reject(new CrocError('nothing_to_send'));
  #link: CrocLink | undefined;
  #progressAtMs = 0;
  #lastProgress: Progress | undefined;
  #isText = false;
  #over = false;

  constructor(port: MessagePort) {
    this.#port = port;
    this.#person = new Person(port);
    this.#walked.catch(() => undefined);
    port.on('message', (message: ToWorker) => {
      this.#onMessage(message).catch((error: unknown) => this.#end(CrocError.from(error)));
    });
  }

  #onProgress(progress: Progress): void {
    this.#lastProgress = progress;
    const now = performance.now();
    if (now - this.#progressAtMs < PROGRESS_MS) return;
    this.#progressAtMs = now;
    this.#person.onProgress(progress);
  }

  async #onMessage(message: ToWorker): Promise<void> {
    switch (message.type) {
      case 'walk':
        this.#walked = this.#walk(message.sources, message.ignore);
        await this.#walked;
        return;
      case 'text':
        this.#walked = Promise.resolve(textAsFile(message.text, systemRandom));
        this.#isText = true;
        return;
      case 'meet':
        await this.#run(message);
        return;
      case 'accept':
      case 'reject':
      case 'choice':
        this.#person.answer(message);
        return;
      case 'cancel':
        await this.#end(new CrocError('cancelled'));
        return;
      case 'connect':
      case 'enter':
      case 'start':
        throw new CrocError('internal', { detail: message.type });
    }
  }

  async #run(message: MeetMessage): Promise<void> {
    const result = await (message.role === 'sender' ? this.#send(message) : this.#receive(message));
    if (this.#lastProgress) this.#person.onProgress(this.#lastProgress);
    this.#post({ type: 'done', result });
    await this.#end(undefined);
  }

  async #send(message: MeetMessage): Promise<ReceiveResult> {
    const preparing = this.#walked.then((walked) => prepare(walked, this.#abort.signal));
    preparing.catch((error: unknown) => this.#abort.abort(error));
    this.#link = await meetRecipient(this.#meeting(message));
    const prepared = await preparing;
    this.#post({ type: 'state', state: 'sending' });
    const progress = (one: Progress): void => this.#onProgress(one);
    const sender = new CrocSender(this.#link, prepared, this.#isText, systemRandom, progress);
    return { ...(await sender.run()), roots: [] };
  }

  async #receive(message: MeetMessage): Promise<ReceiveResult> {
    this.#link = await meetSender(this.#meeting(message));
    this.#post({ type: 'state', state: 'receiving' });
    const progress = (one: Progress): void => this.#onProgress(one);
    return new CrocRecipient(this.#link, this.#person, systemRandom, progress).run();
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

  async #walk(sources: readonly WalkSource[], ignore: WalkOptions['ignore']): Promise<Walked> {
    const walked = await walkAll(sources, ignore, this.#abort.signal);
    this.#post({ type: 'walked', offered: walked.offered });
    return walked;
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

  #post(message: FromWorker): void {
    this.#port.postMessage(message);
  }
}

/** What the peer is told about why we stop; never a path of this disk. */
function reasonFor({ code, phase, detail, message }: CrocError): string {
  if (code === 'cancelled') return CANCELLING;
  const tellable = phase !== 'files' || !path.isAbsolute(detail ?? '/');
  return tellable ? message : new CrocError(code).message;
}

if (parentPort) new CrocTransfer(parentPort);
