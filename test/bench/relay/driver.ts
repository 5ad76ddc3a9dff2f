/**
 * The clients of one measurement, in a process of their own: `driver.ts '{"work":…}'`. Says `ready` when
 * clients are in place, and its figures as one JSON line at the end.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { parseArgs } from 'node:util';
import {
  addressOf,
  enterRoom,
  meetCroc,
  meetOurs,
  meetWormhole,
  openChannel,
  openMailbox,
} from './clients.js';
import type { Met, Place } from './clients.js';

export type Kind = 'ours' | 'wormhole' | 'croc';

/** What to do. */
export interface Order {
  readonly work: 'rendezvous' | 'waiting' | 'staples' | 'fairness';
  readonly kind: Kind;
  readonly place: Place;
  /** How many meetings, channels, staples. */
  readonly count: number;
  /** Meetings at a time. */
  readonly atOnce: number;
  /** Data a staple, MiB. */
  readonly mebibytes: number;
}

type Figures = Record<string, number>;
const MEET = { ours: meetOurs, wormhole: meetWormhole, croc: meetCroc };

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** Runs `count` jobs, `atOnce` at a time. */
async function pooled(count: number, atOnce: number, job: (index: number) => Promise<void>) {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await job(index);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Waits for a line on stdin: whoever started us has looked at the relay. */
async function go(): Promise<void> {
  process.stdout.write('{"ready":true}\n');
  await once(process.stdin, 'data');
}

async function rendezvous({ kind, place, count, atOnce }: Order): Promise<Figures> {
  const meet = MEET[kind];
  await pooled(atOnce, atOnce, async (index) => (await meet(place, index)).leave()); // warm
  await go();
  const timesMs: number[] = [];
  const startedMs = performance.now();
  await pooled(count, atOnce, async (index) => {
    const fromMs = performance.now();
    const met: Met = await meet(place, atOnce + index);
    timesMs.push(performance.now() - fromMs);
    await met.leave();
  });
  const seconds = (performance.now() - startedMs) / 1000;
  timesMs.sort((a, b) => a - b);
  return {
    perSecond: count / seconds,
    p50Ms: percentile(timesMs, 0.5),
    p99Ms: percentile(timesMs, 0.99),
  };
}

async function waiting({ kind, place, count, atOnce }: Order): Promise<Figures> {
  const held: unknown[] = [];
  const startedMs = performance.now();
  await pooled(count, atOnce, async (index) => {
    if (kind === 'ours') held.push(await openChannel(place, index));
    else if (kind === 'wormhole') held.push(await openMailbox(place, 2 * index));
    else held.push(await enterRoom(place.port, 2 * index, randomBytes(16).toString('hex')));
  });
  const seconds = (performance.now() - startedMs) / 1000;
  // One meeting among all those that wait.
  const fromMs = performance.now();
  await (await MEET[kind](place, count + 1)).leave();
  const meetingMs = performance.now() - fromMs;
  await go();
  return { count: held.length, openedPerSecond: count / seconds, meetingMs };
}

/** Two connections that the relay has joined. */
async function staple({ kind, place }: Order, index: number): Promise<readonly [Socket, Socket]> {
  if (kind === 'croc') {
    const room = randomBytes(16).toString('hex');
    const one = await enterRoom(place.port, 2 * index, room);
    return [one, await enterRoom(place.port, 2 * index + 1, room)];
  }
  const lines =
    kind === 'wormhole' ? transitLines() : await ourLines(place, index, (met) => mets.push(met));
  const pair = await Promise.all(
    lines.map(async (line, party) => {
      const localAddress = addressOf(2 * index + party);
      const port = place.ports[0] ?? 0;
      const socket = connect({ host: '127.0.0.1', port, localAddress });
      socket.on('error', () => undefined);
      socket.write(line);
      await once(socket, 'data'); // ok
      return socket;
    }),
  );
  const [up, down] = pair;
  if (up === undefined || down === undefined) throw new Error('no pair');
  return [up, down];
}
const mets: Met[] = [];

function transitLines(): string[] {
  const token = randomBytes(32).toString('hex');
  return [0, 1].map(() => `please relay ${token} for side ${randomBytes(8).toString('hex')}\n`);
}

async function ourLines(place: Place, index: number, keep: (met: Met) => void): Promise<string[]> {
  const met = await meetOurs(place, index);
  keep(met);
  return met.parties.map((party) => `${JSON.stringify(party)}\n`);
}

/** Sends bytes that say where they are; checks them at the other end. @returns longest pause, milliseconds */
async function pump(
  [from, to]: readonly [Socket, Socket],
  seed: number,
  bytes: number,
  readPerSecond = Number.POSITIVE_INFINITY,
): Promise<{ longestMs: number; seconds: number; wrong: number }> {
  const period = 65_521; // a prime: no buffer's size divides it
  const pattern = Buffer.alloc(2 * period, 0);
  for (let at = 0; at < pattern.length; at += 1) pattern[at] = ((at % period) * 31 + seed) & 255;
  let [sent, got, wrong, longestMs] = [0, 0, 0, 0];
  const startedMs = performance.now();
  let lastMs = startedMs;
  const write = (): void => {
    while (sent < bytes) {
      const start = sent % period;
      const piece = pattern.subarray(start, start + Math.min(period, bytes - sent));
      sent += piece.length;
      if (!from.write(piece)) break;
    }
  };
  from.on('drain', write);
  await new Promise<void>((resolve, reject) => {
    to.on('close', () => reject(new Error(`closed after ${got} of ${bytes} bytes`)));
    to.on('data', (chunk: Buffer) => {
      const nowMs = performance.now();
      longestMs = Math.max(longestMs, nowMs - lastMs);
      lastMs = nowMs;
      for (let at = 0; at < chunk.length;) {
        const start = (got + at) % period;
        const length = Math.min(period, chunk.length - at);
        if (!chunk.subarray(at, at + length).equals(pattern.subarray(start, start + length)))
          wrong += 1;
        at += length;
      }
      got += chunk.length;
      if (got >= bytes) resolve();
      const dueMs = startedMs + (got / readPerSecond) * 1000;
      if (dueMs > nowMs + 1) {
        to.pause();
        setTimeout(() => to.resume(), dueMs - nowMs);
      }
    });
    write();
  });
  return { longestMs, seconds: (performance.now() - startedMs) / 1000, wrong };
}

async function staples(order: Order): Promise<Figures> {
  const pairs: (readonly [Socket, Socket])[] = [];
  await pooled(order.count, Math.min(order.atOnce, order.count), async (index) => {
    pairs.push(await staple(order, index));
  });
  await go();
  const bytes = order.mebibytes << 20;
  const startedMs = performance.now();
  const all = await Promise.all(pairs.map((pair, index) => pump(pair, index, bytes)));
  const seconds = (performance.now() - startedMs) / 1000;
  const ends = all.map((one) => one.seconds).sort((a, b) => a - b);
  return {
    mebibytesPerSecond: (order.count * order.mebibytes) / seconds,
    longestPauseMs: Math.max(...all.map(({ longestMs }) => longestMs)),
    firstEndSeconds: ends[0] ?? Number.NaN,
    lastEndSeconds: ends.at(-1) ?? Number.NaN,
    wrongPieces: all.reduce((sum, { wrong }) => sum + wrong, 0),
  };
}

/** A fast pair alone, and beside one whose reader takes 1 MiB a second. */
async function fairness(order: Order): Promise<Figures> {
  const bytes = order.mebibytes << 20;
  const rate = 1 << 20;
  const [fast, again, slow] = [
    await staple(order, 0),
    await staple(order, 1),
    await staple(order, 2),
  ];
  await go();
  const alone = await pump(fast, 1, bytes);
  const slowly = pump(slow, 2, 3 * rate, rate);
  const beside = await pump(again, 3, bytes);
  const { seconds, wrong } = await slowly;
  return {
    fastAlone: order.mebibytes / alone.seconds,
    fastBesideSlow: order.mebibytes / beside.seconds,
    slowKept: 3 / seconds,
    wrongPieces: alone.wrong + beside.wrong + wrong,
  };
}

const { positionals } = parseArgs({ allowPositionals: true });
const order = JSON.parse(positionals[0] ?? '') as Order;
const figures = await { rendezvous, waiting, staples, fairness }[order.work](order);
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
