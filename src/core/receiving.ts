/** A receive: first an offer that touches nothing, then, once accepted, the transfer. */
import { EventEmitter } from 'node:events';
import type { Offer, Receive, Undo } from './api.js';
import { Recipient } from './channel/recipient.js';
import { isRecipientState } from './channel/states.js';
import type { RecipientState } from './channel/states.js';
import type { Code } from './code.js';
import { meetMessage } from './croc11/route.js';
import type { ChannelParts, CrocParts, Parts } from './parts.js';
import { CrocError } from './errors.js';
import {
  Connections,
  checkLimit,
  clientContext,
  dataPlane,
  openHost,
  runToEnd,
} from './running.js';
import type { PeerOffer, TransferHost } from './transfer/host.js';
import type { MeetingState } from './transfer/messages.js';
import type {
  AcceptOptions,
  Conflict,
  ConflictChoice,
  Connection,
  OfferEntry,
  OfferKind,
  Progress,
  ReceiveEvents,
  ReceiveResult,
  Totals,
} from './types.js';

/** Who hears of a receive before its offer is accepted. */
interface Watcher {
  readonly onState: (state: RecipientState) => void;
  readonly onConnection: (connection: Connection) => void;
}
type Begin = (host: TransferHost, meeting: Meeting) => Promise<ReceiveResult>;

/** Meets the sender in a channel; resolves with the offer. @throws CrocError why there is none */
export function receiveOffer(parts: ChannelParts, code: Code, watcher: Watcher): Promise<Offer> {
  return offerOf(parts, watcher, (host, meeting) => {
    const onState = (state: RecipientState): void => meeting.enter(state);
    const context = clientContext(parts, host, onState, meeting.connections);
    return new Recipient(context, code).run();
  });
}

/** Meets the sender on croc's own network; resolves with the offer. @throws CrocError why there is none */
export function receiveCrocOffer(parts: CrocParts, watcher: Watcher): Promise<Offer> {
  const { route, timing, localAddress } = parts;
  return offerOf(parts, watcher, (host) => {
    host.meet(meetMessage(route, 'recipient', timing, localAddress));
    return dataPlane(parts, host).result;
  });
}

async function offerOf(parts: Parts, watcher: Watcher, begin: Begin): Promise<Offer> {
  const meeting = new Meeting(parts, begin, watcher);
  // When it fails, the state machine knows better than the worker why.
  const offer = meeting.host.offer.catch(() => meeting.done);
  const offered = await Promise.race([offer, meeting.done]);
  if ('roots' in offered) throw new CrocError('internal', { detail: 'done before the offer' });
  return new ReceivedOffer(meeting, parts, offered);
}

/** The recipient's state machine with its worker; who listens changes when the offer is accepted. */
class Meeting {
  readonly host: TransferHost;
  readonly done: Promise<ReceiveResult>;
  onProgress: (progress: Progress) => void = () => undefined;
  onState: Watcher['onState'];
  onConnection: Watcher['onConnection'];
  /** Every link of this receive. */
  readonly connections = new Connections((connection) => this.onConnection(connection));
  onConflict: (conflict: Conflict) => Promise<ConflictChoice> = () => Promise.resolve('rename');
  state: RecipientState = 'initialize';

  constructor(
    readonly parts: Parts,
    begin: Begin,
    { onState, onConnection }: Watcher,
  ) {
    this.onState = onState;
    this.onConnection = onConnection;
    this.host = openHost(parts, {
      onProgress: (progress) => this.onProgress(progress),
      onConnection: (connection) => this.connections.update('lanes', connection),
      onConflict: (conflict) => this.onConflict(conflict),
      onState: (state) => this.enter(toRecipientState(state)),
    });
    this.done = runToEnd(parts, this.host, () => begin(this.host, this));
    const close = (): void => {
      if (this.state !== 'closed') this.enter('closed');
    };
    this.done.then(close, close);
  }

  async stop(): Promise<void> {
    this.parts.abort.abort(new CrocError('cancelled'));
    await this.done.catch(() => undefined);
  }

  /** Goes into a state. */
  enter(state: RecipientState): void {
    this.state = state;
    this.onState(state);
  }
}

class ReceivedOffer implements Offer {
  readonly relay: string;
  readonly kind: OfferKind;
  readonly entries: readonly OfferEntry[];
  readonly totals: Totals;
  readonly text?: string;
  readonly content?: Uint8Array;
  readonly name?: string;
  readonly gone: AbortSignal;
  readonly #meeting: Meeting;
  #answered = false;

  constructor(meeting: Meeting, parts: Parts, { entries, totals, text }: PeerOffer) {
    this.#meeting = meeting;
    this.entries = entries;
    this.totals = totals;
    this.kind = text?.kind ?? 'files';
    if (text !== undefined) {
      this.content = text.content;
      // `Buffer`, because a decoder would swallow a byte order mark.
      this.text = Buffer.from(text.content).toString();
      if (text.name !== undefined) this.name = text.name;
    }
    this.relay = parts.relayUrl;
    const gone = new AbortController();
    this.gone = gone.signal;
    meeting.done.catch((error: unknown) => {
      if (!this.#answered) gone.abort(error);
    });
  }

  accept(options: AcceptOptions = {}): Receive {
    if (this.#answered) throw new CrocError('usage', { detail: 'the offer was answered already' });
    checkLimit(options.limit);
    this.#answered = true;
    return new RunningReceive(this.#meeting, options);
  }

  async reject(): Promise<void> {
    if (this.#answered) return;
    this.#answered = true;
    this.#meeting.host.reject();
    await this.#meeting.done.catch(() => undefined);
  }
}

class RunningReceive extends EventEmitter<ReceiveEvents> implements Receive {
  readonly #meeting: Meeting;

  constructor(meeting: Meeting, options: AcceptOptions) {
    super();
    this.#meeting = meeting;
    meeting.onState = (state) => this.emit('state', state);
    meeting.onProgress = (progress) => this.emit('progress', progress);
    meeting.onConnection = (connection) => this.emit('connection', connection);
    const limit = checkLimit(options.limit);
    const { onConflict = 'rename' } = options;
    if (typeof onConflict === 'function') meeting.onConflict = onConflict;
    const choice = typeof onConflict === 'function' ? 'ask' : onConflict;
    meeting.host.accept(options.to, options.only, choice, options.undo === true, limit);
  }

  get state(): RecipientState {
    return this.#meeting.state;
  }

  get undo(): Undo | undefined {
    return this.#meeting.host.undo;
  }

  get done(): Promise<ReceiveResult> {
    return this.#meeting.done;
  }

  cancel(): Promise<void> {
    return this.#meeting.stop();
  }
}

/** A worker of a receive says states of a recipient only. */
function toRecipientState(state: MeetingState): RecipientState {
  if (isRecipientState(state)) return state;
  throw new CrocError('internal', { detail: state });
}
