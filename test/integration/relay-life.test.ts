import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Relay } from '../../src/core/api.js';
import { startRelay } from '../../src/core/relay/relay.js';
import { startRelayThread } from '../../src/core/relay/thread.js';
import {
  call,
  codeOf,
  enterLane,
  FakeClock,
  firstLine,
  join,
  openLane,
  pair,
  post,
  refusal,
  start,
  verifiedPair,
} from './relay-client.js';

const relays: Relay[] = [];
async function kept(starting: Promise<Relay>): Promise<Relay> {
  const relay = await starting;
  relays.push(relay);
  return relay;
}
afterEach(async () => {
  await Promise.all(relays.splice(0).map((relay) => relay.close()));
});

async function occupy(host: string): Promise<{ server: Server; port: number }> {
  const server = createServer();
  server.listen(0, host);
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

const IPV6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
);

describe('where a relay listens', () => {
  it('is where it says, on any free port', async () => {
    const relay = await kept(start({ tcpPorts: [0, 0, 0] }));
    expect(relay.url).toBe(`http://127.0.0.1:${relay.port}`);
    expect(relay.localUrl).toBe(relay.url);
    expect(new Set([relay.port, ...relay.ports]).size).toBe(4);
    for (const port of relay.ports) {
      const socket = connect({ host: '127.0.0.1', port });
      await once(socket, 'connect');
      socket.destroy();
    }
  });

  it('is every interface by default, IPv4 and IPv6', async () => {
    const relay = await kept(startRelay({ port: 0, tcpPorts: [0] }));
    expect(relay.localUrl).toBe(`http://127.0.0.1:${relay.port}`);
    expect(relay.url).toMatch(/^http:\/\/\d+\.\d+\.\d+\.\d+:\d+$/);
    const external = Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .some(({ internal, family }) => !internal && family === 'IPv4');
    if (external) expect(relay.url).not.toContain('127.0.0.1');
    expect((await fetch(`${relay.localUrl}/healthz`)).status).toBe(200);
    expect((await fetch(`${relay.url}/healthz`)).status).toBe(200);
    if (IPV6) expect((await fetch(`http://[::1]:${relay.port}/healthz`)).status).toBe(200);
  });

  it.runIf(IPV6)('has brackets in its URL when it is IPv6', async () => {
    const relay = await kept(startRelay({ host: '::1', port: 0, tcpPorts: [0] }));
    expect(relay.url).toBe(`http://[::1]:${relay.port}`);
    expect((await fetch(`${relay.url}/healthz`)).status).toBe(200);
  });

  it('is another port when a default one is taken', async () => {
    const first = await kept(startRelay({ host: '127.0.0.1' }));
    const second = await kept(startRelay({ host: '127.0.0.1' }));
    const ports = [first.port, ...first.ports, second.port, ...second.ports];
    expect(new Set(ports).size).toBe(10);
    expect((await call(second, '/healthz', '', { method: 'GET' })).status).toBe(200);
  });

  it('is never another port than the one asked for', async () => {
    const { server, port } = await occupy('127.0.0.1');
    try {
      for (const ports of [
        { port, tcpPorts: [0] },
        { port: 0, tcpPorts: [0, port] },
      ]) {
        const starting = startRelay({ host: '127.0.0.1', ...ports });
        await expect(starting).rejects.toMatchObject({ code: 'port_taken', detail: String(port) });
      }
    } finally {
      server.close();
    }
  });

  it.each([
    ['203.0.113.7', 'cannot_listen'],
    ['no such host', 'cannot_listen'],
  ])('cannot be %s', async (host, code) => {
    await expect(startRelay({ host, port: 0, tcpPorts: [0] })).rejects.toMatchObject({ code });
  });

  it.each([
    [{ tcpPorts: [] }],
    [{ tcpPorts: Array.from({ length: 17 }, () => 0) }],
    [{ port: 70_000 }],
    [{ port: 1.5 }],
    [{ tcpPorts: [-1] }],
    [{ port: 4444, tcpPorts: [4444] }],
    [{ trustedProxies: ['nonsense'] }],
  ])('cannot be set by %j', async (options) => {
    const starting = startRelay({ host: '127.0.0.1', ...options });
    await expect(starting).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('an idle channel', () => {
  it('ends after ten minutes, its lanes with it', async () => {
    const clock = new FakeClock();
    const relay = await kept(start({ clock }));
    const { sender, recipient } = await verifiedPair(relay);
    const up = await enterLane(relay, 0, sender);
    await enterLane(relay, 0, recipient);
    await clock.advance(590_000);
    expect((await relay.stats()).channels).toBe(1);
    await clock.advance(30_000);
    expect(await relay.stats()).toMatchObject({ channels: 0 });
    await up.ended;
    expect(refusal(await post(relay, sender))).toBe('410 channel_closed');
    await clock.advance(61_000);
    expect(refusal(await post(relay, sender))).toBe('404 no_such_channel');
  });

  it('is not one with requests, held ones or bytes', async () => {
    const clock = new FakeClock();
    const relay = await kept(start({ clock }));
    const asked = await join(relay, { role: 'sender' });
    const held = await join(relay, { role: 'sender' });
    const idle = await join(relay, { role: 'sender' });
    const moving = await verifiedPair(relay);
    const up = await enterLane(relay, 0, moving.sender);
    const down = await enterLane(relay, 0, moving.recipient);
    for (let minutes = 0; minutes < 24; minutes += 4) {
      const before = clock.pending;
      const poll = post(relay, held, { since: 99 });
      while (clock.pending === before) await new Promise((resolve) => setImmediate(resolve));
      up.socket.write('x');
      await down.read(1);
      await clock.advance(240_000);
      await poll;
      await post(relay, asked);
    }
    expect((await relay.stats()).channels).toBe(3);
    expect((await post(relay, moving.sender)).status).toBe(200);
    expect(refusal(await post(relay, idle))).toBe('404 no_such_channel');
    // a wrong capability is no sign of life
    for (let minutes = 0; minutes < 12; minutes += 4) {
      await post(relay, { ...asked, uuid: 'wrong' });
      await clock.advance(240_000);
    }
    expect(await relay.stats()).toMatchObject({ channels: 0 });
  });
});

describe('closing a relay', () => {
  it('lets go of everything, whatever state its channels are in', async () => {
    const relay = await start();
    const opened = await join(relay, { role: 'sender' });
    const joined = await pair(relay);
    const both = await verifiedPair(relay);
    const lanes = [
      await openLane(relay, 0, ''), // says nothing
      await openLane(relay, 0, '{"chan'), // says half
      await enterLane(relay, 0, both.sender), // stapled
      await enterLane(relay, 0, both.recipient),
      await enterLane(relay, 1, both.sender), // waits
    ];
    lanes[2]?.socket.write(Buffer.alloc(8 << 20));
    lanes[3]?.socket.pause(); // does not read
    const slow = connect({ host: '127.0.0.1', port: relay.port });
    slow.on('error', () => undefined);
    slow.write('POST /join HTTP/1.1\r\nHost: a\r\n');
    const polls = [opened, joined.recipient, both.sender].map((party) =>
      post(relay, party, { since: 50 }).then(refusal, () => 'cut'),
    );
    await post(relay, opened); // so the others have arrived
    const began = performance.now();
    await Promise.all([relay.close(), relay.close()]);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(await relay.closed).toBeUndefined();
    expect(await Promise.all(polls)).toEqual(['cut', 'cut', 'cut']);
    lanes[3]?.socket.resume();
    for (const lane of lanes) {
      lane.socket.end();
      await lane.closed;
    }
    const again = connect({ host: '127.0.0.1', port: relay.port });
    await expect(once(again, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect((await relay.stats()).channels).toBe(0);
  });

  it('frees its ports for the next', async () => {
    const first = await start();
    const { port, ports } = first;
    await first.close();
    const second = await kept(startRelay({ host: '127.0.0.1', port, tcpPorts: ports }));
    expect([second.port, ...second.ports]).toEqual([port, ...ports]);
  });
});

describe('built by esbuild', () => {
  let folder = '';
  let workerFile = '';
  beforeAll(async () => {
    folder = await mkdtemp(joinPath(tmpdir(), 'relay-'));
    workerFile = joinPath(folder, 'relayWorker.js');
    const options = { bundle: true, platform: 'node', format: 'cjs', target: 'node20' } as const;
    await build({ ...options, entryPoints: ['src/core/relay/worker.ts'], outfile: workerFile });
    await build({
      ...options,
      entryPoints: ['src/core/relay/relay.ts'],
      outfile: joinPath(folder, 'relay.js'),
    });
    await writeFile(
      joinPath(folder, 'main.js'),
      `const { startRelay } = require('./relay.js');
       const { Request: R, Response: S } = globalThis;
       startRelay({ host: '127.0.0.1', port: 0, tcpPorts: [0, 0] }).then(async (relay) => {
         const post = (path, body) =>
           fetch(relay.url + path, { method: 'POST', body: JSON.stringify(body) });
         const { channel, uuid } = await (await post('/join', { role: 'sender' })).json();
         const held = post('/channel', { channel, uuid, since: 9 }).catch(() => 'cut');
         await post('/channel', { channel, uuid });
         await relay.close();
         console.log(await held, R === Request && S === Response);
       });`,
    );
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('a process that closed its relay ends by itself, its globals as they were', async () => {
    const child = spawn(process.execPath, [joinPath(folder, 'main.js')], { timeout: 20_000 });
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    const [code] = (await once(child, 'close')) as [number | null];
    expect(Buffer.concat(output).toString()).toBe('cut true\n');
    expect(code).toBe(0);
  });

  const inThread = (options = {}): Promise<Relay> =>
    startRelayThread({ host: '127.0.0.1', port: 0, tcpPorts: [0, 0], ...options }, workerFile);

  it('a relay in a thread is a relay', async () => {
    const relay = await kept(inThread());
    const { sender, recipient } = await verifiedPair(relay);
    const up = await enterLane(relay, 0, sender);
    const down = await enterLane(relay, 0, recipient);
    up.socket.write('through a thread');
    expect((await down.read(16)).toString()).toBe('through a thread');
    expect(await relay.stats()).toEqual({ channels: 1, connections: 2, bytes: 16 });
    const third = await openLane(relay, 0, firstLine(sender), '127.0.0.3');
    expect(codeOf(await third.answer())).toBe('channel_full');
    third.socket.destroy();
    await Promise.all([relay.close(), relay.close()]);
    expect(await relay.closed).toBeUndefined();
    await down.ended;
    expect(await relay.stats()).toEqual({ channels: 0, connections: 0, bytes: 0 });
    await relay.close();
  });

  it('errors come out of the thread as they are', async () => {
    const { server, port } = await occupy('127.0.0.1');
    try {
      const taken = { code: 'port_taken', detail: String(port), name: 'CrocError' };
      await expect(inThread({ port })).rejects.toMatchObject(taken);
      await expect(inThread({ host: '203.0.113.7' })).rejects.toMatchObject({
        code: 'cannot_listen',
      });
      await expect(inThread({ tcpPorts: [] })).rejects.toMatchObject({ code: 'usage' });
    } finally {
      server.close();
    }
  });

  it('the death of the thread is told', async () => {
    const broken = joinPath(folder, 'broken.js');
    await writeFile(broken, `throw new Error('broken build');`);
    await expect(startRelayThread({}, broken)).rejects.toMatchObject({ code: 'internal' });
    await expect(startRelayThread({}, joinPath(folder, 'none.js'))).rejects.toMatchObject({
      code: 'internal',
    });
    const dying = joinPath(folder, 'dying.js');
    await writeFile(
      dying,
      `const { parentPort } = require('node:worker_threads');
       parentPort.postMessage({ type: 'listening', url: 'u', localUrl: 'l', port: 1, ports: [2], announced: false });
       parentPort.once('message', () => process.exit(3));`,
    );
    const relay = await startRelayThread({}, dying);
    expect(await relay.stats()).toEqual({ channels: 0, connections: 0, bytes: 0 });
    expect(await relay.closed).toMatchObject({ code: 'internal' });
    await relay.close();
  });
});
