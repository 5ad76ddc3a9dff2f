/** nginx in front of relays, as docs/relay.md shows it: on free loopback ports, in a temporary folder. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort, has } from './redis.js';

/** Whether the program is there; tests that need it are skipped where it is not. */
export const HAS_NGINX = has('nginx');

/** One port of the balancer: relays by their HTTP ports, each asked only when those before it are gone. */
export type Front = readonly number[];

/** A running nginx. */
export class Balancer {
  /** What clients are told, a URL a front. */
  readonly urls: readonly string[];
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(urls: readonly string[], child: ChildProcess, folder: string) {
    this.urls = urls;
    this.#child = child;
    this.#folder = folder;
  }

  /** Starts it. */
  static async start(fronts: readonly Front[]): Promise<Balancer> {
    const folder = await mkdtemp(path.join(tmpdir(), 'croc-nginx-'));
    const ports = await Promise.all(fronts.map(() => freePort()));
    await writeFile(path.join(folder, 'nginx.conf'), configuration(folder, fronts, ports));
    const child = spawn('nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (piece: Buffer) => (said += piece.toString()));
    for (const port of ports) {
      while (!(await answers(port))) {
        if (child.exitCode !== null) throw new Error(`nginx: ${said}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
    return new Balancer(
      ports.map((port) => `http://127.0.0.1:${port}`),
      child,
      folder,
    );
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const up = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return up;
}

function configuration(folder: string, fronts: readonly Front[], ports: readonly number[]): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
    .join('\n  ');
  const parts = fronts.map((relays, index) => {
    const servers = relays.map(
      (port, rank) =>
        `server 127.0.0.1:${port} max_fails=1 fail_timeout=2s${rank === 0 ? '' : ' backup'};`,
    );
    return `
  upstream relays${index} { ${servers.join(' ')} keepalive 16; }
  server {
    listen 127.0.0.1:${ports[index] ?? 0};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_connect_timeout 2s;
    proxy_read_timeout 35s;
    proxy_buffering off;
    location = /join { proxy_pass http://relays${index}; }
    location = /channel {
      proxy_pass http://relays${index};
      proxy_next_upstream error timeout non_idempotent;
    }
  }`;
  });
  return `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 512; }
http {
  access_log off;
  ${temporary}${parts.join('')}
}
`;
}
