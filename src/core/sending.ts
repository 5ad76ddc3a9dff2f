/** A send that runs: code first, then events, then `done`. */
import { EventEmitter } from 'node:events';
import type { Send } from './api.js';
import { deferred } from './async.js';
import { Sender } from './channel/sender.js';
import type { SenderState } from './channel/states.js';
import { formatCode } from './code.js';
import type { Parts } from './parts.js';
import { CrocError } from './errors.js';
import { clientContext, openHost, runToEnd } from './running.js';
import type { WalkOptions, WalkSource } from './files/walk.js';
import type { TransferHost } from './transfer/host.js';
import type { TextContent } from './transfer/text.js';
import type { CurveName, SendEvents, TransferResult } from './types.js';

/** What to send, and under which code. */
export interface SendPlanOptions {
  /** Absolute paths and files in memory, or a text instead. */
  readonly sources: readonly WalkSource[];
  readonly ignore: WalkOptions['ignore'];
  readonly text: TextContent | undefined;
  readonly channel: string | undefined;
  readonly secret: string;
  readonly curve: CurveName;
}

/** Starts a send; resolves when the code can be shown. @throws CrocError why there is no code */
export async function startSend(parts: Parts, options: SendPlanOptions): Promise<Send> {
  const running = new RunningSend(parts, options);
  await running.opened;
  return running;
}

class RunningSend extends EventEmitter<SendEvents> implements Send {
  state: SenderState = 'initialize';
  offered: Send['offered'];
  code = '';
  readonly relay: string;
  readonly curve: CurveName;
  readonly done: Promise<TransferResult>;
  readonly opened: Promise<undefined>;
  readonly #opened = deferred<undefined>();
  readonly #parts: Parts;

  constructor(parts: Parts, options: SendPlanOptions) {
    super();
    this.#parts = parts;
    this.relay = parts.relayUrl;
    this.curve = options.curve;
    const host = openHost(parts, {
      onProgress: (progress) => this.emit('progress', progress),
      onConnection: (connection) => this.emit('connection', connection),
      onConflict: () => Promise.reject(new CrocError('internal')),
    });
    if (options.text === undefined) host.walk(options.sources, options.ignore);
    else host.text(options.text);
    this.#watchWalk(host);
    this.opened = this.#opened.promise;
    const context = clientContext<SenderState>(parts, host, (state) => this.#enter(state));
    const sender = new Sender(context, {
      ...options,
      onOpen: ({ channel }) => {
        this.code = formatCode({ channel, secret: options.secret });
      },
    });
    this.done = runToEnd(parts, host, () => sender.run()).then(({ files, bytes, transferred }) => ({
      files,
      bytes,
      transferred,
    }));
    this.done.catch((error: unknown) => {
      if (this.state !== 'closed') this.#enter('closed');
      this.#opened.reject(error);
    });
  }

  async cancel(): Promise<void> {
    this.#parts.abort.abort(new CrocError('cancelled'));
    await this.done.catch(() => undefined);
  }

  #enter(state: SenderState): void {
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
