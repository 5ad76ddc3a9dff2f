/** What the verbs tell, and its rendering as JSON lines. */
import type { Writable } from 'node:stream';
import type {
  CrocError,
  Offer,
  Offered,
  OfferKind,
  Progress,
  ReceiveResult,
  RecipientState,
  Relay,
  RelayCheck,
  SenderState,
  TransferResult,
} from '../core/index.js';
import type { OfferFacts } from './format.js';

/** The facts that a verb tells while it runs; rendered for people or for programs. */
export interface Reporter {
  /** A relay takes clients. */
  listening(relay: Pick<Relay, 'url' | 'ports'>): void;
  /**
   * The code is known.
   * @param relay - the address that the other side must use
   * @param announced - whether the other side finds it by itself on this network
   */
  code(code: string, relay: string, announced: boolean): void;
  /** The sender's walk is over. */
  offered(offered: Offered): void;
  state(state: SenderState | RecipientState): void;
  /** The recipient sees what is offered. */
  offer(offer: OfferFacts): void;
  /** A text was taken: this is it. */
  text(offer: OfferFacts): void;
  progress(progress: Progress): void;
  sent(result: TransferResult): void;
  received(result: ReceiveResult): void;
  /** A relay was looked at. */
  checked(check: RelayCheck): void;
  /** The verb failed; nothing is told after this. */
  failed(error: CrocError): void;
}

/** One line of `--json`. */
export type JsonEvent =
  | { event: 'listening'; url: string; ports: readonly number[] }
  | { event: 'code'; code: string; relay: string }
  | { event: 'skipped'; path: string; reason: string }
  | { event: 'state'; state: string }
  | { event: 'ignored'; count: number }
  | {
      event: 'offer';
      kind: OfferKind;
      entries: Offer['entries'];
      bytes: number;
      name?: string | undefined;
    }
  | { event: 'text'; kind: OfferKind; text: string; base64?: string | undefined }
  | {
      event: 'progress';
      bytes: number;
      total: number;
      resumed?: number;
      files?: number;
      filesDone?: number;
    }
  | { event: 'done'; files: number; bytes: number; transferred: number }
  | ({ event: 'check' } & RelayCheck)
  | { event: 'error'; code: string; message: string };

/** Milliseconds between two lines about progress: nine in a second, so ten with the last one. */
const PROGRESS_EVERY_MS = 120;

/** Tells everything as one JSON object a line (README.md, "JSON"). */
export class JsonReporter implements Reporter {
  readonly #stdout: Writable;
  #state: string | undefined;
  /** The newest numbers, told or not. */
  #progress: Progress | undefined;
  #toldBytes: number | undefined;
  /** Runs while it is too early for another line about progress. */
  #pause: NodeJS.Timeout | undefined;

  /** @param stdout - gets the lines and nothing else */
  constructor(stdout: Writable) {
    this.#stdout = stdout;
  }

  #tell(event: JsonEvent): void {
    this.#stdout.write(`${JSON.stringify(event)}\n`);
  }

  listening({ url, ports }: Pick<Relay, 'url' | 'ports'>): void {
    this.#tell({ event: 'listening', url, ports });
  }

  code(code: string, relay: string): void {
    this.#tell({ event: 'code', code, relay });
  }

  offered({ skipped, ignored }: Offered): void {
    for (const { path, reason } of skipped) this.#tell({ event: 'skipped', path, reason });
    if (ignored > 0) this.#tell({ event: 'ignored', count: ignored });
  }

  state(state: string): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#tell({ event: 'state', state });
  }

  offer({ kind, entries, totals, content, name }: OfferFacts): void {
    const bytes = content?.length ?? totals.bytes;
    this.#tell({ event: 'offer', kind, entries, bytes, name });
  }

  text({ kind, text = '', content = new Uint8Array() }: OfferFacts): void {
    // What is no UTF-8 comes as bytes too, for the text has lost them.
    const exact = Buffer.from(text).equals(content);
    const base64 = exact ? undefined : Buffer.from(content).toString('base64');
    this.#tell({ event: 'text', kind, text, base64 });
  }

  progress(progress: Progress): void {
    this.#progress = progress;
    if (this.#pause === undefined) this.#tellProgress(progress);
  }

  #tellProgress({ bytes, total, resumed, files, filesDone }: Progress): void {
    const more = {
      ...(resumed === undefined ? {} : { resumed }),
      ...(files === undefined ? {} : { files }),
      ...(filesDone === undefined ? {} : { filesDone }),
    };
    this.#toldBytes = bytes;
    this.#tell({ event: 'progress', bytes, total, ...more });
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      const newest = this.#progress;
      if (newest !== undefined && newest.bytes !== this.#toldBytes) this.#tellProgress(newest);
    }, PROGRESS_EVERY_MS);
  }

  #done({ files, bytes, transferred }: TransferResult): void {
    clearTimeout(this.#pause);
    // The last progress is always told, so that a reader's bar ends full.
    const total = this.#progress?.total ?? bytes;
    if (this.#toldBytes !== total) this.#tell({ event: 'progress', bytes: total, total });
    this.#tell({ event: 'done', files, bytes, transferred });
  }

  sent(result: TransferResult): void {
    this.#done(result);
  }

  received(result: ReceiveResult): void {
    this.#done(result);
  }

  checked(check: RelayCheck): void {
    this.#tell({ event: 'check', ...check });
  }

  failed({ code, message }: CrocError): void {
    clearTimeout(this.#pause);
    this.#tell({ event: 'error', code, message });
  }
}
