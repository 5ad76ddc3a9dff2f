/**
 * The transfer's worker thread: walks, connects the lanes, moves the data. The host thread, where the
 * state machines run, only hears how far it is. One worker serves one transfer and then ends.
 */
import path from 'node:path';
import { parentPort } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { deferred } from '../async.js';
import type { Deferred } from '../async.js';
import { systemRandom } from '../edges.js';
import { CrocError } from '../errors.js';
import type { WalkOptions, WalkSource } from '../files/walk.js';
import type { ControlOf } from '../wire/control.js';
import { Inbound } from './inbound.js';
import { dialTcp } from './laneConnection.js';
import type { DataTiming } from '../timing.js';
import type { FromWorker, ToWorker } from './messages.js';
import type { LanePlace, LaneTarget } from '../wire/keys.js';
import { keepFreedMemory } from '../wire/memory.js';
import { packAhead } from './offering.js';
import { Outbound } from './outbound.js';
import type { SendingOptions, Walked } from './outbound.js';
import { Person } from './person.js';
import { totalsOf } from './selection.js';
import { Session } from './session.js';
import type { Connection, TransferResult } from '../types.js';
import { walkAll } from './walking.js';

/** How long the peer may take to close after both have said everything, in milliseconds. */
const CLOSING_MS = 5000;
/** The built thread that gives files their names lies beside this one. */
const PUBLISHER = path.join(__dirname, 'publisher.js');

/** One transfer inside the worker. */
class Transfer {
  readonly #port: MessagePort;
  readonly #abort = new AbortController();
  readonly #person: Person;
  #walked: Promise<Walked> = Promise.reject(new CrocError('nothing_to_send'));
  #session: Session | undefined;
  #begin: (() => Promise<void>) | undefined;
  #sending: SendingOptions = {};
  #locating: Deferred<LanePlace> | undefined;
  readonly #entering = deferred<undefined>();
  #over = false;
  #reconnectMs = 0;

  constructor(port: MessagePort) {
    keepFreedMemory();
    this.#port = port;
    this.#person = new Person(port);
    this.#walked.catch(() => undefined);
    port.on('message', (message: ToWorker) => {
      this.#onMessage(message).catch((error: unknown) => this.#end(CrocError.from(error)));
    });
  }

  async #onMessage(message: ToWorker): Promise<void> {
    switch (message.type) {
      case 'walk':
        this.#walked = this.#walk(message.sources, message.ignore);
        await this.#walked;
        return;
      case 'text':
        this.#walked = Promise.resolve({ entries: [], totals: totalsOf([]), text: message.text });
        return;
      case 'sending':
        this.#sending = message.options;
        return;
      case 'connect':
        await this.#connect(message.target, message.timing);
        return;
      case 'enter':
        this.#entering.resolve(undefined);
        return;
      case 'place':
        this.#locating?.resolve(message.place);
        return;
      case 'nowhere':
        this.#locating?.reject(new CrocError(message.code));
        return;
      case 'start':
        await this.#begin?.();
        return;
      case 'accept':
      case 'reject':
      case 'choice':
        this.#person.answer(message);
        return;
      case 'cancel':
        this.#cancel();
        return;
      case 'meet':
        throw new CrocError('internal', { detail: 'this worker knows channels only' });
    }
  }

  async #walk(sources: readonly WalkSource[], ignore: WalkOptions['ignore']): Promise<Walked> {
    const walked = await walkAll(sources, ignore, this.#abort.signal);
    this.#post({ type: 'walked', offered: walked.offered });
    if (this.#sending.compress === false) return walked;
    return { ...walked, packed: packAhead(walked.entries) };
  }

  async #connect(target: LaneTarget, timing: DataTiming): Promise<void> {
    const entering = this.#entering.promise;
    const edges = { dial: dialTcp, random: systemRandom, locate: () => this.#locate(), entering };
    const onConnection = (connection: Connection): void =>
      this.#post({ type: 'connection', connection });
    const { signal } = this.#abort;
    let sent: Promise<TransferResult> | undefined;
    const offer = (early: Session): Promise<TransferResult> => {
      this.#session = early;
      return (sent = this.#offer(early));
    };
    const early = target.role === 'sender' ? offer : undefined;
    const session = await Session.open(target, timing, signal, onConnection, edges, early);
    this.#reconnectMs = timing.reconnectMs;
    this.#session = session;
    this.#begin = async () => {
      this.#begin = undefined;
      await (sent ? this.#send(session, sent) : this.#receive(session));
    };
    this.#post({ type: 'connected' });
  }

  /** Asks the host's thread, which knows the relay. It is asked one thing at a time. */
  #locate(): Promise<LanePlace> {
    this.#locating = deferred<LanePlace>();
    this.#post({ type: 'locate' });
    return this.#locating.promise;
  }

  /** Begins to send, on lanes that the relay has still to admit. */
  #offer(session: Session): Promise<TransferResult> {
    const outbound = new Outbound(
      session,
      this.#walked,
      (progress) => this.#person.onProgress(progress),
      this.#sending,
    );
    session.start(outbound, true);
    return outbound.run();
  }

  async #send(session: Session, sent: Promise<TransferResult>): Promise<void> {
    const result = await sent;
    await session.finish(CLOSING_MS);
    this.#post({ type: 'done', result: { ...result, roots: [] } });
    await this.#end(undefined);
  }

  async #receive(session: Session): Promise<void> {
    const inbound = new Inbound(session, this.#person, systemRandom, PUBLISHER);
    session.start(inbound);
    const result = await inbound.run().finally(() => {
      const record = inbound.undoRecord;
      if (record !== undefined) this.#post({ type: 'undo', record });
    });
    // Until the sender has said that it knows, it may still have to come back to hear it.
    await session.finish(session.reconnects ? this.#reconnectMs : CLOSING_MS);
    this.#post({ type: 'done', result });
    await this.#end(undefined);
  }

  #cancel(): void {
    const cancelled = new CrocError('cancelled');
    this.#abort.abort(cancelled);
    if (this.#session && !this.#begin) this.#session.fail(cancelled);
    else void this.#end(cancelled);
  }

  /** The one way out: the peer and the host are told, everything is closed, the thread ends. */
  async #end(error: CrocError | undefined): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    this.#abort.abort();
    if (error) {
      await this.#session?.farewell(wordFor(error));
      const { code, detail } = error;
      this.#post({ type: 'failed', code, ...(detail === undefined ? {} : { detail }) });
    }
    this.#session?.close();
    this.#port.close();
  }

  #post(message: FromWorker): void {
    this.#port.postMessage(message);
  }
}

/** What the peer should hear about why we stop; nothing when it knows already or is gone. */
function wordFor(error: CrocError): Parameters<Session['farewell']>[0] {
  switch (error.code) {
    case 'refused':
    case 'peer_cancelled':
    case 'peer_failed':
    case 'connection_lost':
    case 'peer_silent':
      return undefined;
    case 'cancelled':
      return { t: 'cancel' };
    default:
      return errorFor(error);
  }
}

/** The code, and which offered file it is about; never a path of this disk. */
function errorFor({ code, phase, detail }: CrocError): ControlOf<'error'> {
  const tellable = phase === 'transfer' || (phase === 'files' && !path.isAbsolute(detail ?? '/'));
  return tellable && detail !== undefined ? { t: 'error', code, detail } : { t: 'error', code };
}

if (parentPort) new Transfer(parentPort);
