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
import { channelRequestSchema, joinRequestSchema, MAX_REQUEST_BYTES } from '../wire/http.js';
import type { HealthAnswer } from '../wire/http.js';
import type { AddressResolver } from './address.js';
import { errorAnswer } from './answers.js';
import type { RelayEvent } from './events.js';
import type { RelayLimits } from './limits.js';
import { channelOf, parseJson } from './parse.js';
import type { Refusal, Rendezvous, Reply } from './rendezvous.js';
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

function createApp({ rendezvous, resolver, onEvent }: HttpParts): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const refuse = (refused: Refused): Response => {
    onEvent({ kind: 'refused', code: refused.code });
    return toResponse(refused);
  };
  const respond = (reply: Reply<object>): Response =>
    reply.ok ? json(200, reply.value) : refuse(reply);
  const serve =
    <T>(
      schema: v.GenericSchema<unknown, T>,
      handle: (request: T, address: string, signal: AbortSignal) => Promise<Reply<object>>,
    ) =>
    async (context: RelayContext): Promise<Response> => {
      const address = clientAddress(context, resolver);
      const body = await readBody(context.env.incoming);
      if (body === undefined) return refuse({ ok: false, code: 'too_large' });
      const request = parseJson(body);
      const parsed = v.safeParse(schema, request);
      if (address === undefined) return refuse({ ok: false, code: 'bad_request' });
      if (parsed.success)
        return respond(await handle(parsed.output, address, context.req.raw.signal));
      const name = channelOf(request);
      const stranger = name === undefined ? undefined : await rendezvous.knock(name, address);
      return refuse(stranger ?? { ok: false, code: 'bad_request' });
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
  app.all('/join', wrongMethod('POST'));
  app.all('/channel', wrongMethod('POST'));
  app.all('/healthz', wrongMethod('GET, HEAD'));
  app.notFound(() => refuse({ ok: false, code: 'bad_request', status: 404 }));
  // Nothing in here should throw. If it does, the client may well try again.
  app.onError(() => refuse({ ok: false, code: 'relay_full', status: 500 }));
  return app;
}

function clientAddress(context: RelayContext, resolver: AddressResolver): string | undefined {
  const peer = context.env.incoming.socket.remoteAddress;
  return resolver.client(peer, context.req.header('x-forwarded-for'));
}

/** Reads a request's body. @returns nothing when it is longer than a request may be */
async function readBody(incoming: IncomingMessage): Promise<Uint8Array | undefined> {
  if (Number(incoming.headers['content-length'] ?? 0) > MAX_REQUEST_BYTES) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  // The connection must live on to carry the answer.
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    if (!(chunk instanceof Buffer)) return undefined;
    bytes += chunk.length;
    if (bytes > MAX_REQUEST_BYTES) return undefined;
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
  // What follows on a connection whose request was not read to its end is not a request.
  if (refused.code === 'too_large') response.headers.set('connection', 'close');
  return response;
}

/** What to say to bytes that are not HTTP, by Node's code of the error. */
function clientRefusal(code: string | undefined): Refused {
  if (code === 'HPE_HEADER_OVERFLOW') return { ok: false, code: 'too_large' };
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { ok: false, code: 'bad_request', status: 408 };
  return { ok: false, code: 'bad_request' };
}

/** Answers on a connection that carries no further request, and closes it. */
function writeRaw(socket: Duplex, refused: Refused, onEvent: HttpParts['onEvent']): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  onEvent({ kind: 'refused', code: refused.code });
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
