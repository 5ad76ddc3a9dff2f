/**
 * Who writes a partial file at this moment. Its name ends in an id, and while a process writes it,
 * the process listens on a local socket of that id. The system closes the socket however the process
 * ends, so a partial file whose socket nobody answers was left behind and may be taken over. The
 * socket takes no data and every connection is closed at once.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RandomBytes } from '../edges.js';

/** Hex digits of an id that name this machine: what another one writes cannot be asked about. */
const MACHINE_DIGITS = 4;
/** How long a socket may take to answer, in milliseconds; it is on this machine. */
const ANSWER_MS = 1000;

/** Holds the right to write the partial files of one id. */
export class PartLock {
  /** 16 hex digits, at the end of the names of what is written under this lock. */
  readonly id: string;
  readonly #server: Server;

  private constructor(id: string, server: Server) {
    this.id = id;
    this.#server = server;
  }

  /** Takes a lock; undefined where the system gives no such socket. Never rejects. */
  static async take(random: RandomBytes): Promise<PartLock | undefined> {
    const id = machine() + Buffer.from(random(6)).toString('hex');
    const server = createServer((socket) => socket.destroy());
    server.unref();
    try {
      server.listen(socketOf(id));
      await once(server, 'listening');
      server.on('error', () => undefined);
      return new PartLock(id, server);
    } catch {
      return undefined;
    }
  }

  /** Gives the lock up. May be called again. */
  release(): void {
    this.#server.close();
  }
}

/**
 * Whether somebody writes what has this id, as far as can be known: what is of another machine
 * counts as being written. Never rejects.
 */
export async function isHeld(id: string): Promise<boolean> {
  if (!id.startsWith(machine())) return true;
  return new Promise((resolve) => {
    const socket = connect(socketOf(id));
    const settle = (held: boolean) => () => {
      socket.destroy();
      resolve(held);
    };
    socket.setTimeout(ANSWER_MS, settle(true));
    socket.once('connect', settle(true));
    socket.once('error', (error) => {
      const refused = 'code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT');
      settle(!refused)();
    });
  });
}

function machine(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, MACHINE_DIGITS);
}

/** Linux and Windows have names for sockets that no file is left of. */
function socketOf(id: string): string {
  if (process.platform === 'linux') return `\0croc-part-${id}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\croc-part-${id}`;
  return join(tmpdir(), `croc-${id}`);
}
