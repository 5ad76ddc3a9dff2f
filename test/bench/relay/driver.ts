/**
 * The clients of one measurement, in a process of their own: `driver.ts '{"work":…}'`. Says `ready` when
 * clients are in place, and its figures as one JSON line at the end.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { meetCroc, meetOurs, meetWormhole, openChannel, openMailbox } from './clients.js';
import type { Met, Place } from './clients.js';
import { addressOf, enterRoom } from '../../support/crocRoom.js';
import { meetWholly } from './wholeClients.js';

export type Kind = 'ours' | 'wormhole' | 'croc';
/** What is measured. */
export type Work = 'rendezvous' | 'clients' | 'waiting' | 'staples' | 'fairness' | 'soak';

/** What to do. */
export interface Order {
  readonly work: Work;
  readonly kind: Kind;
  readonly place: Place;
  /** How many meetings, channels, staples. */
  readonly count: number;
  /** Meetings at a time. */
  readonly atOnce: number;
  /** Data a staple, MiB. */
  readonly mebibytes: number;
  /** How long channels wait, seconds. */
  readonly waitSeconds: number;
}

/** A stream without a byte for so long has stalled. */
const STALL_MS = 5000;

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

/** Meetings one after the other at each of `atOnce` pairs of clients, and what they took of the clients' processor. */
async function meetings(
  { count, atOnce }: Order,
  meet: (index: number) => Promise<Pick<Met, 'leave'>>,
): Promise<Figures> {
  await pooled(atOnce, atOnce, async (index) => (await meet(index)).leave()); // warm
  await go();
  const timesMs: number[] = [];
  const startedMs = performance.now();
  const startedCpu = process.cpuUsage();
  await pooled(count, atOnce, async (index) => {
    const fromMs = performance.now();
    const met = await meet(atOnce + index);
    timesMs.push(performance.now() - fromMs);
    await met.leave();
  });
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(startedCpu);
  timesMs.sort((a, b) => a - b);
  return {
    perSecond: count / seconds,
    p50Ms: percentile(timesMs, 0.5),
    p90Ms: percentile(timesMs, 0.9),
    p99Ms: percentile(timesMs, 0.99),
    clientsCpuMsEach: (user + system) / 1000 / count,
  };
}

async function rendezvous(order: Order): Promise<Figures> {
  return meetings(order, (index) => MEET[order.kind](order.place, index));
}

/** Our product's own clients, key exchange and all. */
async function clients(order: Order): Promise<Figures> {
  return meetings(order, (index) => meetWholly(order.place, index));
}

/** Channels that wait all at the same time, each asking again when its request was held for long enough. */
async function waiting({ kind, place, count, atOnce, waitSeconds }: Order): Promise<Figures> {
  const held: unknown[] = [];
  const startedMs = performance.now();
  const lost: unknown[] = [];
  await pooled(count, atOnce, async (index) => {
    if (kind === 'wormhole') held.push(await openMailbox(place, 2 * index));
    else if (kind === 'croc')
      held.push(await enterRoom(place.port, 2 * index, randomBytes(16).toString('hex')));
    else {
      const opened = await openChannel(place, index);
      held.push(opened);
      stay(opened).catch((error: unknown) => lost.push(error));
    }
  });
  const seconds = (performance.now() - startedMs) / 1000;
  await new Promise((resolve) => setTimeout(resolve, waitSeconds * 1000));
  // Meetings among all those that wait.
  const timesMs: number[] = [];
  await pooled(20, 1, async (index) => {
    const fromMs = performance.now();
    const met = await MEET[kind](place, count + index);
    timesMs.push(performance.now() - fromMs);
    await met.leave();
  });
  timesMs.sort((a, b) => a - b);
  if (lost.length > 0) throw new Error(`${lost.length} channels were lost: ${String(lost[0])}`);
  await go();
  return {
    count: held.length,
    openedPerSecond: count / seconds,
    meetingP50Ms: percentile(timesMs, 0.5),
    meetingMostMs: percentile(timesMs, 1),
  };
}

/** Waits in a channel for as long as it is there. */
async function stay({
  http,
  joined,
  reply,
}: Awaited<ReturnType<typeof openChannel>>): Promise<void> {
  const { channel, uuid } = joined;
  for (
    let answer = await reply;
    ;
    answer = await http.post('/channel', { channel, uuid, since: 2 })
  )
    if (answer['version'] !== 2) throw new Error(`woken by ${JSON.stringify(answer)}`);
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

/** A prime: no buffer's size divides it, so a piece at a wrong place does not look right. */
const PERIOD_BYTES = 65_521;

/** What one stream repeats, twice; no two streams have the same. */
function patternOf(stream: number): Buffer {
  const once = createHash('shake256', { outputLength: PERIOD_BYTES }).update(`${stream}`).digest();
  return Buffer.concat([once, once]);
}

/** Sends a pattern again and again; compares it at the other end. @returns longest pause, milliseconds */
async function pump(
  [from, to]: readonly [Socket, Socket],
  pattern: Buffer,
  bytes: number,
  readPerSecond = Number.POSITIVE_INFINITY,
): Promise<{ longestMs: number; seconds: number; wrong: number }> {
  let [sent, got, wrong, longestMs] = [0, 0, 0, 0];
  const startedMs = performance.now();
  let lastMs = startedMs;
  const write = (): void => {
    while (sent < bytes) {
      const start = sent % PERIOD_BYTES;
      const piece = pattern.subarray(start, start + Math.min(PERIOD_BYTES, bytes - sent));
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
        const start = (got + at) % PERIOD_BYTES;
        const length = Math.min(PERIOD_BYTES, chunk.length - at);
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
  const bytes = order.mebibytes << 20;
  // Both ways at the same time: four parts there, one back.
  const streams = pairs.flatMap(([up, down], index) => [
    { way: [up, down], pattern: patternOf(2 * index), bytes } as const,
    { way: [down, up], pattern: patternOf(2 * index + 1), bytes: bytes / 4 } as const,
  ]);
  await go();
  const startedMs = performance.now();
  const all = await Promise.all(
    streams.map((stream) => pump(stream.way, stream.pattern, stream.bytes)),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  const ends = all.map((one) => one.seconds).sort((a, b) => a - b);
  return {
    mebibytesPerSecond: (order.count * order.mebibytes * 1.25) / seconds,
    longestPauseMs: Math.max(...all.map(({ longestMs }) => longestMs)),
    stalled: all.filter(({ longestMs }) => longestMs > STALL_MS).length,
    endP50Seconds: percentile(ends, 0.5),
    endLastSeconds: percentile(ends, 1),
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
  const alone = await pump(fast, patternOf(1), bytes);
  const slowly = pump(slow, patternOf(2), 3 * rate, rate);
  const beside = await pump(again, patternOf(3), bytes);
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
const WORKS = { rendezvous, clients, waiting, staples, fairness };
if (order.work === 'soak') throw new Error('soak.ts does that');
const figures = await WORKS[order.work](order);
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
