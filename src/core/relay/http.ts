/** The relay's HTTP side: routes, and everything that is not a sound request. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import type { Context } from 'hono';
import * as v from 'valibot';
import { RELAY_ERROR_STATUS } from '../errors.js';
import { channelRequestSchema, joinRequestSchema } from '../wire/http.js';
import type { HealthAnswer } from '../wire/http.js';
import type { AddressResolver } from './address.js';
import { errorAnswer, refusedEvent } from './answers.js';
import type { RelayEvent } from './events.js';
import type { Gate } from './gate.js';
import type { RelayLimits } from './limits.js';
import { channelOf, parseJson } from './parse.js';
import type { Refusal } from './answers.js';
import type { RelayPassword } from './password.js';
import type { Rendezvous, Reply } from './rendezvous.js';
import type { Sockets } from './sockets.js';

/** How often Node looks for requests that take too long, milliseconds. */
const CHECK_MS = 1000;
/** Bytes of a request's head. */
const MAX_HEAD_BYTES = 8 * 1024;
/** The protocol that this relay speaks, as `/healthz` names it. */
const PROTOCOL_VERSION = '1';

/** What the HTTP side needs. */
export interface HttpParts {
  readonly rendezvous: Rendezvous;
  readonly sockets: Sockets;
  readonly resolver: AddressResolver;
  readonly limits: RelayLimits;
  readonly gate: Gate;
  /** What clients must say to join and to go on, if anything. */
  readonly password: RelayPassword | undefined;
  readonly onEvent: (event: RelayEvent) => void;
}

type RelayContext = Context<{ Bindings: HttpBindings }>;
/** A status outside the list of codes, for what HTTP itself has a status for. */
type Refused = Refusal & { readonly status?: number };

/** Makes the HTTP server; it does not listen yet. */
export function createHttpServer(parts: HttpParts): Server {
  const { limits, sockets, onEvent } = parts;
  const app = createApp(parts);
  const listener = getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    hostname: 'relay', // for HTTP/1.0, which need not name a host
    errorHandler: () => toResponse({ ok: false, code: 'bad_request' }),
  });
  const overLimit = new WeakMap<Socket, Refusal>();
  const server = createServer(
    {
      headersTimeout: limits.headMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: Math.min(CHECK_MS, limits.headMs),
      maxHeaderSize: MAX_HEAD_BYTES,
      noDelay: true,
      keepAlive: true,
    },
    (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const refusal = overLimit.get(incoming.socket);
      if (refusal === undefined) void listener(incoming, outgoing);
      else writeRaw(incoming.socket, refusal, onEvent);
    },
  );
  server.on('connection', (socket: Socket) => {
    const refusal = sockets.admit(socket);
    if (refusal !== undefined && refusal !== 'cut') overLimit.set(socket, refusal);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    writeRaw(socket, clientRefusal(error.code), onEvent);
  });
  return server;
}

function createApp(parts: HttpParts): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const { rendezvous, resolver, limits, onEvent } = parts;
  const refuse = (refused: Refused, address?: string): Response => {
    onEvent(refusedEvent(refused, address));
    return toResponse(refused);
  };
  const respond = (reply: Reply<object>, address: string): Response =>
    reply.ok ? json(200, reply.value) : refuse(reply, address);
  const serve =
    <T>(
      schema: v.GenericSchema<unknown, T>,
      handle: (request: T, address: string, signal: AbortSignal) => Promise<Reply<object>>,
    ) =>
    async (context: RelayContext): Promise<Response> => {
      const address = clientAddress(context, resolver);
      const stranger = address === undefined ? undefined : askPassword(parts, context, address);
      if (stranger !== undefined) return refuse(stranger, address);
      const body = await readBody(context.env.incoming, limits.requestBytes);
      if (body === undefined)
        return refuse({ ok: false, code: 'too_large', limit: 'requestBytes' }, address);
      const request = parseJson(body);
      const parsed = v.safeParse(schema, request);
      if (address === undefined) return refuse({ ok: false, code: 'bad_request' });
      if (parsed.success)
        return respond(await handle(parsed.output, address, context.req.raw.signal), address);
      const name = channelOf(request);
      const known = name === undefined ? undefined : await rendezvous.knock(name, address);
      return refuse(known ?? { ok: false, code: 'bad_request' }, address);
    };
  const wrongMethod = (allow: string) => (): Response => {
    const response = refuse({ ok: false, code: 'bad_request', status: 405 });
    response.headers.set('allow', allow);
    return response;
  };
  const health: HealthAnswer = { ok: true, service: 'croc-relay', version: PROTOCOL_VERSION };

  app.post(
    '/join',
    serve(joinRequestSchema, (join, address) => rendezvous.join(join, address)),
  );
  app.post(
    '/channel',
    serve(channelRequestSchema, (post, address, signal) =>
      rendezvous.channel(post, address, signal),
    ),
  );
  app.get('/healthz', () => json(200, health));
  app.get('/healthz/ready', async () => {
    const ready = await rendezvous.ready();
    return json(ready ? 200 : 503, { ready });
  });
  app.all('/join', wrongMethod('POST'));
  app.all('/channel', wrongMethod('POST'));
  for (const path of ['/healthz', '/healthz/ready']) app.all(path, wrongMethod('GET, HEAD'));
  app.notFound(() => refuse({ ok: false, code: 'bad_request', status: 404 }));
  // Nothing in here should throw. If it does, the client may well try again.
  app.onError(() => refuse({ ok: false, code: 'relay_full', status: 500 }));
  return app;
}

function clientAddress(context: RelayContext, resolver: AddressResolver): string | undefined {
  const peer = context.env.incoming.socket.remoteAddress;
  return resolver.client(peer, context.req.header('x-forwarded-for'));
}

/**
 * What a request without the relay's password gets to hear. A wrong one counts as a guess, and who
 * guessed too often is not even looked at.
 */
function askPassword(
  { gate, password }: HttpParts,
  context: RelayContext,
  address: string,
): Refusal | undefined {
  if (password === undefined) return undefined;
  const header = context.req.header('authorization');
  const guessed = header === undefined ? undefined : gate.guessed(address);
  if (guessed !== undefined) return guessed;
  if (password.admits(header)) return undefined;
  if (header !== undefined) gate.failed(address);
  return { ok: false, code: 'relay_password' };
}

/** Reads a request's body. @returns nothing when it is longer than a request may be */
async function readBody(
  incoming: IncomingMessage,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  // The connection must live on to carry the answer.
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    if (!(chunk instanceof Buffer)) return undefined;
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

function json(status: number, body: object): Response {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return new Response(JSON.stringify(body), { status, headers });
}

function toResponse(refused: Refused): Response {
  const status = refused.status ?? RELAY_ERROR_STATUS[refused.code];
  const response = json(status, errorAnswer(refused));
  const { retryAfterSeconds } = refused;
  if (retryAfterSeconds !== undefined) response.headers.set('retry-after', `${retryAfterSeconds}`);
  if (refused.code === 'relay_password')
    response.headers.set('www-authenticate', 'Bearer realm="croc-relay"');
  // What follows on a connection whose request was not read to its end is not a request.
  if (refused.code === 'too_large') response.headers.set('connection', 'close');
  return response;
}

/** What to say to bytes that are not HTTP, by Node's code of the error. */
function clientRefusal(code: string | undefined): Refused {
  if (code === 'HPE_HEADER_OVERFLOW') return { ok: false, code: 'too_large' };
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { ok: false, code: 'bad_request', status: 408, limit: 'requestMs' };
  return { ok: false, code: 'bad_request' };
}

/** Answers on a connection that carries no further request, and closes it. */
function writeRaw(socket: Duplex, refused: Refused, onEvent: HttpParts['onEvent']): void {
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
