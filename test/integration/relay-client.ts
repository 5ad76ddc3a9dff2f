/**
 * A client of the relay for its tests, over node:http and node:net, written from the protocol's
 * text: it shares no code with the relay or the product's own client.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Clock } from '../../src/core/edges.js';
import { startRelay } from '../../src/core/relay/relay.js';
import type { RelaySetup } from '../../src/core/relay/relay.js';
import type { Relay } from '../../src/core/api.js';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Record<string, unknown>;
}

/** What a client must know of a relay. */
export type Where = Pick<Relay, 'localUrl' | 'ports'>;

export interface CallOptions {
  /** Source address, for example `127.0.0.2`. */
  readonly from?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** Starts a relay on loopback with free ports. */
export function start(setup: RelaySetup = {}): Promise<Relay> {
  return startRelay({ host: '127.0.0.1', port: 0, tcpPorts: [0, 0], ...setup });
}

/** One HTTP request on its own connection. A string or buffer is sent as it is. */
export async function call(
  relay: Where,
  path: string,
  body: unknown,
  options: CallOptions = {},
): Promise<Answer> {
  const raw = typeof body === 'string' || body instanceof Buffer ? body : JSON.stringify(body);
  const agent = new Agent({ keepAlive: false });
  try {
    return await new Promise<Answer>((resolve, reject) => {
      const sent = request(
        relay.localUrl + path,
        {
          agent,
          method: options.method ?? 'POST',
          headers: options.headers ?? {},
          ...(options.from === undefined ? {} : { localAddress: options.from }),
          ...(options.signal === undefined ? {} : { signal: options.signal }),
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
            });
          });
        },
      );
      sent.on('error', reject);
      sent.end(options.method === 'GET' || options.method === 'HEAD' ? undefined : raw);
    });
  } finally {
    agent.destroy();
  }
}

/** The code of a refusal, for an assertion. */
export function codeOf(body: Record<string, unknown>): string | undefined {
  const code = (body['error'] as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** `status code`, for an assertion. */
export function refusal(answer: Answer): string {
  return `${answer.status} ${String(codeOf(answer.body))}`;
}

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
export const point = (length = 65): string => base64(randomBytes(length));

/** Two keys' worth of hashes: h_k, and hh_k made from it. */
export function keys(): { h_k: string; hh_k: string } {
  const h_k = randomBytes(32);
  return { h_k: base64(h_k), hh_k: base64(createHash('sha256').update(h_k).digest()) };
}

export interface Party {
  readonly channel: string;
  readonly uuid: string;
  readonly from: string;
}

/** Joins or throws. */
export async function join(
  relay: Where,
  body: { role: 'sender' | 'recipient'; channel?: string; curve?: string },
  from = '127.0.0.1',
): Promise<Party> {
  const { status, body: answer } = await call(relay, '/join', body, { from });
  if (status !== 200) throw new Error(`join: ${JSON.stringify(answer)}`);
  return { channel: String(answer['channel']), uuid: String(answer['uuid']), from };
}

/** Posts to `/channel` as a party. */
export function post(
  relay: Where,
  { channel, uuid, from }: Party,
  fields: Record<string, unknown> = {},
  options: CallOptions = {},
): Promise<Answer> {
  return call(relay, '/channel', { channel, uuid, ...fields }, { from, ...options });
}

/** Both parties in a channel; 127.0.0.1 sends, 127.0.0.2 receives. */
export async function pair(relay: Where): Promise<{ sender: Party; recipient: Party }> {
  const sender = await join(relay, { role: 'sender' });
  const recipient = await join(relay, { role: 'recipient', channel: sender.channel }, '127.0.0.2');
  return { sender, recipient };
}

/** Both parties, all values set: lanes may connect. */
export async function verifiedPair(relay: Where): Promise<{ sender: Party; recipient: Party }> {
  const both = await pair(relay);
  const { h_k, hh_k } = keys();
  for (const [party, fields] of [
    [both.sender, { x: point() }],
    [both.recipient, { y: point(), hh_k }],
    [both.sender, { h_k }],
  ] as const) {
    const answer = await post(relay, party, fields);
    if (answer.status !== 200) throw new Error(`post: ${JSON.stringify(answer.body)}`);
  }
  return both;
}

/** A TCP connection to a lane, with what it received. */
export class Lane {
  readonly socket: Socket;
  /** Resolves when the relay has ended its direction. */
  readonly ended: Promise<void>;
  /** Resolves when the connection is gone, in order or not. */
  readonly closed: Promise<void>;
  #chunks: Buffer[] = [];
  #length = 0;
  #wake: () => void = () => undefined;
  #over = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    this.ended = new Promise((resolve) => socket.once('end', resolve));
    this.closed = new Promise((resolve) =>
      socket.once('close', () => {
        this.#over = true;
        this.#wake();
        resolve();
      }),
    );
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      this.#wake();
    });
    socket.once('end', () => this.#wake());
  }

  /** Takes the next `count` bytes; fewer only when the connection ends before. */
  async read(count: number): Promise<Buffer> {
    while (this.#length < count && !this.#over && !this.socket.readableEnded) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = bytes.length > count ? [bytes.subarray(count)] : [];
    this.#length = Math.max(0, bytes.length - count);
    return bytes.subarray(0, count);
  }

  /** Takes the relay's line. */
  async answer(): Promise<Record<string, unknown>> {
    let line = '';
    for (;;) {
      const byte = (await this.read(1)).toString('latin1');
      if (byte === '\n' || byte === '') break;
      line += byte;
    }
    return line === '' ? {} : (JSON.parse(line) as Record<string, unknown>);
  }
}

/** Connects to port number `index` and sends `first` as it is. */
export async function openLane(
  relay: Where,
  index: number,
  first: string | Uint8Array,
  from = '127.0.0.1',
): Promise<Lane> {
  const socket = connect({
    host: '127.0.0.1',
    port: relay.ports[index] ?? 0,
    localAddress: from,
    allowHalfOpen: true,
  });
  const lane = new Lane(socket);
  await once(socket, 'connect');
  if (first.length > 0) socket.write(first);
  return lane;
}

export const firstLine = ({ channel, uuid }: Party, more: object = {}): string =>
  `${JSON.stringify({ channel, uuid, ...more })}\n`;

/** Connects as a party and insists on being let in. */
export async function enterLane(relay: Where, index: number, party: Party): Promise<Lane> {
  const lane = await openLane(relay, index, firstLine(party), party.from);
  const answer = await lane.answer();
  if (answer['ok'] !== true) throw new Error(`lane: ${JSON.stringify(answer)}`);
  return lane;
}

/** A clock that moves only when it is told to. */
export class FakeClock implements Clock {
  #nowMs = 1_000_000;
  readonly #timers = new Set<{ readonly atMs: number; readonly fire: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, fire: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, fire };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves time, firing what is due in order, with a turn of the event loop after each. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers]
        .filter(({ atMs }) => atMs <= untilMs)
        .sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = due.atMs;
      due.fire();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#nowMs = untilMs;
  }
}
