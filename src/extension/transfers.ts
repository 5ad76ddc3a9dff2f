/**
 * The running and past transfers of this window: the model that status bar, panel, tree and
 * notifications draw. A code is forgotten as soon as it is of no use, and what the history keeps on
 * the disk (history/) has no place for one.
 */
import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import {
  CrocError,
  type Connection,
  type Offered,
  type OfferEntry,
  type Progress,
  type Receive,
  type ReceiveResult,
  type RecipientState,
  type Send,
  type SendItem,
  type SenderState,
  type Skipped,
  type TextKind,
  type Totals,
  type TransferResult,
  type Undo,
} from '../core/index.js';
import { RateHistory, RateMeter } from './rate.js';

/** Where a transfer is. */
export type TransferStage = 'waiting' | 'connecting' | 'running' | 'done' | 'failed' | 'cancelled';

/** One top-level thing that is sent or received. */
export interface TransferItem {
  readonly name: string;
  readonly kind: OfferEntry['kind'] | TextKind;
  /** Bytes; undefined for a folder that nobody has added up. */
  readonly bytes: number | undefined;
}

/** Where both sides meet. */
export interface MeetingPoint {
  /** `http://host:port` that the other side can use. */
  readonly address: string;
  /** Whether this window runs it. */
  readonly own: boolean;
}

/** What is known of a transfer from its start. */
export interface TransferFacts {
  readonly items: readonly TransferItem[];
  readonly meetingPoint: MeetingPoint;
  /** Absolute paths that are sent, or the folder that is received into. */
  readonly paths: readonly string[];
  /** What is sent; in memory only. */
  readonly sent?: readonly SendItem[];
}

type Running = Send | Receive;

/** A connection that was lost and is tried again. */
export interface Lost {
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
  /** When it is given up, milliseconds since 1970. */
  readonly giveUpAtMs: number;
}

const SEND_STAGES: Record<SenderState, TransferStage> = {
  initialize: 'waiting',
  'awaiting-y': 'waiting',
  verifying: 'connecting',
  connecting: 'connecting',
  'awaiting-staple': 'connecting',
  sending: 'running',
  closed: 'running',
};
const RECEIVE_STAGES: Record<RecipientState, TransferStage> = {
  initialize: 'connecting',
  'awaiting-x': 'connecting',
  'awaiting-h_k': 'connecting',
  connecting: 'connecting',
  receiving: 'running',
  closed: 'running',
};

/** One transfer as the views see it. */
export class Transfer {
  readonly id = randomUUID();
  stage: TransferStage;
  /** Only of a send, only while somebody can use it. */
  code: string | undefined;
  totals: Totals | undefined;
  skipped: readonly Skipped[] = [];
  progress: Progress | undefined;
  readonly rate = new RateMeter();
  readonly rates = new RateHistory();
  /** While the two sides do not hear each other. */
  lost: Lost | undefined;
  /** How many things ignore rules left out of what is sent. */
  ignored = 0;
  /** Whether *Undo* can put back what this receive overwrote. */
  canUndo = false;
  /** Milliseconds since 1970. */
  readonly startedAtMs = Date.now();
  endedAtMs: number | undefined;
  result: TransferResult | undefined;
  /** Absolute paths of what arrived; only of a receive that is done. */
  roots: readonly string[] = [];
  error: CrocError | undefined;

  constructor(
    readonly direction: 'send' | 'receive',
    readonly facts: TransferFacts,
    private readonly running: Running,
  ) {
    this.stage = direction === 'send' ? 'waiting' : 'running';
  }

  /** Whether it still goes on. */
  get active(): boolean {
    return this.stage === 'waiting' || this.stage === 'connecting' || this.stage === 'running';
  }

  /** Whether it is a text or a patch, which touches no disk. */
  get isText(): boolean {
    const kind = this.facts.items[0]?.kind;
    return kind === 'text' || kind === 'patch';
  }

  /** Whether both are connected but the recipient has not said yes yet. */
  get deciding(): boolean {
    return this.direction === 'send' && this.stage === 'running' && this.progress === undefined;
  }

  /** Whether less arrived than was offered: the recipient left things out. */
  get tookPart(): boolean {
    return (this.result?.files ?? Infinity) < (this.totals?.files ?? 0);
  }

  /** Resolves when it is over, however it ended. */
  get settled(): Promise<void> {
    return this.running.done.then(
      () => undefined,
      () => undefined,
    );
  }

  /** What can be taken back of a receive that is over. */
  get undo(): Undo | undefined {
    return 'undo' in this.running ? this.running.undo : undefined;
  }

  /** Stops it. Never throws. */
  cancel(): Promise<void> {
    return this.running.cancel();
  }
}

/** The list. Fires with the transfer that changed. */
export class Transfers implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<Transfer>();
  readonly #ended = new vscode.EventEmitter<Transfer>();
  readonly onDidChange = this.#changed.event;
  /** Fires once for each transfer that is over. */
  readonly onDidEnd = this.#ended.event;
  #all: readonly Transfer[] = [];
  #clock: NodeJS.Timeout | undefined;

  constructor(private readonly log: vscode.LogOutputChannel) {}

  /** Newest first. */
  get all(): readonly Transfer[] {
    return this.#all;
  }

  /** Those that still go on, newest first. */
  get active(): readonly Transfer[] {
    return this.#all.filter((transfer) => transfer.active);
  }

  find(id: string): Transfer | undefined {
    return this.#all.find((transfer) => transfer.id === id);
  }

  /** Follows a send. */
  addSend(send: Send, facts: TransferFacts): Transfer {
    const transfer = new Transfer('send', facts, send);
    transfer.code = send.code;
    this.#take(transfer, SEND_STAGES[send.state]);
    if (send.offered !== undefined) this.#offered(transfer, send.offered);
    send.on('offered', (totals, skipped, ignored) =>
      this.#offered(transfer, { totals, skipped, ignored }),
    );
    send.on('state', (state) => this.#moved(transfer, state, SEND_STAGES[state]));
    send.on('progress', (progress) => this.#progressed(transfer, progress));
    send.on('connection', (connection) => this.#connection(transfer, connection));
    this.#follow(transfer, send.done);
    return transfer;
  }

  /** Follows a receive. */
  addReceive(receive: Receive, facts: TransferFacts, totals: Totals): Transfer {
    const transfer = new Transfer('receive', facts, receive);
    transfer.totals = totals;
    this.#take(transfer, RECEIVE_STAGES[receive.state]);
    receive.on('state', (state) => this.#moved(transfer, state, RECEIVE_STAGES[state]));
    receive.on('progress', (progress) => this.#progressed(transfer, progress));
    receive.on('connection', (connection) => this.#connection(transfer, connection));
    this.#follow(transfer, receive.done);
    return transfer;
  }

  /** Takes one that is over off the list. */
  forget(id: string): void {
    this.#all = this.#all.filter((transfer) => transfer.id !== id || transfer.active);
  }

  /** Tells of a transfer whose fields were changed from outside, such as `canUndo`. */
  touch(transfer: Transfer): void {
    this.#changed.fire(transfer);
  }

  /** Cancels what runs. Never throws. */
  async close(): Promise<void> {
    await Promise.all(this.active.map((transfer) => transfer.cancel()));
  }

  dispose(): void {
    clearInterval(this.#clock);
    this.#changed.dispose();
    this.#ended.dispose();
  }

  #take(transfer: Transfer, stage: TransferStage): void {
    transfer.stage = stage;
    this.#all = [transfer, ...this.#all];
    this.log.info(
      `${transfer.direction} ${transfer.id}: started, relay ${transfer.facts.meetingPoint.address}`,
    );
    this.#changed.fire(transfer);
  }

  #offered(transfer: Transfer, offered: Offered): void {
    transfer.totals = offered.totals;
    transfer.skipped = offered.skipped;
    transfer.ignored = offered.ignored;
    this.#changed.fire(transfer);
  }

  #moved(transfer: Transfer, state: string, stage: TransferStage): void {
    if (!transfer.active) return;
    this.log.debug(`${transfer.direction} ${transfer.id}: ${state}`);
    transfer.stage = stage;
    // Somebody has come: the code is used up.
    if (stage === 'running') transfer.code = undefined;
    this.#changed.fire(transfer);
  }

  #progressed(transfer: Transfer, progress: Progress): void {
    if (!transfer.active) return;
    transfer.progress = progress;
    const atMs = performance.now();
    transfer.rate.add(atMs, progress.transferred);
    transfer.rates.add(atMs, progress.transferred);
    this.#changed.fire(transfer);
  }

  #connection(transfer: Transfer, { connected, giveUpInMs }: Connection): void {
    if (!transfer.active) return;
    const nowMs = Date.now();
    this.log.info(
      `${transfer.direction} ${transfer.id}: ${connected ? 'connected again' : 'connection lost'}`,
    );
    transfer.lost = connected
      ? undefined
      : { sinceMs: transfer.lost?.sinceMs ?? nowMs, giveUpAtMs: nowMs + giveUpInMs };
    this.#countWhileLost();
    this.#changed.fire(transfer);
  }

  /** While a connection is lost the seconds are counted, and only then is there a timer. */
  #countWhileLost(): void {
    const anyLost = (): boolean => this.active.some(({ lost }) => lost !== undefined);
    if (!anyLost()) {
      clearInterval(this.#clock);
      this.#clock = undefined;
      return;
    }
    this.#clock ??= setInterval(() => {
      for (const transfer of this.active)
        if (transfer.lost !== undefined) this.#changed.fire(transfer);
    }, 1000);
  }

  #follow(transfer: Transfer, done: Promise<TransferResult | ReceiveResult>): void {
    const end = (stage: TransferStage): void => {
      transfer.stage = stage;
      transfer.code = undefined;
      transfer.lost = undefined;
      transfer.endedAtMs = Date.now();
      this.#countWhileLost();
      this.#changed.fire(transfer);
      this.#ended.fire(transfer);
    };
    done.then(
      (result) => {
        transfer.result = result;
        if ('roots' in result) transfer.roots = result.roots;
        this.log.info(
          `${transfer.direction} ${transfer.id}: done, ${result.files} files, ${result.bytes} bytes`,
        );
        end('done');
      },
      (thrown: unknown) => {
        const error = CrocError.from(thrown);
        transfer.error = error;
        this.log.info(`${transfer.direction} ${transfer.id}: ${error.code}`);
        end(error.code === 'cancelled' ? 'cancelled' : 'failed');
      },
    );
  }
}
