/** `GET /metrics` for Prometheus, on a port of its own. Loaded only when an operator asks for it. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { CrocError, RELAY_PACES } from '../../core/index.js';
import type { OperatedRelay, RelayEvent, RelayLimits } from '../../core/index.js';

/** The counters of a relay, and what it holds when they are read. */
export class RelayMetrics {
  readonly registry = new Registry();
  #refresh: () => Promise<void> = () => Promise.resolve();
  readonly #refused = this.#counter('refused_total', 'Requests and lanes refused, by code.', [
    'code',
  ]);
  readonly #limited = this.#counter('limited_total', 'Times that a limit was passed, by limit.', [
    'limit',
  ]);
  readonly #opened = this.#counter('channels_opened_total', 'Channels opened.');
  readonly #expired = this.#counter('channels_expired_total', 'Channels ended for their age.');
  readonly #stapled = this.#counter('transfers_total', 'Channels whose lanes were all joined.');
  readonly #failed = this.#counter('accept_failed_total', 'Connections that were not accepted.');

  /** @param limits - told as they are, so that an alarm can compare */
  constructor(limits: Partial<RelayLimits>, version: string) {
    collectDefaultMetrics({ register: this.registry });
    this.#gauge('info', 'The version that runs.', ['version']).set({ version }, 1);
    const limit = this.#gauge('limit', 'What each limit is set to; times in milliseconds.', [
      'limit',
    ]);
    for (const [name, value] of Object.entries(limits)) limit.set({ limit: name }, value);
    // Every limit is there from the start, so that a first refusal is a step and not a gap.
    const paces: readonly string[] = RELAY_PACES;
    for (const name of Object.keys(limits))
      if (!paces.includes(name)) this.#limited.inc({ limit: name }, 0);
  }

  /** Counts what happened. */
  event(event: RelayEvent): void {
    switch (event.kind) {
      case 'refused':
        this.#refused.inc({ code: event.code });
        if (event.limit !== undefined) this.#limited.inc({ limit: event.limit });
        break;
      case 'limited':
        this.#limited.inc({ limit: event.limit });
        break;
      case 'channel-opened':
        this.#opened.inc();
        break;
      case 'channels-expired':
        this.#expired.inc(event.count);
        this.#limited.inc({ limit: event.limit }, event.count);
        break;
      case 'stapled':
        this.#stapled.inc();
        break;
      case 'accept-failed':
        this.#failed.inc();
        break;
      case 'lanes-ended':
      case 'pair-ended':
      case 'draining':
        break; // the gauges show them
    }
  }

  /** Everything as Prometheus reads it, the gauges as they are now. */
  async text(): Promise<string> {
    await this.#refresh();
    return this.registry.metrics();
  }

  /** Reads a relay's gauges whenever somebody reads the metrics. */
  watch(relay: Pick<OperatedRelay, 'gauges'>): void {
    const channels = this.#gauge('channels', 'Open channels.');
    const pairs = this.#gauge('pairs', 'Open channels with both parties.');
    const lanes = this.#gauge('lanes', 'Open connections on the TCP ports.');
    const sockets = this.#gauge('sockets', 'Open connections, HTTP and TCP.');
    const held = this.#gauge('held_requests', 'Requests that are held.');
    const rooms = this.#gauge('croc_rooms', 'Rooms with a croc client or two.');
    const buffered = this.#gauge('buffered_bytes', 'Bytes that wait for peers to read them.');
    const ready = this.#gauge('ready', '1 while it opens channels, 0 while it drains.');
    const bytes = this.#counter('bytes_total', 'Bytes that came into joined lanes.');
    let counted = 0;
    this.#refresh = async () => {
      const now = await relay.gauges();
      channels.set(now.channels);
      pairs.set(now.pairs);
      lanes.set(now.connections);
      sockets.set(now.sockets);
      held.set(now.held);
      rooms.set(now.crocRooms);
      buffered.set(now.bufferedBytes);
      ready.set(now.draining ? 0 : 1);
      bytes.inc(Math.max(0, now.bytes - counted));
      counted = now.bytes;
    };
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[] = []) {
    return new Counter({
      name: `croc_relay_${name}`,
      help,
      labelNames,
      registers: [this.registry],
    });
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: Label[] = []): Gauge<Label> {
    return new Gauge<Label>({
      name: `croc_relay_${name}`,
      help,
      labelNames,
      registers: [this.registry],
    });
  }
}

/** A port that serves metrics. */
export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves metrics. @throws CrocError `port_taken`, `cannot_listen` */
export async function serveMetrics(
  metrics: RelayMetrics,
  host: string,
  port: number,
): Promise<MetricsServer> {
  const server = createServer({ headersTimeout: 10_000 }, (request, response) => {
    const path = request.url?.split('?', 1)[0];
    if (path !== '/metrics' || request.method !== 'GET') {
      response.writeHead(path === '/metrics' ? 405 : 404).end();
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { 'content-type': metrics.registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  server.maxConnections = 64;
  const url = await bind(server, host, port);
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function bind(server: Server, host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const detail = `metrics at ${host}, port ${port}`;
      const code = cause.code === 'EADDRINUSE' ? 'port_taken' : 'cannot_listen';
      reject(new CrocError(code, { detail, cause }));
    });
    server.listen({ host, port }, () => {
      const address = server.address();
      if (address === null || typeof address === 'string') return;
      const named = address.family === 'IPv6' ? `[${address.address}]` : address.address;
      resolve(`http://${named}:${address.port}/metrics`);
    });
  });
}
