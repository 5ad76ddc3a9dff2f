/** One HTTP request with JSON in and out, to a given IP address, with a bounded answer. */
import { request as httpRequest } from 'node:http';
import type { Agent, IncomingMessage, RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { CrocError } from '../errors.js';

/** Bytes of an answer, at most. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Nobody answered: the connection failed or broke. The request may be tried again. */
export class NoAnswer extends Error {
  /** Whether the connection stood, so that the request may have arrived and only the answer was lost. */
  readonly sent: boolean;

  constructor(message: string, sent: boolean, options?: ErrorOptions) {
    super(message, options);
    this.sent = sent;
  }
}

/** What to ask, and where. */
export interface PostOptions {
  readonly url: URL;
  /** IP address to connect to; the URL's host is still what TLS and `Host` name. */
  readonly address: string;
  readonly agent: Agent;
  /** What to post; without it, the request is a GET. */
  readonly body?: object;
  readonly signal: AbortSignal;
  readonly localAddress?: string;
  /** The `Authorization` header. */
  readonly authorization?: string;
  /** Told once a connection stands. */
  readonly onConnected: () => void;
}

/** What came back. */
export interface Posted {
  readonly status: number;
  /** Undefined when it is not JSON. */
  readonly json: unknown;
  /** After how many seconds it may be tried again; undefined: nobody said. */
  readonly retryAfterSeconds: number | undefined;
}

/**
 * Posts JSON, or gets it.
 *
 * @throws NoAnswer when the connection fails; CrocError `not_a_relay` when the answer is no JSON or too
 *   long
 */
export function postJson(options: PostOptions): Promise<Posted> {
  const { url, body, signal } = options;
  const payload = Buffer.from(body === undefined ? '' : JSON.stringify(body));
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const requestOptions: RequestOptions & { servername?: string } = {
    method: body === undefined ? 'GET' : 'POST',
    host: options.address,
    port: url.port,
    path: url.pathname,
    agent: options.agent,
    headers: {
      host: url.host,
      'content-type': 'application/json',
      'content-length': payload.length,
      ...(options.authorization !== undefined && { authorization: options.authorization }),
    },
    signal,
  };
  if (!isIP(url.hostname)) requestOptions.servername = url.hostname;
  if (options.localAddress !== undefined) requestOptions.localAddress = options.localAddress;
  return new Promise((resolve, reject) => {
    let connected = false;
    const onConnected = (): void => {
      connected = true;
      options.onConnected();
    };
    const outgoing = request(requestOptions, (incoming) => {
      collect(incoming).then(
        (text) => {
          const status = incoming.statusCode ?? 0;
          resolve({ status, json: parse(text), retryAfterSeconds: retryAfter(incoming) });
        },
        (error: unknown) => {
          outgoing.destroy();
          reject(error instanceof CrocError ? error : new NoAnswer('cut', true, { cause: error }));
        },
      );
    });
    outgoing.on('socket', (socket) => {
      if (socket.connecting) socket.once('connect', onConnected);
      else onConnected();
    });
    outgoing.on('error', (cause: NodeJS.ErrnoException) => {
      // A peer that does not speak HTTP at all is told apart from one that is not there.
      const nonsense = cause.code?.startsWith('HPE_') ?? false;
      reject(
        nonsense
          ? new CrocError('not_a_relay', { detail: url.host })
          : new NoAnswer(cause.message, connected, { cause }),
      );
    });
    outgoing.end(payload);
  });
}

/** What `Retry-After` says in seconds; a date is not looked at. */
function retryAfter({ headers }: IncomingMessage): number | undefined {
  const text = headers['retry-after'];
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : undefined;
}

async function collect(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new CrocError('not_a_relay', { detail: 'answer too long' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Gives undefined for what is not JSON; no schema takes that. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
