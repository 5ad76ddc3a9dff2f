/**
 * The network between a party and a relay, as a TCP proxy in front of all of the relay's ports: it can be cut, go
 * silent, and come back; or be cut in the moment when a certain request has passed, so that its answer is lost.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

/** What stands behind the wire: the ports of a relay on 127.0.0.1. */
export interface Behind {
  readonly port: number;
  readonly ports: readonly number[];
}

type Weather = 'fine' | 'cut' | 'silent';

/** One party's way to a relay. */
export class Wire {
  /** What the party is told. */
  readonly url: string;
  readonly #servers: readonly Server[];
  readonly #sockets = new Set<Socket>();
  /** Port that the party connects to → where that leads instead. */
  readonly #diverted = new Map<number, number>();
  /** Connections that were begun while the weather was not fine. */
  #inVain = 0;
  #weather: Weather = 'fine';
  /** From which address the relay sees the party come, for new connections. */
  source = '127.0.0.1';
  /** Asked when the relay answers on a port for the first time: the answer waits for that, and may be replaced by the end. */
  judge: ((port: number) => Promise<'pass' | 'cut'>) | undefined;
  #trap: { readonly text: string; readonly sprung: () => void } | undefined;
  readonly #waiting = new Set<() => void>();

  private constructor(url: string, servers: readonly Server[]) {
    this.url = url;
    this.#servers = servers;
  }

  /** Listens at the relay's own ports, at another address of loopback. */
  static async before(relay: Behind): Promise<Wire> {
    for (let tries = 5; ; tries -= 1) {
      const address = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
      const servers = [relay.port, ...relay.ports].map((port) => {
        const server = createServer({ allowHalfOpen: true }, (socket) => wire.#take(socket, port));
        return server.listen(port, address);
      });
      const wire = new Wire(`http://${address}:${relay.port}`, servers);
      try {
        await Promise.all(servers.map((server) => once(server, 'listening')));
        return wire;
      } catch (error) {
        wire.close();
        if (tries === 1) throw error; // somebody listens at every address
      }
    }
  }

  /** Breaks every connection, and every new one at once. */
  cut(): void {
    this.#weather = 'cut';
    this.#inVain = 0;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Lets nothing through, and gives no sign of it. */
  silence(): void {
    this.#weather = 'silent';
    this.#inVain = 0;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Cuts as soon as the party has sent this text, before anything is answered. Resolves then. */
  cutAfter(text: string): Promise<void> {
    return new Promise((resolve) => {
      this.#trap = { text, sprung: resolve };
    });
  }

  /** Waits until the party has tried so often in vain. */
  async tried(times: number): Promise<void> {
    while (this.#inVain < times) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  /** Leads every new connection to one port of the relay to another one, as a balancer does. */
  divert(port: number, to: number): void {
    this.#diverted.set(port, to);
  }

  /** Lets everything through again. */
  mend(): void {
    this.#weather = 'fine';
    for (const socket of this.#sockets) socket.resume();
  }

  /** Ends it. */
  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #take(near: Socket, port: number): void {
    if (this.#weather !== 'fine') {
      this.#inVain += 1;
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    }
    if (this.#weather === 'cut') {
      near.destroy();
      return;
    }
    const to = this.#diverted.get(port) ?? port;
    const far = connect({
      port: to,
      host: '127.0.0.1',
      localAddress: this.source,
      allowHalfOpen: true,
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.on('end', () => other.end());
      one.on('data', (bytes: Buffer) => {
        if (!other.write(bytes)) {
          one.pause();
          other.once('drain', () => {
            if (this.#weather === 'fine') one.resume();
          });
        }
        if (one === near) this.#watch(bytes, far);
      });
      if (one === far && this.judge) void this.#ask(this.judge(port), far, near);
      if (this.#weather === 'silent') one.pause();
    }
  }

  /** Lets nothing of what the relay says pass before the verdict. */
  async #ask(verdict: Promise<'pass' | 'cut'>, far: Socket, near: Socket): Promise<void> {
    far.pause();
    if ((await verdict) === 'cut') near.destroy();
    else far.resume();
  }

  /** Springs the trap once what was sent is with the relay. */
  #watch(bytes: Buffer, far: Socket): void {
    const trap = this.#trap;
    if (trap === undefined || !bytes.includes(trap.text)) return;
    this.#trap = undefined;
    // Half-closed, the relay still gets all; its answer finds nobody.
    far.pause();
    far.end(() => {
      this.cut();
      trap.sprung();
    });
  }
}
