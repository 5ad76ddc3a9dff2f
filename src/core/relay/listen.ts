/** Binding ports, and the addresses under which others reach them. */
import type { Server } from 'node:net';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { CrocError } from '../errors.js';

/** A port to bind: one that somebody asked for, or one that may be another. */
export interface WantedPort {
  /** 0 for any free one. */
  readonly port: number;
  /** Whether any free port will do when this one is taken. */
  readonly fallback: boolean;
}

/** Where a server listens. */
export interface Bound {
  readonly host: string;
  readonly port: number;
}

const EVERY_INTERFACE = ['::', '0.0.0.0'];
const NO_IPV6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'];

/** How often a free port is looked for that is free at every address. */
const TRIES = 8;

/** Servers that listen under one port number, and the first address of them. */
export interface Listening {
  readonly servers: readonly Server[];
  readonly bound: Bound;
}

/**
 * Makes a server listen at each of several addresses, all under the same port number.
 * @param make - makes one of the servers
 * @param hosts - addresses of this machine; none: every interface, IPv4 and IPv6
 * @throws CrocError `port_taken`, with the port, or `cannot_listen`, with the address
 */
export async function listenAt(
  make: () => Server,
  hosts: readonly string[],
  wanted: WantedPort,
): Promise<Listening> {
  const [first, ...others] = hosts;
  for (let tries = 1; ; tries += 1) {
    const servers = [make()];
    try {
      // Another free port than before, when the one before was taken at another address.
      const port = tries === 1 ? wanted : { port: 0, fallback: false };
      const bound = await listen(servers[0] ?? make(), first, port);
      for (const host of others) {
        const server = make();
        servers.push(server);
        await listen(server, host, { port: bound.port, fallback: false });
      }
      return { servers, bound };
    } catch (error) {
      await Promise.all(servers.map(stop));
      const free = wanted.port === 0 || wanted.fallback;
      const taken = error instanceof CrocError && error.code === 'port_taken';
      if (!taken || !free || others.length === 0 || tries === TRIES) throw error;
    }
  }
}

/** Stops a server that may never have listened; its connections are destroyed elsewhere. */
export function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

/**
 * Makes a server listen.
 * @param host - an address of this machine; every interface, IPv4 and IPv6, when absent
 * @throws CrocError `port_taken`, with the port, or `cannot_listen`, with the address
 */
export async function listen(
  server: Server,
  host: string | undefined,
  { port, fallback }: WantedPort,
): Promise<Bound> {
  try {
    return await bind(server, host ?? '::', port);
  } catch (error) {
    const code = codeOf(error);
    if (host === undefined && NO_IPV6.includes(code))
      return listen(server, '0.0.0.0', { port, fallback });
    const taken = code === 'EADDRINUSE';
    if (fallback && (taken || code === 'EACCES'))
      return listen(server, host, { port: 0, fallback: false });
    throw taken
      ? new CrocError('port_taken', { detail: String(port), cause: error })
      : new CrocError('cannot_listen', { detail: `${host ?? '::'}, port ${port}`, cause: error });
  }
}

function bind(server: Server, host: string, port: number): Promise<Bound> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', reject);
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('no address'));
      else resolve({ host: address.address, port: address.port });
    });
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Tells whether an address stands for every interface. */
export function isEveryInterface(host: string): boolean {
  return EVERY_INTERFACE.includes(host);
}

/** The URLs of a bound HTTP port: for others on the network, and for this machine. */
export function urlsOf({ host, port }: Bound): { url: string; localUrl: string } {
  if (!isEveryInterface(host)) {
    const url = toUrl(host, port);
    return { url, localUrl: url };
  }
  const localUrl = toUrl('127.0.0.1', port);
  const external = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4');
  return { url: external === undefined ? localUrl : toUrl(external.address, port), localUrl };
}

function toUrl(host: string, port: number): string {
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
