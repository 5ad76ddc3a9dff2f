/** What the relay does with clients that break, dawdle, flood, or talk nonsense; and with a machine that runs dry. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Relay } from '../../src/core/api.js';
import { CLI } from '../support/cli.js';
import {
  call,
  enterLane,
  FakeClock,
  join,
  openLane,
  post,
  refusal,
  start,
  verifiedPair,
} from './relay-client.js';
import type { Where } from './relay-client.js';

let relay: Relay;
beforeEach(async () => {
  relay = await start({ limits: { headMs: 300, requestMs: 500, identifyMs: 300 } });
});
afterEach(() => relay.close());

/** Everything still works for others, from join to bytes. */
async function serves(on: Where = relay): Promise<void> {
  const { sender, recipient } = await verifiedPair(on);
  const up = await enterLane(on, 0, sender);
  const down = await enterLane(on, 0, recipient);
  up.socket.write('hello');
  expect((await down.read(5)).toString()).toBe('hello');
  await post(on, sender, { close: true });
  await Promise.all([up.ended, down.ended]);
  for (const { socket } of [up, down]) socket.destroy();
}

/** Nobody is connected any more. */
async function empty(): Promise<void> {
  await expect
    .poll(async () => (await relay.stats()).connections, { timeout: 10_000, interval: 20 })
    .toBe(0);
}

function raw(port: number, from = '127.0.0.3'): { socket: Socket; closed: Promise<unknown> } {
  const socket = connect({ host: '127.0.0.1', port, localAddress: from, allowHalfOpen: true });
  socket.on('error', () => undefined);
  socket.resume();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.once('end', () => socket.end());
  return { socket, closed };
}

describe('slow and silent clients', () => {
  it('are cut on both listeners in time, byte by byte or not at all', async () => {
    const lane = relay.ports[0] ?? 0;
    const head = 'POST /join HTTP/1.1\r\nX: ';
    const body = 'POST /join HTTP/1.1\r\nHost: r\r\nContent-Length: 900\r\n\r\n{"role": "';
    const slow = (
      [
        [relay.port, head],
        [relay.port, body],
        [lane, '{"channel":"'],
        [lane, ''],
      ] as const
    ).map(([port, begin]) => {
      const one = raw(port);
      one.socket.write(begin);
      const timer = setInterval(() => {
        if (begin !== '' && one.socket.writable) one.socket.write('a');
      }, 50);
      void one.closed.then(() => clearInterval(timer));
      return one.closed;
    });
    await serves(); // while they dawdle
    await Promise.all(slow);
    await empty();
  });

  it('may half-close, and leave nothing behind', async () => {
    const both = [relay.port, ...relay.ports].map((port) => {
      const one = raw(port);
      one.socket.end();
      return one.closed;
    });
    await Promise.all(both);
    await serves();
    await empty();
  });
});

describe('nonsense', () => {
  const folder = path.resolve(import.meta.dirname, '../corpus');
  const corpus = readdirSync(folder).map((name) => readFileSync(path.join(folder, name)));

  /** Changes of a piece of the corpus, the same ones in every run. */
  function* mutants(count: number): Generator<Buffer> {
    let state = createHash('sha256').update('relay').digest();
    const draw = (below: number): number => {
      state = createHash('sha256').update(state).digest();
      return state.readUInt32BE() % below;
    };
    for (let index = 0; index < count; index += 1) {
      const bytes = Buffer.from(corpus[draw(corpus.length)] ?? Buffer.alloc(0));
      for (let changes = draw(6); changes > 0 && bytes.length > 0; changes -= 1)
        bytes[draw(bytes.length)] = draw(256);
      const cut = draw(4) === 0 ? draw(bytes.length + 1) : bytes.length;
      yield draw(8) === 0 ? Buffer.concat([bytes, bytes]) : bytes.subarray(0, cut);
    }
  }

  it('on both listeners is answered or cut, and harms nobody', async () => {
    expect(corpus.length).toBeGreaterThan(5);
    const { sender } = await verifiedPair(relay);
    const pieces = [...mutants(400)];
    for (let at = 0; at < pieces.length; at += 20) {
      // Some at a time: what is neither a request nor a line is cut only when its time is over.
      const tries = pieces.slice(at, at + 20).flatMap((bytes) =>
        [relay.port, relay.ports[1] ?? 0].map((port) => {
          const one = raw(port, `127.0.1.${1 + at / 20}`);
          one.socket.end(bytes);
          return one.closed;
        }),
      );
      await Promise.all(tries);
    }
    expect((await post(relay, sender)).status).toBe(200); // its channel is as it was
    await serves();
    await empty();
  });
});

describe('floods', () => {
  it('of joins end in rate_limited for their address, and cost others nothing', async () => {
    const guess = { role: 'recipient', channel: 'nobody1' };
    const answers = await Promise.all(
      Array.from({ length: 700 }, () => call(relay, '/join', guess, { from: '127.0.0.9' })),
    );
    const told = new Set(answers.map(refusal));
    expect(told).toContain('429 rate_limited');
    await serves();
  });
});

describe('clocks', () => {
  it('that jump ahead close what is idle, and nothing else breaks', async () => {
    const clock = new FakeClock();
    const jumping = await start({ clock });
    try {
      const idle = await join(jumping, { role: 'sender' });
      await clock.advance(3_600_000);
      // closed by the sweep, or forgotten a minute later
      expect([404, 410]).toContain((await post(jumping, idle)).status);
      await serves(jumping);
    } finally {
      await jumping.close();
    }
  });

  it('of the wall do not matter: the relay does not look at them', async () => {
    const real = Date.now;
    try {
      const sender = await join(relay, { role: 'sender' });
      Date.now = () => real() + 86_400_000;
      expect((await post(relay, sender)).status).toBe(200);
      Date.now = () => real() - 86_400_000;
      expect((await post(relay, sender)).status).toBe(200);
      await serves();
    } finally {
      Date.now = real;
    }
  });
});

describe.skipIf(process.platform !== 'linux')('a relay out of file descriptors', () => {
  it('goes on serving when there are some again', async () => {
    const command = `ulimit -n 64; exec "$0" "$1" relay --host 127.0.0.1 --port 0 --tcp-ports 0,0 --json`;
    const child = spawn('bash', ['-c', command, process.execPath, CLI], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const exit = once(child, 'exit');
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      let listening: { url: string; ports: number[] } | undefined;
      while (listening === undefined) {
        const line = JSON.parse(String((await lines.next()).value)) as Record<string, unknown>;
        if (line['event'] === 'listening') listening = line as never;
      }
      const { url, ports } = listening;
      const flood = Array.from({ length: 120 }, (_, at) => raw(ports[at % 2] ?? 0));
      const open = (): number => readdirSync(`/proc/${child.pid ?? 0}/fd`).length;
      await expect.poll(open, { timeout: 10_000, interval: 20 }).toBeGreaterThanOrEqual(62);
      for (const { socket } of flood) socket.destroy();
      const here = { localUrl: url, ports };
      const healthy = (): Promise<boolean> =>
        call(here, '/healthz', '', { method: 'GET' }).then(
          ({ status }) => status === 200,
          () => false,
        );
      await expect.poll(healthy, { timeout: 10_000, interval: 50 }).toBe(true);
      await serves(here);
      expect(child.exitCode).toBeNull();
    } finally {
      child.kill('SIGKILL');
      await exit;
    }
  });
});

describe('a capability that is guessed', () => {
  it('is no use on a lane either', async () => {
    const { sender } = await verifiedPair(relay);
    const guess = { channel: sender.channel, uuid: randomBytes(24).toString('base64url') };
    const lane = await openLane(relay, 0, `${JSON.stringify(guess)}\n`, '127.0.0.1');
    expect(JSON.stringify(await lane.answer())).toContain('unauthorized');
    await lane.ended;
    lane.socket.destroy();
  });
});
