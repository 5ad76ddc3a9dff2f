/** A relay whose lanes lead through a gate, at another loopback address, that can be shut and opened again. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Relay } from '../../src/core/api.js';
import { startRelay } from '../../src/core/relay/relay.js';

/** Where the relay says that its lanes are. */
const GATE_HOST = '127.0.0.3';

/** A relay, and the way to its lanes. */
export class GatedRelay {
  #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(readonly relay: Relay) {}

  /** @param open - how many of its two ports are let through; the others are refused */
  static async start(open = 2): Promise<GatedRelay> {
    const ports = { host: '127.0.0.1', port: 0, tcpPorts: [0, 0] };
    const gated = new GatedRelay(await startRelay({ ...ports, hostName: GATE_HOST }));
    await gated.open(open);
    return gated;
  }

  /** Lets lanes through. @param count - how many of the ports, from the first on */
  async open(count = 2): Promise<void> {
    for (const port of this.relay.ports.slice(0, count)) {
      const server = createServer((outer) => this.#join(outer, port));
      server.listen(port, GATE_HOST);
      await once(server, 'listening');
      this.#servers.push(server);
    }
  }

  /** Cuts every lane, and lets none through any more; the relay itself still answers. */
  shut(): void {
    for (const server of this.#servers.splice(0)) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.shut();
    await this.relay.close();
  }

  #join(outer: Socket, port: number): void {
    const inner = connect(port, '127.0.0.1');
    for (const socket of [outer, inner]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        outer.destroy();
        inner.destroy();
      });
    }
    outer.pipe(inner).pipe(outer);
  }
}
