/** A relay in this process: puts the parts together, binds the ports, and stops it all. */
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Relay, RelayOptions, RelayStats } from '../api.js';
import { systemClock, systemRandom } from '../edges.js';
import type { Clock, RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import { DEFAULT_HTTP_PORT, DEFAULT_TCP_PORTS, isLaneHost, MAX_LANES } from '../wire/http.js';
import { AddressResolver } from './address.js';
import type { Home } from './channel.js';
import type { RelayEvent } from './events.js';
import { CrocRelay, DEFAULT_CROC_PASSWORD } from './crocRelay.js';
import { Gate } from './gate.js';
import { createHttpServer } from './http.js';
import { Lanes } from './lanes.js';
import { DEFAULT_LIMITS } from './limits.js';
import type { RelayLimits } from './limits.js';
import { isEveryInterface, listenAt, stop, urlsOf } from './listen.js';
import type { Bound, WantedPort } from './listen.js';
import { RelayPassword } from './password.js';
import { Quiet } from './quiet.js';
import { RedisStore } from './redisStore.js';
import { Rendezvous } from './rendezvous.js';
import { Sockets } from './sockets.js';
import { MemoryStore } from './store.js';
import type { ChannelStore } from './store.js';
import { StatsWatchers } from './watchers.js';

/** How to run a relay, with what only operators and tests set. */
export interface RelaySetup extends RelayOptions {
  /** Addresses to bind, instead of `host`; none: every interface, IPv4 and IPv6. */
  readonly hosts?: readonly string[];
  readonly clock?: Clock;
  readonly random?: RandomBytes;
  readonly limits?: Partial<RelayLimits>;
  /** Addresses or subnets of proxies whose `X-Forwarded-For` counts; default none. */
  readonly trustedProxies?: readonly string[];
  /** Keeps the channels instead of what `store` names. */
  readonly channelStore?: ChannelStore;
  /** What clients must know to use this relay; default: nothing. */
  readonly password?: string;
  /** Told what happens, in counts. */
  readonly onEvent?: (event: RelayEvent) => void;
  /** Whether events name the client's address; default: they do not. */
  readonly tellAddresses?: boolean;
}

/** How long the last answers of a drained relay may take to get out, milliseconds. */
const LAST_WORDS_MS = 300;
/** Digits of channel names of a relay that is found among others: nobody should meet a stranger's. */
const ANNOUNCED_NAME_DIGITS = 4;

/**
 * Starts a relay.
 * @throws CrocError `port_taken` (detail: the port), `cannot_listen`, or `usage` for options that
 *   cannot be
 */
export async function startRelay(setup: RelaySetup = {}): Promise<OperatedRelay> {
  checkPorts(setup);
  const limits = { ...DEFAULT_LIMITS, ...setup.limits };
  const clock = setup.clock ?? systemClock;
  const random = setup.random ?? systemRandom;
  const quiet = new Quiet();
  const onEvent = teller(setup, quiet);
  const password = setup.password === undefined ? undefined : new RelayPassword(setup.password);
  const resolver = new AddressResolver(setup.trustedProxies);
  const sockets = new Sockets(limits, resolver, onEvent);
  const hosts = setup.hosts ?? (setup.host === undefined ? [] : [setup.host]);
  const servers: Server[] = [];
  let store: ChannelStore | undefined;
  try {
    const kept = await openStore(setup, limits, clock, random);
    store = kept;
    // Lanes know the ports only by number, so that they can be bound first and told afterwards.
    const door: LaneDoor = { accept: (socket) => void socket.destroy() };
    const ports: number[] = [];
    for (const wanted of wantedLanes(setup)) {
      const index = ports.length;
      const make = (): Server => laneServer(limits, (socket) => door.accept(socket, index));
      const { servers: bound, bound: at } = await listenAt(make, hosts, wanted);
      servers.push(...bound);
      ports.push(at.port);
    }
    const gate = new Gate({ clock, limits });
    const home = homeOf(setup, hosts, ports);
    const rendezvous = new Rendezvous({ store, clock, random, limits, gate, home, onEvent });
    const croc = new CrocRelay({
      ...{ clock, random, ports, limits, onEvent },
      draining: () => gate.draining,
      onRooms: () => quiet.changed(),
      // A relay with a password is not open to everybody by croc's protocol either.
      password: setup.crocPassword ?? setup.password ?? DEFAULT_CROC_PASSWORD,
    });
    const watchers = new StatsWatchers(clock, () => numbersOf(kept, lanes));
    const onConnections = (): void => {
      watchers.changed();
      quiet.changed();
    };
    const lanes: Lanes = new Lanes({
      ...{ store, rendezvous, sockets, clock, limits, home, croc, onEvent, onConnections },
    });
    door.accept = (socket, index) => void lanes.accept(socket, index);
    const http = await listenAt(
      () => createHttpServer({ rendezvous, sockets, resolver, limits, gate, password, onEvent }),
      hosts,
      { port: setup.port ?? DEFAULT_HTTP_PORT, fallback: setup.port === undefined },
    );
    servers.push(...http.servers);
    await store.announce(home);
    const parts = {
      ...{
        servers,
        sockets,
        store,
        rendezvous,
        lanes,
        croc,
        gate,
        clock,
        quiet,
        onEvent,
        watchers,
      },
    };
    return new RunningRelay(parts, http.bound, ports);
  } catch (error) {
    sockets.close();
    await Promise.all(servers.map(stop));
    await store?.close();
    throw error;
  }
}

/** Who is told of events: the operator, and whoever waits for the relay to be quiet. */
function teller(
  { onEvent = () => undefined, tellAddresses = false }: RelaySetup,
  quiet: Quiet,
): (event: RelayEvent) => void {
  return (event) => {
    if (event.kind === 'pair-ended') quiet.changed();
    if (tellAddresses || !('address' in event)) onEvent(event);
    else {
      const bare = { ...event };
      delete bare.address;
      onEvent(bare);
    }
  };
}

/** Where channels are kept: handed in, shared by Redis, or in memory. */
async function openStore(
  { channelStore, store, announce = false, nameDigits }: RelaySetup,
  limits: RelayLimits,
  clock: Clock,
  random: RandomBytes,
): Promise<ChannelStore> {
  if (channelStore !== undefined) return channelStore;
  const fewest = nameDigits ?? (announce ? ANNOUNCED_NAME_DIGITS : 1);
  if (store === undefined) return new MemoryStore(limits, random, fewest);
  return RedisStore.open(store, { limits, clock, random, nameDigits: fewest });
}

/**
 * Where clients find this process's lanes.
 * @throws CrocError `usage` when relays share a store and nothing says which address is this one's
 */
function homeOf(
  { hostName, store }: RelaySetup,
  hosts: readonly string[],
  ports: readonly number[],
): Home {
  const here = { ports, lanes: MAX_LANES };
  if (hostName !== undefined) {
    if (!isLaneHost(hostName))
      throw new CrocError('usage', { detail: `not a host name: ${hostName}` });
    return { host: hostName, ...here };
  }
  if (store === undefined) return here;
  const [host] = hosts;
  if (hosts.length === 1 && host !== undefined && isLaneHost(host) && !isEveryInterface(host))
    return { host, ...here };
  throw new CrocError('usage', {
    detail: 'relays that share a store need a host name each, under which clients find them',
  });
}

/** Where a lane's connection goes; index: which of the ports. */
interface LaneDoor {
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

async function numbersOf(store: ChannelStore, lanes: Lanes): Promise<RelayStats> {
  const { connections, bytes } = lanes;
  return { channels: await store.count(), connections, bytes };
}

interface RunningParts {
  readonly servers: readonly Server[];
  readonly sockets: Sockets;
  readonly store: ChannelStore;
  readonly rendezvous: Rendezvous;
  readonly lanes: Lanes;
  readonly croc: CrocRelay;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly quiet: Quiet;
  readonly onEvent: (event: RelayEvent) => void;
  readonly watchers: StatsWatchers;
}

/** What a relay holds at this moment, for its operator. */
export interface RelayGauges extends RelayStats {
  /** Open connections, HTTP and TCP. */
  readonly sockets: number;
  /** Channels with both parties. */
  readonly pairs: number;
  readonly held: number;
  /** Rooms with a croc client that waits, or with two. */
  readonly crocRooms: number;
  /** Bytes that wait for peers to read them. */
  readonly bufferedBytes: number;
  readonly draining: boolean;
}

/** A relay with what only its operator does. */
export interface OperatedRelay extends Relay {
  /** What it holds at this moment. */
  gauges(): Promise<RelayGauges>;
  /**
   * Opens no new channel and is not ready any more, waits until every transfer that runs has ended, at most
   * `limitMs`, and closes. Never throws.
   */
  drain(limitMs: number): Promise<void>;
}

class RunningRelay implements OperatedRelay {
  readonly url: string;
  readonly localUrl: string;
  readonly port: number;
  readonly ports: readonly number[];
  /** The relay itself says nothing to the network; see discovery/announced.ts. */
  readonly announced = false;
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

  stats(): Promise<RelayStats> {
    return numbersOf(this.#parts.store, this.#parts.lanes);
  }

  watch(changed: (stats: RelayStats) => void): () => void {
    return this.#parts.watchers.add(changed);
  }

  async gauges(): Promise<RelayGauges> {
    const { sockets, rendezvous, gate, croc } = this.#parts;
    const { pairs, held } = rendezvous;
    const { open, bufferedBytes } = sockets;
    const own = { sockets: open, bufferedBytes, pairs, held, crocRooms: croc.rooms };
    return { ...(await this.stats()), ...own, draining: gate.draining };
  }

  async drain(limitMs: number): Promise<void> {
    const { gate, quiet, clock, rendezvous, lanes, croc, onEvent } = this.#parts;
    if (gate.draining) return this.closed.then(() => undefined);
    gate.drain();
    onEvent({ kind: 'draining' });
    let cancel: () => void = () => undefined;
    const late = new Promise<void>((resolve) => (cancel = clock.after(limitMs, resolve)));
    const idle = quiet
      .until(() => rendezvous.pairs + lanes.channels + croc.stapled === 0)
      .then(() => new Promise<void>((resolve) => clock.after(LAST_WORDS_MS, resolve)));
    await Promise.race([idle, late, this.closed]);
    cancel();
    await this.close();
  }

  close(): Promise<void> {
    this.#closing ??= this.#stop();
    return this.#closing;
  }

  async #stop(): Promise<void> {
    const { servers, sockets, store, rendezvous, watchers } = this.#parts;
    watchers.close();
    const stopped = servers.map(stop);
    sockets.close(); // first, so that clients see the relay go and not an answer about it
    rendezvous.close();
    await Promise.all(stopped);
    await store.close();
    this.#tellClosed(undefined);
  }
}

function checkPorts({ port = 0, tcpPorts = [0], nameDigits = 1 }: RelayOptions): void {
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
            : !Number.isInteger(nameDigits) || nameDigits < 1 || nameDigits > 9
              ? 'a channel name has 1 to 9 digits'
              : undefined;
  if (wrong !== undefined) throw new CrocError('usage', { detail: wrong });
}
