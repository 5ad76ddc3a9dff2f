/** A send that runs: code first, then events, then `done`. */
import { EventEmitter } from 'node:events';
import type { Send } from './api.js';
import { deferred } from './async.js';
import { Sender } from './channel/sender.js';
import { isSenderState } from './channel/states.js';
import type { SenderState } from './channel/states.js';
import { formatCode } from './code.js';
import { meetMessage } from './croc11/route.js';
import type { ChannelParts, CrocParts, Parts } from './parts.js';
import { CrocError } from './errors.js';
import { Connections, clientContext, dataPlane, openHost, runToEnd } from './running.js';
import type { WalkOptions, WalkSource } from './files/walk.js';
import type { TransferHost } from './transfer/host.js';
import type { MeetingState } from './transfer/messages.js';
import type { SendingOptions } from './transfer/outbound.js';
import type { TextContent } from './transfer/text.js';
import type { CurveName, ReceiveResult, SendEvents, TransferResult } from './types.js';

/** What to send. */
export interface SendContent {
  /** Absolute paths and files in memory, or a text instead. */
  readonly sources: readonly WalkSource[];
  readonly ignore: WalkOptions['ignore'];
  readonly text: TextContent | undefined;
  readonly curve: CurveName;
  readonly sending: SendingOptions;
}

/** What to send, and under which code. */
export interface SendPlanOptions extends SendContent {
  readonly channel: string | undefined;
  readonly secret: string;
}

/** Starts a send by the channel protocol; resolves when the code can be shown. @throws CrocError why there is no code */
export function startSend(parts: ChannelParts, options: SendPlanOptions): Promise<Send> {
  return opened(parts, options, undefined, (host, running) => {
    const onState = (state: SenderState): void => running.enter(state);
    const context = clientContext(parts, host, onState, running.connections);
    const onOpen = ({ channel }: { readonly channel: string }): void => {
      running.code = formatCode({ channel, secret: options.secret });
    };
    return new Sender(context, { ...options, onOpen }).run();
  });
}

/** Starts a send over croc's own network; resolves when the code can be shown. @throws CrocError why there is no code */
export function startCrocSend(parts: CrocParts, content: SendContent): Promise<Send> {
  const { route, timing, localAddress } = parts;
  return opened(parts, content, route.code, (host) => {
    host.meet(meetMessage(route, 'sender', timing, localAddress));
    return dataPlane(parts, host).result;
  });
}

type Begin = (host: TransferHost, running: RunningSend) => Promise<ReceiveResult>;

async function opened(
  parts: Parts,
  content: SendContent,
  code: string | undefined,
  begin: Begin,
): Promise<Send> {
  const running = new RunningSend(parts, content, code ?? '', begin);
  await running.opened;
  return running;
}

class RunningSend extends EventEmitter<SendEvents> implements Send {
  state: SenderState = 'initialize';
  offered: Send['offered'];
  code: string;
  readonly relay: string;
  readonly curve: CurveName;
  readonly done: Promise<TransferResult>;
  readonly opened: Promise<undefined>;
  /** Every link of this send. */
  readonly connections = new Connections((connection) => this.emit('connection', connection));
  readonly #opened = deferred<undefined>();
  readonly #parts: Parts;

  constructor(parts: Parts, content: SendContent, code: string, begin: Begin) {
    super();
    this.#parts = parts;
    this.code = code;
    this.relay = parts.relayUrl;
    this.curve = content.curve;
    const host = openHost(parts, {
      onProgress: (progress) => this.emit('progress', progress),
      onConnection: (connection) => this.connections.update('lanes', connection),
      onConflict: () => Promise.reject(new CrocError('internal')),
      onState: (state) => this.enter(toSenderState(state)),
    });
    host.sending(content.sending);
    if (content.text === undefined) host.walk(content.sources, content.ignore);
    else host.text(content.text);
    this.#watchWalk(host);
    this.opened = this.#opened.promise;
    this.done = runToEnd(parts, host, () => begin(host, this)).then(
      ({ files, bytes, transferred }) => {
        if (this.state !== 'closed') this.enter('closed');
        return { files, bytes, transferred };
      },
    );
    this.done.catch((error: unknown) => {
      if (this.state !== 'closed') this.enter('closed');
      this.#opened.reject(error);
    });
  }

  async cancel(): Promise<void> {
    this.#parts.abort.abort(new CrocError('cancelled'));
    await this.done.catch(() => undefined);
  }

  /** Goes into a state. */
  enter(state: SenderState): void {
    this.state = state;
    this.emit('state', state);
    if (state === 'awaiting-y') this.#opened.resolve(undefined);
  }

  #watchWalk(host: TransferHost): void {
    host.walked.then(
      (offered) => {
        this.offered = offered;
        this.emit('offered', offered.totals, offered.skipped, offered.ignored);
      },
      () => undefined,
    );
  }
}

/** A worker of a send says states of a sender only. */
function toSenderState(state: MeetingState): SenderState {
  if (isSenderState(state)) return state;
  throw new CrocError('internal', { detail: state });
}
