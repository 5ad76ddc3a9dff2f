/**
 * `npm run soak:relay [-- --minutes 60] [--store redis://…]`: a relay in a process of its own under moderate load:
 * two meetings a second with data both ways, channels that wait, clients that vanish, guess, talk nonsense.
 * Looks at memory, sockets, timers and channels all the time, then lets the relay rest. Fails when memory grew,
 * when a byte was wrong, or when anything is left. Writes bench/soak-results.json, where the last
 * run of the other store stays.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { withFolder } from '../processes.js';
import { addressOf, enterRoom } from '../../support/crocRoom.js';
import { Http, meetOurs, openChannel } from './clients.js';
import { cpuSeconds, descriptors, machine, memoryMiB, readMetrics, startRelay } from './relays.js';
import type { Relay } from './relays.js';
import { judge, keysOf } from './flat.js';
import type { AllSoakResults, Sample, SoakResults } from './flat.js';

const { values: flags } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, store: { type: 'string' } },
});
const minutes = Number(flags.minutes);
const ROOT = path.resolve(import.meta.dirname, '../../..');
/** Pauses between two of a kind, milliseconds. */
const MEETING_MS = 500;
const WAITER_MS = 1000;
const VISITOR_MS = 2000;
const CROC_MS = 10_000;
const SAMPLE_MS = Math.max(1000, Math.min(15_000, (minutes * 60_000) / 60));
/** A channel without a sign of life ends after so many seconds, and is forgotten a minute later. */
const IDLE_SECONDS = 30;
const REST_MS = (IDLE_SECONDS + 60 + 20) * 1000;
/** From how long on a run is written to the results, minutes. */
const KEPT_MINUTES = 10;
/** Bytes each way in a meeting. */
const BLOCK_BYTES = 512 * 1024;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const counts = { meetings: 0, abandoned: 0, waited: 0, guesses: 0, nonsense: 0, crocPairs: 0 };
let [index, movedBytes, wrong] = [0, 0, 0];

/** Sends a block each way and compares it. */
async function exchange(pair: readonly Socket[]): Promise<void> {
  const blocks = pair.map(() => randomBytes(BLOCK_BYTES));
  await Promise.all(
    pair.map(async (socket, which) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const came = new Promise<void>((resolve, reject) => {
        socket.once('close', () => reject(new Error('a lane was closed')));
        socket.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          bytes += chunk.length;
          if (bytes >= BLOCK_BYTES) resolve();
        });
      });
      came.catch(() => undefined);
      socket.write(blocks[which] ?? '');
      await came;
      movedBytes += bytes;
      if (!Buffer.concat(chunks).equals(blocks[1 - which] ?? Buffer.alloc(0))) wrong += 1;
    }),
  );
}

/** A meeting, a staple, data each way, the end; one in ten just goes away. */
async function meeting({ place }: Relay): Promise<void> {
  const at = (index += 1);
  const met = await meetOurs(place, at);
  const sockets = await Promise.all(
    met.parties.map(async (party, which) => {
      const localAddress = addressOf(2 * at + which);
      const socket = connect({ host: '127.0.0.1', port: place.ports[0] ?? 0, localAddress });
      socket.on('error', () => undefined);
      socket.write(`${JSON.stringify(party)}\n`);
      await once(socket, 'data');
      return socket;
    }),
  );
  await exchange(sockets);
  counts.meetings += 1;
  if (at % 10 === 0) {
    counts.abandoned += 1;
    met.vanish();
  } else await met.leave();
  for (const socket of sockets) socket.destroy();
}

/** A sender that waits for ten seconds and then closes, or vanishes without a word. */
async function waiter({ place }: Relay): Promise<void> {
  const at = (index += 1);
  const { http, joined } = await openChannel(place, at);
  await pause(10_000);
  counts.waited += 1;
  if (at % 2 === 0) {
    const other = new Http(place.port, addressOf(2 * at));
    const { channel, uuid } = joined;
    await other.post('/channel', { channel, uuid, close: true });
    other.close();
  }
  http.close();
}

/** Somebody who has no business here. */
async function visitor({ place }: Relay): Promise<void> {
  const from = addressOf(2 * (index += 1));
  const guess = new Http(place.port, from);
  await guess.post('/join', { role: 'recipient', channel: 'nobody1' }).catch(() => undefined);
  guess.close();
  counts.guesses += 1;
  for (const port of [place.port, place.ports[0] ?? 0]) {
    const socket = connect({ host: '127.0.0.1', port, localAddress: from });
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume().end(randomBytes(300));
    await closed;
    counts.nonsense += 1;
  }
}

/** Two croc clients in a room, with data. */
async function crocPair({ place }: Relay): Promise<void> {
  const [port = 0] = place.ports;
  const room = randomBytes(16).toString('hex');
  const one = await enterRoom(port, 2 * (index += 1), room);
  const other = await enterRoom(port, 2 * index + 1, room);
  const came = once(other, 'data');
  one.write(randomBytes(1000));
  await came;
  one.destroy();
  other.destroy();
  counts.crocPairs += 1;
}

/** Begins `work` every so often until the time is over, and waits for all of it. */
async function repeat(work: () => Promise<void>, everyMs: number, endMs: number): Promise<void> {
  const begun = new Set<Promise<void>>();
  while (performance.now() < endMs) {
    const one: Promise<void> = work().finally(() => begun.delete(one));
    begun.add(one);
    await pause(everyMs);
  }
  await Promise.all(begun);
}

async function look({ pid, metricsPort = 0 }: Relay): Promise<Sample> {
  const metrics = await readMetrics(metricsPort);
  const of = (name: string): number => metrics.get(name) ?? Number.NaN;
  return {
    residentMiB: memoryMiB(pid, 'VmRSS'),
    heapMiB: of('nodejs_heap_size_used_bytes') / 2 ** 20,
    descriptors: descriptors(pid),
    sockets: of('croc_relay_sockets'),
    timers: metrics.get('nodejs_active_resources{type="Timeout"}') ?? 0,
    channels: of('croc_relay_channels'),
    held: of('croc_relay_held_requests'),
  };
}

async function soak(relay: Relay): Promise<SoakResults> {
  const atStart = await look(relay);
  const startedMs = performance.now();
  const [cpu, ownCpu] = [cpuSeconds(relay.pid), process.cpuUsage()];
  const endMs = startedMs + minutes * 60_000;
  const samples: Sample[] = [];
  const sampler = async (): Promise<void> => {
    while (performance.now() < endMs) {
      await pause(SAMPLE_MS);
      const now = await look(relay);
      samples.push(now);
      const left = Math.max(0, Math.round((endMs - performance.now()) / 1000));
      const said = keysOf(now).map((what) => `${what} ${now[what].toFixed(1)}`);
      console.log(`${left} s left: ${said.join(', ')}; ${counts.meetings} meetings`);
    }
  };
  await Promise.all([
    sampler(),
    repeat(() => meeting(relay), MEETING_MS, endMs),
    repeat(() => waiter(relay), WAITER_MS, endMs),
    repeat(() => visitor(relay), VISITOR_MS, endMs),
    repeat(() => crocPair(relay), CROC_MS, endMs),
  ]);
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(ownCpu);
  const load = {
    ...counts,
    movedMiB: movedBytes / 2 ** 20,
    wrong,
    relayCpuPercent: ((cpuSeconds(relay.pid) - cpu) * 100) / seconds,
    clientsCpuPercent: (user + system) / 1e4 / seconds,
  };
  console.log(`the load is over; the relay rests for ${REST_MS / 1000} s`);
  await pause(REST_MS);
  const atRest = await look(relay);
  const { grown, figures } = judge(atStart, samples, atRest);
  const wrongs = wrong === 0 ? [] : [`${wrong} streams came out wrong`];
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    minutes: seconds / 60,
    store: flags.store === undefined ? 'memory' : 'Redis',
    load,
    figures,
    failures: [...grown, ...wrongs],
  };
}

const store = flags.store === undefined ? [] : ['--store', flags.store, '--host-name', '127.0.0.1'];
const results = await withFolder(async (folder) => {
  const relay = await startRelay('ours', 'soak', folder, [
    ...['--idle-seconds', `${IDLE_SECONDS}`, '--croc-joins-per-minute', '100000', ...store],
  ]);
  try {
    return await soak(relay);
  } finally {
    await relay.stop();
  }
});
console.log(JSON.stringify(results, null, 2));
console.log(results.failures.length === 0 ? 'flat' : `not flat: ${results.failures.join('; ')}`);
if (minutes >= KEPT_MINUTES) {
  // Read only now: a run with the other store may have ended meanwhile.
  const file = path.join(ROOT, 'bench/soak-results.json');
  const all = JSON.parse(await readFile(file, 'utf8')) as AllSoakResults;
  const kept = [...all.filter((one) => one.store !== results.store), results];
  kept.sort((one, other) => (one.store > other.store ? -1 : 1));
  await writeFile(file, `${JSON.stringify(kept, null, 2)}\n`);
}
process.exit(results.failures.length === 0 ? 0 : 1);
