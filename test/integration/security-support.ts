/**
 * A place between clients and a relay: it passes everything on, keeps every byte that crosses, and can
 * change what passes. To the clients it is a relay whose operator reads and lies.
 */
import { createServer as createHttpServer, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import * as v from 'valibot';
import { onTestFinished } from 'vitest';
import type { Relay } from '../../src/core/api.js';

/** An HTTP exchange as it crosses. */
export interface Exchange {
  readonly route: string;
  readonly asked: Record<string, unknown>;
  readonly answer: Record<string, unknown>;
}

/** What the man in the middle does. Each can change what it gets. */
export interface Meddling {
  /** Gives another answer to a request that was answered with 200. */
  readonly answer?: (exchange: Exchange) => Record<string, unknown>;
  /** Gives other bytes for a chunk of a lane. @param at - bytes that went this way before */
  readonly lane?: (chunk: Buffer, way: 'up' | 'down', at: number) => Buffer;
}

/** A relay with somebody in the middle. */
export interface WatchedRelay {
  /** What clients are told. */
  readonly url: string;
  /** Every byte of HTTP, heads and bodies, both ways. */
  http(): Buffer;
  /** Every byte of all lanes, both ways. */
  lanes(): Buffer;
}

const object = v.record(v.string(), v.unknown());
const parse = (bytes: Buffer): Record<string, unknown> =>
  v.parse(object, JSON.parse(bytes.toString()));

async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return port;
}

/**
 * Stands between clients and `relay` until the test is over.
 * @param host - address of this machine under which clients know it
 */
export async function watch(
  relay: Relay,
  meddling: Meddling = {},
  host = '127.0.0.1',
): Promise<WatchedRelay> {
  const [overHttp, overLanes]: [Buffer[], Buffer[]] = [[], []];
  const ports = await Promise.all(
    relay.ports.map((port) => listen(laneServer(port, overLanes, meddling), host)),
  );
  const url = new URL(relay.localUrl);

  const server = createHttpServer((incoming, outgoing) => {
    void (async () => {
      const asked = await buffer(incoming);
      const route = incoming.url ?? '';
      overHttp.push(Buffer.from(`${route}\n${incoming.rawHeaders.join('\n')}\n`), asked);
      const { status, body } = await ask(url, route, asked);
      overHttp.push(body);
      const answered = status === 200 ? { ...parse(body), ports } : parse(body);
      const exchange = { route, asked: parse(asked), answer: answered };
      const said = status === 200 ? (meddling.answer?.(exchange) ?? answered) : answered;
      outgoing.writeHead(status, { 'content-type': 'application/json' });
      outgoing.end(JSON.stringify(said));
    })().catch(() => outgoing.destroy());
  });
  const port = await listen(server, host);
  return {
    url: `http://${host}:${port}`,
    http: () => Buffer.concat(overHttp),
    lanes: () => Buffer.concat(overLanes),
  };
}

/** Asks the real relay. */
async function ask(
  relay: URL,
  path: string,
  body: Buffer,
): Promise<{ status: number; body: Buffer }> {
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    const call = request(new URL(path, relay), { method: 'POST', agent: false }, resolve);
    call.on('error', reject);
    call.end(body);
  });
  return { status: incoming.statusCode ?? 0, body: await buffer(incoming) };
}

function laneServer(port: number, seen: Buffer[], { lane }: Meddling): Server {
  return createServer({ allowHalfOpen: true }, (client) => {
    const up = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    const pass = (from: Socket, to: Socket, way: 'up' | 'down'): void => {
      let at = 0;
      from.on('data', (chunk: Buffer) => {
        seen.push(chunk);
        const other = lane?.(chunk, way, at) ?? chunk;
        at += chunk.length;
        if (!to.write(other)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroyed || to.end());
    };
    pass(client, up, 'up');
    pass(up, client, 'down');
  });
}

/**
 * The ways in which a text could be in some bytes: plain, UTF-16, hexadecimal, base64 in each of its
 * three alignments.
 */
export function spellings(text: string): Buffer[] {
  const plain = Buffer.from(text);
  const aligned = [0, 1, 2].map((shift) => {
    const shifted = Buffer.concat([Buffer.alloc(shift), plain]).toString('base64');
    // Without the characters that neighbours have a part in.
    return Buffer.from(shifted.slice(shift === 0 ? 0 : 4).replace(/.=*$/, ''));
  });
  return [plain, Buffer.from(text, 'utf16le'), Buffer.from(plain.toString('hex')), ...aligned];
}

/** Those of `texts` that are in `bytes` in any spelling. */
export function found(bytes: Buffer, texts: readonly string[]): string[] {
  return texts.filter((text) => spellings(text).some((spelling) => bytes.includes(spelling)));
}
