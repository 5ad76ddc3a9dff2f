/** The relays that this window runs, each in a worker thread. */
import { createServer } from 'node:net';
import * as vscode from 'vscode';
import {
  startRelayThread,
  type CrocError,
  type Relay,
  type RelayOptions,
  type RelayStats,
} from '../core/index.js';
import { settings } from './settings.js';

/** The HTTP port that a relay takes when nothing else is said. */
export const DEFAULT_PORT = 8003;

/** Tells whether a TCP port is free on `host` (every interface when undefined). */
function isFree(port: number, host: string | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, exclusive: true, ...(host === undefined ? {} : { host }) }, () => {
      probe.close(() => resolve(true));
    });
  });
}

/** The first free port from `port` on that is not in `not`; 0 (any) when twenty in a row are taken. */
async function nextFree(
  port: number,
  host: string | undefined,
  not: ReadonlySet<number>,
): Promise<number> {
  for (let candidate = port; candidate < Math.min(port + 20, 65536); candidate += 1) {
    if (!not.has(candidate) && (await isFree(candidate, host))) return candidate;
  }
  return 0;
}

/** A replacement for ports that are taken: which were, and options that avoid them. */
export interface OtherPorts {
  /** The taken port and the free one to use for it (0: any). */
  readonly changes: readonly { readonly taken: number; readonly free: number }[];
  readonly options: RelayOptions;
}

/** @param options - that were refused with `port_taken` @returns the next free ports */
export async function findOtherPorts(options: RelayOptions): Promise<OtherPorts> {
  const changes: { taken: number; free: number }[] = [];
  const used = new Set<number>();
  const replace = async (port: number): Promise<number> => {
    if (port === 0) return 0;
    const free = await nextFree(port, options.host, used);
    used.add(free);
    if (free !== port) changes.push({ taken: port, free });
    return free;
  };
  const port = await replace(options.port ?? DEFAULT_PORT);
  const tcpPorts: number[] = [];
  for (const tcpPort of options.tcpPorts ?? []) tcpPorts.push(await replace(tcpPort));
  return {
    changes,
    options: { ...options, port, ...(options.tcpPorts === undefined ? {} : { tcpPorts }) },
  };
}

/** How a relay of this window is announced; one on loopback never is. */
function announcement(): RelayOptions {
  const multicast = settings.surroundings;
  return multicast === undefined ? {} : { announce: true, multicast };
}

/** Starts, shares and stops relays; fires when one came or went. */
export class Relays implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.#changed.event;
  #running: readonly Relay[] = [];
  #stats: RelayStats | undefined;
  /** Those that a send started by itself. */
  readonly #byItself = new WeakSet<Relay>();
  #shared: Promise<Relay> | undefined;

  constructor(private readonly log: vscode.LogOutputChannel) {}

  /** The relay to send through: the newest that runs. */
  get current(): Relay | undefined {
    return this.#running.at(-1);
  }

  /** The numbers of the current relay as it told them last; undefined before anything happened. */
  get stats(): RelayStats | undefined {
    return this.#stats;
  }

  get all(): readonly Relay[] {
    return this.#running;
  }

  /** The running relay, or a new one on the usual ports (or free ones). Several callers share it. */
  shared(): Promise<Relay> {
    if (this.current !== undefined) return Promise.resolve(this.current);
    this.#shared ??= this.#startByItself().finally(() => {
      this.#shared = undefined;
    });
    return this.#shared;
  }

  /** The relay that a send started, from now on as if it had been asked for; undefined without one. */
  adopt(): Relay | undefined {
    const found = this.#running.find((relay) => this.#byItself.has(relay));
    if (found === undefined) return undefined;
    this.#byItself.delete(found);
    this.#changed.fire();
    return found;
  }

  /** Whether nobody asked for this relay: a send needed one. */
  startedByItself(relay: Relay): boolean {
    return this.#byItself.has(relay);
  }

  /** Starts one more relay. @throws CrocError such as `port_taken`, `cannot_listen` */
  async start(options: RelayOptions): Promise<Relay> {
    return this.#add(await startRelayThread({ ...announcement(), ...options }));
  }

  async #startByItself(): Promise<Relay> {
    const relay = await startRelayThread(announcement());
    this.#byItself.add(relay);
    return this.#add(relay);
  }

  #add(relay: Relay): Relay {
    this.#running = [...this.#running, relay];
    this.#stats = undefined;
    // The relay tells of changes, so nothing is asked while nothing happens.
    relay.watch((stats) => {
      if (this.current !== relay) return;
      this.#stats = stats;
      this.#changed.fire();
    });
    this.log.info(`relay: listening at ${relay.url}, ports ${relay.ports.join(', ')}`);
    this.#changed.fire();
    void relay.closed.then((error) => this.#gone(relay, error));
    return relay;
  }

  /** Stops every relay. Never throws. */
  async stop(): Promise<void> {
    await this.#shared?.catch(() => undefined);
    await Promise.all(this.#running.map((relay) => relay.close()));
  }

  dispose(): void {
    this.#changed.dispose();
  }

  #gone(relay: Relay, error: CrocError | undefined): void {
    this.#running = this.#running.filter((other) => other !== relay);
    if (error === undefined) this.log.info(`relay: ${relay.url} stopped`);
    else this.log.error(`relay: ${relay.url} stopped: ${error.message}`);
    this.#changed.fire();
  }
}
