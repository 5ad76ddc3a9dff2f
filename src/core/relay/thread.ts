/** A relay in a worker thread, so that a busy relay leaves its owner's event loop alone. */
import { Worker } from 'node:worker_threads';
import * as v from 'valibot';
import type { Relay, RelayOptions, RelayStats } from '../api.js';
import { CrocError } from '../errors.js';
import { fromPlain, reportSchema } from './threadMessages.js';
import type { Order, Report } from './threadMessages.js';

/** How long a worker may take to close its relay before it is stopped, milliseconds. */
const CLOSE_MS = 4000;

/**
 * Starts a relay in a worker thread.
 * @param workerFile - absolute path of the built worker (dist/relayWorker.js)
 * @throws CrocError as `startRelay` does, and `internal` when the worker does not run
 */
export async function startRelayThread(options: RelayOptions, workerFile: string): Promise<Relay> {
  const worker = new Worker(workerFile, { workerData: plain(options), execArgv: [] });
  const thread = new RelayThread(worker);
  const { url, localUrl, port, ports, announced } = await thread.listening;
  return {
    url,
    localUrl,
    port,
    ports,
    announced,
    closed: thread.closed,
    watch: (changed) => thread.watch(changed),
    stats: () => thread.stats(),
    close: () => thread.close(),
  };
}

/** Only what the worker knows of: the caller's object may carry more, and functions cannot cross. */
function plain(options: RelayOptions): RelayOptions {
  const { host, port, tcpPorts, announce, multicast, nameDigits, store, hostName } = options;
  return {
    ...(store === undefined ? {} : { store }),
    ...(hostName === undefined ? {} : { hostName }),
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(tcpPorts === undefined ? {} : { tcpPorts: [...tcpPorts] }),
    ...(announce === undefined ? {} : { announce }),
    ...(multicast === undefined ? {} : { multicast }),
    ...(nameDigits === undefined ? {} : { nameDigits }),
  };
}

type Listening = Pick<Relay, 'url' | 'localUrl' | 'port' | 'ports' | 'announced'>;

class RelayThread {
  /** Resolves when the relay listens; rejects when it cannot. */
  readonly listening: Promise<Listening>;
  readonly closed: Promise<CrocError | undefined>;
  readonly #worker: Worker;
  readonly #asked = new Map<number, (stats: RelayStats) => void>();
  readonly #watchers = new Set<(stats: RelayStats) => void>();
  #lastId = 0;
  #ended = false;
  /** Whether the worker stopped because it was told to. */
  #inOrder = false;
  #error: CrocError | undefined;
  #closing: Promise<void> | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.once('error', (thrown) => (this.#error = CrocError.from(thrown)));
    this.closed = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#ended = true;
        if (!this.#inOrder) this.#error ??= died();
        for (const answer of this.#asked.values()) answer(NOTHING);
        this.#asked.clear();
        resolve(this.#error);
      });
    });
    this.listening = new Promise((resolve, reject) => {
      worker.on('message', (message: unknown) => {
        const report = v.parse(reportSchema, message);
        if (report.type === 'listening') resolve(report);
        else if (report.type === 'stats') this.#answer(report);
        else if (report.type === 'changed')
          for (const changed of [...this.#watchers]) changed(report.stats);
        else {
          this.#inOrder = report.type === 'closed';
          if (report.error !== undefined) this.#error = fromPlain(report.error);
        }
      });
      void this.closed.then((error) => reject(error ?? died()));
    });
  }

  /** All zero once the relay has stopped. */
  stats(): Promise<RelayStats> {
    if (this.#ended) return Promise.resolve(NOTHING);
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      this.#asked.set(id, resolve);
      this.#order({ type: 'stats', id });
    });
  }

  watch(changed: (stats: RelayStats) => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  close(): Promise<void> {
    this.#closing ??= this.#stop();
    return this.#closing;
  }

  async #stop(): Promise<void> {
    if (this.#ended) return;
    this.#order({ type: 'close' });
    const timer = setTimeout(() => {
      this.#inOrder = true;
      void this.#worker.terminate();
    }, CLOSE_MS);
    await this.closed;
    clearTimeout(timer);
  }

  #order(order: Order): void {
    this.#worker.postMessage(order);
  }

  #answer({ id, stats }: Extract<Report, { type: 'stats' }>): void {
    this.#asked.get(id)?.(stats);
    this.#asked.delete(id);
  }
}

const NOTHING: RelayStats = { channels: 0, connections: 0, bytes: 0 };

function died(): CrocError {
  return new CrocError('internal', { detail: 'the relay thread ended by itself' });
}
