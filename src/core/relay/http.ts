/** The relay's HTTP side: routes, and everything that is not a sound request. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import * as v from 'valibot';
import { channelRequestSchema, joinRequestSchema } from '../wire/http.js';
import type { HealthAnswer } from '../wire/http.js';
import type { AddressResolver } from './address.js';
import { refusedEvent } from './answers.js';
import type { Refusal } from './answers.js';
import type { RelayEvent } from './events.js';
import type { Gate } from './gate.js';
import { answerTo, clientRefusal, readBody, send, writeRaw } from './httpMessages.js';
import type { Answer, Refused } from './httpMessages.js';
import type { RelayLimits } from './limits.js';
import { channelOf, parseJson } from './parse.js';
import type { RelayPassword } from './password.js';
import type { Gone, Rendezvous, Reply } from './rendezvous.js';
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

/** Answers a request; with nothing when its client has gone meanwhile. */
type Handler = (incoming: IncomingMessage, gone: Gone) => Promise<Answer | undefined>;
interface Route {
  /** The methods that it has. */
  readonly allow: readonly string[];
  readonly handle: Handler;
}

/** Makes the HTTP server; it does not listen yet. */
export function createHttpServer(parts: HttpParts): Server {
  const { limits, sockets, onEvent } = parts;
  const routes = routesOf(parts);
  const overLimit = new WeakMap<Socket, Refusal>();
  /** Connections whose newest request has its head here. */
  const headed = new WeakSet<Duplex>();
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
      const { socket } = incoming;
      headed.add(socket);
      outgoing.once('finish', () => headed.delete(socket));
      const refusal = overLimit.get(socket);
      if (refusal === undefined) void serve(parts, routes, incoming, outgoing);
      else writeRaw(socket, refusal, onEvent);
    },
  );
  server.on('connection', (socket: Socket) => {
    const refusal = sockets.admit(socket);
    if (refusal !== undefined && refusal !== 'cut') overLimit.set(socket, refusal);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    writeRaw(socket, clientRefusal(error.code, headed.has(socket)), onEvent);
  });
  server.on('timeout', (socket: Socket) => {
    onEvent({ kind: 'limited', limit: 'keepAliveMs' });
    socket.destroy();
  });
  return server;
}

/**
 * Answers one request. Written for `node:http` itself: four fixed paths need no framework, and the
 * `Request`, `Response` and `AbortSignal` that one makes of each request took more of the relay's time
 * than the channels (docs/performance.md).
 */
async function serve(
  { onEvent }: HttpParts,
  routes: ReadonlyMap<string, Route>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const refuse = (refused: Refused, headers?: Answer['headers']): Answer => {
    onEvent(refusedEvent(refused, undefined));
    return answerTo(refused, headers);
  };
  const route = routes.get(pathOf(incoming.url ?? ''));
  if (route === undefined) {
    send(outgoing, refuse({ ok: false, code: 'bad_request', status: 404 }));
    return;
  }
  if (!route.allow.includes(incoming.method ?? '')) {
    const wrong = { ok: false, code: 'bad_request', status: 405 } as const;
    send(outgoing, refuse(wrong, { Allow: route.allow.join(', ') }));
    return;
  }
  try {
    const answer = await route.handle(incoming, goneOf(outgoing));
    if (answer !== undefined) send(outgoing, answer);
  } catch {
    // Nothing in here should throw. If it does, the client may well try again.
    send(outgoing, refuse({ ok: false, code: 'relay_full', status: 500 }));
  }
}

function routesOf(parts: HttpParts): ReadonlyMap<string, Route> {
  const { rendezvous } = parts;
  const health: HealthAnswer = { ok: true, service: 'croc-relay', version: PROTOCOL_VERSION };
  const get = ['GET', 'HEAD'];
  return new Map<string, Route>([
    [
      '/join',
      {
        allow: ['POST'],
        handle: poster(parts, joinRequestSchema, (join, address) => rendezvous.join(join, address)),
      },
    ],
    [
      '/channel',
      {
        allow: ['POST'],
        handle: poster(parts, channelRequestSchema, (post, address, gone) =>
          rendezvous.channel(post, address, gone),
        ),
      },
    ],
    ['/healthz', { allow: get, handle: () => Promise.resolve({ status: 200, body: health }) }],
    [
      '/healthz/ready',
      {
        allow: get,
        handle: async () => {
          const ready = await rendezvous.ready();
          return { status: ready ? 200 : 503, body: { ready } };
        },
      },
    ],
  ]);
}

/** Serves a `POST` whose body `schema` describes. */
function poster<T>(
  parts: HttpParts,
  schema: v.GenericSchema<unknown, T>,
  handle: (request: T, address: string, gone: Gone) => Promise<Reply<object>>,
): Handler {
  const { rendezvous, resolver, limits, onEvent } = parts;
  const refuse = (refused: Refused, address?: string): Answer => {
    onEvent(refusedEvent(refused, address));
    return answerTo(refused);
  };
  return async (incoming, gone) => {
    const address = clientAddress(incoming, resolver);
    const stranger = address === undefined ? undefined : askPassword(parts, incoming, address);
    if (stranger !== undefined) return refuse(stranger, address);
    const body = await readBody(incoming, limits.requestBytes);
    if (body === 'gone') return undefined;
    if (body === 'too_large')
      return refuse({ ok: false, code: 'too_large', limit: 'requestBytes' }, address);
    const request = parseJson(body);
    const parsed = v.safeParse(schema, request);
    if (address === undefined) return refuse({ ok: false, code: 'bad_request' });
    if (parsed.success) {
      const reply = await handle(parsed.output, address, gone);
      return reply.ok ? { status: 200, body: reply.value } : refuse(reply, address);
    }
    const name = channelOf(request);
    const known = name === undefined ? undefined : await rendezvous.knock(name, address);
    return refuse(known ?? { ok: false, code: 'bad_request' }, address);
  };
}

/** The path of a request's target, which a client of a proxy may write in full. */
function pathOf(target: string): string {
  const [path = ''] = target.split('?', 1);
  if (path.startsWith('/')) return path;
  return URL.canParse(target) ? new URL(target).pathname : path;
}

/** Tells when the client of a request has gone, for as long as somebody wants to know. */
function goneOf(outgoing: ServerResponse): Gone {
  return (left) => {
    if (outgoing.closed) left();
    outgoing.once('close', left);
    return () => outgoing.off('close', left);
  };
}

function clientAddress(incoming: IncomingMessage, resolver: AddressResolver): string | undefined {
  const forwarded = incoming.headers['x-forwarded-for'];
  const hops = Array.isArray(forwarded) ? forwarded.join(',') : forwarded;
  return resolver.client(incoming.socket.remoteAddress, hops);
}

/**
 * What a request without the relay's password gets to hear. A wrong one counts as a guess, and who
 * guessed too often is not even looked at.
 */
function askPassword(
  { gate, password }: HttpParts,
  { headers: { authorization } }: IncomingMessage,
  address: string,
): Refusal | undefined {
  if (password === undefined) return undefined;
  const guessed = authorization === undefined ? undefined : gate.guessed(address);
  if (guessed !== undefined) return guessed;
  if (password.admits(authorization)) return undefined;
  if (authorization !== undefined) gate.failed(address);
  return { ok: false, code: 'relay_password' };
}
