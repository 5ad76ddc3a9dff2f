/** The relay as a client sees it: JSON over HTTP, one line over TCP (docs/protocol.md). */
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import type { Socket } from 'node:net';
import { ByteReader } from './bytes.js';
import { PeerError, isFields, parseFields } from './fields.js';
import type { Fields } from './fields.js';

/** An HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Fields;
}

/** The code in `{"error": {"code": …}}`, or undefined when it is not an error. */
export function errorCode(body: Fields): string | undefined {
  const { error } = body;
  return isFields(error) && typeof error['code'] === 'string' ? error['code'] : undefined;
}

/** A TCP connection that the relay has admitted. */
export interface Admitted {
  readonly socket: Socket;
  readonly reader: ByteReader;
}

/** Talks to one relay from one address. */
export class RelayLink {
  readonly #url: URL;
  readonly #localAddress: string;
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #sockets = new Set<Socket>();

  /** @param url - `http://127.0.0.1:port` @param localAddress - an address 127.x.x.x to come from */
  constructor(url: string, localAddress = '127.0.0.1') {
    this.#url = new URL(url);
    this.#localAddress = localAddress;
  }

  /** One request. @param body - text goes out as it is, anything else as JSON */
  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: http.OutgoingHttpHeaders = {},
  ): Promise<Answer> {
    const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const request = http.request(new URL(path, this.#url), {
      method,
      agent: this.#agent,
      localAddress: this.#localAddress,
      headers,
    });
    const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
      request.once('response', resolve).once('error', reject);
    });
    request.end(text);
    const response = await answered;
    let received = '';
    response.setEncoding('utf8');
    for await (const piece of response) received += String(piece);
    const { statusCode: status = 0 } = response;
    return { status, headers: response.headers, body: parseFields(received) };
  }

  /** `POST`; an error becomes a PeerError with the relay's code. */
  async post(path: string, body: unknown): Promise<Fields> {
    const { status, body: answer } = await this.request('POST', path, body);
    if (status !== 200) throw new PeerError(errorCode(answer) ?? 'unknown', `status ${status}`);
    return answer;
  }

  /** Opens a TCP connection and writes these bytes. */
  async connect(port: number, first: string): Promise<Admitted> {
    const socket = net.connect({
      host: this.#url.hostname,
      port,
      localAddress: this.#localAddress,
      allowHalfOpen: true,
      noDelay: true,
    });
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const reader = new ByteReader(socket);
    await once(socket, 'connect');
    socket.write(first);
    return { socket, reader };
  }

  /** The relay's answer to the first line of a TCP connection. */
  async lineAnswer(port: number, first: string): Promise<Admitted & { readonly answer: Fields }> {
    const admitted = await this.connect(port, first);
    return { ...admitted, answer: parseFields(await admitted.reader.line(4096)) };
  }

  /** Opens lane `port` for a party. @throws PeerError with the relay's code */
  async openLane(port: number, channel: string, uuid: string): Promise<Admitted> {
    const line = `${JSON.stringify({ channel, uuid })}\n`;
    const { socket, reader, answer } = await this.lineAnswer(port, line);
    if (answer['ok'] !== true) throw new PeerError(errorCode(answer) ?? 'unknown', 'lane');
    return { socket, reader };
  }

  /** Cuts everything that is open. */
  close(): void {
    this.#agent.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }
}
