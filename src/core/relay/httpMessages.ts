/** Requests and answers of the relay's HTTP side as bytes. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { RELAY_ERROR_STATUS } from '../errors.js';
import { errorAnswer, refusedEvent } from './answers.js';
import type { Refusal } from './answers.js';
import type { RelayEvent } from './events.js';

/** A refusal, perhaps with a status outside the list of codes, for what HTTP itself has a status for. */
export type Refused = Refusal & { readonly status?: number };

/** What a request is answered with. */
export interface Answer {
  readonly status: number;
  /** Sent as JSON. */
  readonly body: object;
  /** Beside those that every answer has. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The answer of a refusal. @param more - headers beside those that the refusal needs */
export function answerTo(refused: Refused, more: Answer['headers'] = {}): Answer {
  const { code, retryAfterSeconds, status = RELAY_ERROR_STATUS[code] } = refused;
  const headers: Record<string, string> = { ...more };
  if (retryAfterSeconds !== undefined) headers['Retry-After'] = `${retryAfterSeconds}`;
  if (code === 'relay_password') headers['WWW-Authenticate'] = 'Bearer realm="croc-relay"';
  // What follows on a connection whose request was not read to its end is not a request.
  if (code === 'too_large') headers['Connection'] = 'close';
  return { status, body: errorAnswer(refused), headers };
}

/** Answers a request. Does nothing when its client has gone. */
export function send(outgoing: ServerResponse, { status, body, headers }: Answer): void {
  const text = JSON.stringify(body);
  outgoing.writeHead(status, {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    'Content-Length': Buffer.byteLength(text),
    ...headers,
  });
  outgoing.end(text);
}

/**
 * Reads a request's body.
 * @returns `too_large` as soon as it is longer than `maxBytes`; what still comes is thrown away. `gone`
 *   when the client has gone
 */
export function readBody(
  incoming: IncomingMessage,
  maxBytes: number,
): Promise<Uint8Array | 'too_large' | 'gone'> {
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes)
    return Promise.resolve('too_large');
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      else resolve('too_large');
    });
    incoming.once('end', () => {
      const [only] = chunks;
      resolve(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks));
    });
    incoming.once('close', () => resolve('gone'));
  });
}

/**
 * What to say to bytes that are not HTTP, or that do not come.
 * @param code - Node's code of the error
 * @param headed - whether the head of the request was there
 */
export function clientRefusal(code: string | undefined, headed: boolean): Refused {
  if (code === 'HPE_HEADER_OVERFLOW') return { ok: false, code: 'too_large' };
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { ok: false, code: 'bad_request', status: 408, limit: headed ? 'requestMs' : 'headMs' };
  return { ok: false, code: 'bad_request' };
}

/** Answers on a connection that carries no further request, and closes it. */
export function writeRaw(
  socket: Duplex,
  refused: Refused,
  onEvent: (event: RelayEvent) => void,
): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  onEvent(refusedEvent(refused, undefined));
  const body = JSON.stringify(errorAnswer(refused));
  const retry =
    refused.retryAfterSeconds === undefined ? '' : `Retry-After: ${refused.retryAfterSeconds}\r\n`;
  socket.end(
    `HTTP/1.1 ${refused.status ?? RELAY_ERROR_STATUS[refused.code]} Refused\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `${retry}Connection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
