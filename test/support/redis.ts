/** A Redis of its own for tests: Debian's `redis-server` on a free loopback port, in a temporary folder. */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** Whether the program is there; tests that need it are skipped where it is not. */
export const HAS_REDIS = has('redis-server');

/** Tells whether a program is on the PATH. */
export function has(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A TCP port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A Redis that can be killed and started again at the same address. */
export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #options: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(port: number, folder: string, options: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.#options = options;
  }

  /** Starts one. @param options - of redis-server, beside its port and folder */
  static async start(options: readonly string[] = []): Promise<RedisServer> {
    const folder = await mkdtemp(path.join(tmpdir(), 'croc-redis-'));
    for (let tries = 5; ; tries -= 1) {
      const server = new RedisServer(await freePort(), folder, options);
      try {
        await server.resume();
        return server;
      } catch (error) {
        // Another program may have taken the port meanwhile.
        if (tries === 1) throw error;
      }
    }
  }

  /** What a relay is told. */
  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts it, again after `kill`. What it kept is there only with `--appendonly yes`. */
  async resume(): Promise<void> {
    const fixed = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.#folder];
    const child = spawn('redis-server', [...fixed, '--save', '', ...this.#options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    const lines = createInterface({ input: child.stdout });
    await new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => {
        if (line.includes('Ready to accept connections')) resolve();
      });
      child.once('exit', (code) => reject(new Error(`redis-server ended with ${String(code)}`)));
    });
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Holds it still, so that it accepts and does not answer. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    this.thaw();
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** One command in Redis's inline form; gives its answer as it comes. */
  async ask(command: string): Promise<string> {
    const socket = connect(this.port, '127.0.0.1');
    socket.write(`${command}\r\nQUIT\r\n`);
    const chunks: Buffer[] = [];
    for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }
}
