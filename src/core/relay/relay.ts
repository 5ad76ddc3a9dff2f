/** A relay in this process: puts the parts together, binds the ports, and stops it all. */
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Relay, RelayOptions } from '../api.js';
import { systemClock, systemRandom } from '../edges.js';
import type { Clock, RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import { DEFAULT_HTTP_PORT, DEFAULT_TCP_PORTS, MAX_LANES } from '../wire/http.js';
import { AddressResolver } from './address.js';
import type { RelayEvent } from './events.js';
import { CrocRelay, DEFAULT_CROC_PASSWORD } from './crocRelay.js';
import { createHttpServer } from './http.js';
import { Lanes } from './lanes.js';
import { DEFAULT_LIMITS } from './limits.js';
import type { RelayLimits } from './limits.js';
import { listenAt, stop, urlsOf } from './listen.js';
import type { Bound, WantedPort } from './listen.js';
import { Rendezvous } from './rendezvous.js';
import { Sockets } from './sockets.js';
import { MemoryStore } from './store.js';
import type { ChannelStore } from './store.js';

/** How to run a relay, with what only operators and tests set. */
export interface RelaySetup extends RelayOptions {
  /** Addresses to bind, instead of `host`; none: every interface, IPv4 and IPv6. */
  readonly hosts?: readonly string[];
  readonly clock?: Clock;
  readonly random?: RandomBytes;
  readonly limits?: Partial<RelayLimits>;
  /** Addresses or subnets of proxies whose `X-Forwarded-For` counts; default none. */
  readonly trustedProxies?: readonly string[];
  readonly store?: ChannelStore;
  /** Told what happens, in counts. */
  readonly onEvent?: (event: RelayEvent) => void;
}

/**
 * Starts a relay.
 * @throws CrocError `port_taken` (detail: the port), `cannot_listen`, or `usage` for options that
 *   cannot be
 */
export async function startRelay(setup: RelaySetup = {}): Promise<Relay> {
  checkPorts(setup);
  const limits = { ...DEFAULT_LIMITS, ...setup.limits };
  const clock = setup.clock ?? systemClock;
  const random = setup.random ?? systemRandom;
  const onEvent = setup.onEvent ?? ((): void => undefined);
  const store = setup.store ?? new MemoryStore(limits, random);
  const resolver = new AddressResolver(setup.trustedProxies);
  const sockets = new Sockets(limits, resolver);
  const hosts = setup.hosts ?? (setup.host === undefined ? [] : [setup.host]);
  const servers: Server[] = [];
  try {
    // Lanes know the ports only by number, so that they can be bound first and told afterwards.
    const gate: LaneGate = { accept: (socket) => void socket.destroy() };
    const ports: number[] = [];
    for (const wanted of wantedLanes(setup)) {
      const index = ports.length;
      const make = (): Server => laneServer(limits, (socket) => gate.accept(socket, index));
      const { servers: bound, bound: at } = await listenAt(make, hosts, wanted);
      servers.push(...bound);
      ports.push(at.port);
    }
    const rendezvous = new Rendezvous({ store, clock, random, limits, ports, onEvent });
    const croc = new CrocRelay({
      ...{ clock, random, ports, limits },
      password: setup.crocPassword ?? DEFAULT_CROC_PASSWORD,
    });
    const lanes = new Lanes({
      ...{ store, rendezvous, sockets, clock, limits, croc, onEvent },
      count: ports.length,
    });
    gate.accept = (socket, index) => void lanes.accept(socket, index);
    const http = await listenAt(
      () => createHttpServer({ rendezvous, sockets, resolver, limits, onEvent }),
      hosts,
      { port: setup.port ?? DEFAULT_HTTP_PORT, fallback: setup.port === undefined },
    );
    servers.push(...http.servers);
    const parts = { servers, sockets, store, rendezvous, lanes, onEvent };
    return new RunningRelay(parts, http.bound, ports);
  } catch (error) {
    sockets.close();
    await Promise.all(servers.map(stop));
    throw error;
  }
}

/** Where a lane's connection goes; index: which of the ports. */
interface LaneGate {
  accept: (socket: Socket, index: number) => void;
}

function wantedLanes({ tcpPorts }: RelayOptions): WantedPort[] {
  const fallback = tcpPorts === undefined;
  return (tcpPorts ?? DEFAULT_TCP_PORTS).map((port) => ({ port, fallback }));
}

function laneServer(limits: RelayLimits, accept: (socket: Socket) => void): Server {
  const options = {
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 15_000,
    highWaterMark: limits.laneBufferBytes,
  };
  return createServer(options, accept);
}

interface RunningParts {
  readonly servers: readonly Server[];
  readonly sockets: Sockets;
  readonly store: ChannelStore;
  readonly rendezvous: Rendezvous;
  readonly lanes: Lanes;
  readonly onEvent: (event: RelayEvent) => void;
}

class RunningRelay implements Relay {
  readonly url: string;
  readonly localUrl: string;
  readonly port: number;
  readonly ports: readonly number[];
  readonly closed: Promise<CrocError | undefined>;
  readonly #parts: RunningParts;
  #tellClosed: (error: CrocError | undefined) => void = () => undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: RunningParts, bound: Bound, ports: readonly number[]) {
    this.#parts = parts;
    ({ url: this.url, localUrl: this.localUrl } = urlsOf(bound));
    this.port = bound.port;
    this.ports = ports;
    this.closed = new Promise((resolve) => (this.#tellClosed = resolve));
    parts.rendezvous.startSweeping(() => parts.lanes.busy());
    for (const server of parts.servers) {
      // A connection that could not be accepted (no file descriptor left) is no end of the relay.
      server.on('error', () => parts.onEvent({ kind: 'accept-failed' }));
    }
  }

  async stats(): ReturnType<Relay['stats']> {
    const { store, lanes } = this.#parts;
    return { channels: await store.count(), connections: lanes.connections, bytes: lanes.bytes };
  }

  close(): Promise<void> {
    this.#closing ??= this.#stop();
    return this.#closing;
  }

  async #stop(): Promise<void> {
    const { servers, sockets, store, rendezvous } = this.#parts;
    const stopped = servers.map(stop);
    sockets.close(); // first, so that clients see the relay go and not an answer about it
    rendezvous.close();
    await Promise.all(stopped);
    await store.close();
    this.#tellClosed(undefined);
  }
}

function checkPorts({ port = 0, tcpPorts = [0] }: RelayOptions): void {
  const all = [port, ...tcpPorts];
  const fixed = all.filter((one) => one !== 0);
  const wrong =
    tcpPorts.length === 0
      ? 'no TCP port'
      : tcpPorts.length > MAX_LANES
        ? `more than ${MAX_LANES} TCP ports`
        : all.some((one) => !Number.isInteger(one) || one < 0 || one > 65_535)
          ? 'a port is a number from 0 to 65535'
          : new Set(fixed).size < fixed.length
            ? 'a port is named twice'
            : undefined;
  if (wrong !== undefined) throw new CrocError('usage', { detail: wrong });
}
