/**
 * `npm run soak:relay -- --minutes 60`: a relay under moderate load (meetings, waiting channels, staples with
 * data), looked at every few seconds. Prints memory, sockets and timers, and fails when they grow.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { startRelay } from '../../../src/core/relay/relay.js';
import { addressOf, meetOurs, openChannel } from './clients.js';
import type { Place } from './clients.js';

const { values: flags } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, store: { type: 'string' } },
});
const endMs = performance.now() + Number(flags.minutes) * 60_000;
/** What may come on top of the first quarter's highest, MiB. */
const ALLOWED_MIB = 24;

interface Sample {
  readonly heapMiB: number;
  readonly sockets: number;
  readonly timers: number;
  readonly channels: number;
}

const many = 1_000_000;
const limits = { channels: many, channelsPerAddress: many, joinsPerMinute: many, idleMs: 20_000 };
const { store } = flags;
const relay = await startRelay({
  ...{ host: '127.0.0.1', port: 0, tcpPorts: [0], limits },
  ...(store === undefined ? {} : { store }),
});
const place: Place = { port: relay.port, ports: relay.ports };
let [index, meetings, moved] = [0, 0, 0];

/** A meeting, a staple, a megabyte each way, the end; one in ten just goes away. */
async function transfer(): Promise<void> {
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
  const block = randomBytes(1 << 20);
  await Promise.all(
    sockets.map(async (socket) => {
      let bytes = 0;
      const came = new Promise<void>((resolve) => {
        socket.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes >= block.length) resolve();
        });
      });
      socket.write(block);
      await came;
      moved += bytes;
    }),
  );
  meetings += 1;
  if (at % 10 !== 0) await met.leave();
  for (const socket of sockets) socket.destroy();
}

/** A sender that waits a while and then vanishes without a word. */
async function waiting(): Promise<void> {
  const { http } = await openChannel(place, (index += 1));
  await new Promise((resolve) => setTimeout(resolve, 2000));
  http.close();
}

async function repeat(work: () => Promise<void>, pauseMs: number): Promise<void> {
  while (performance.now() < endMs) {
    await work();
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

async function sample(): Promise<Sample> {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  const resources = process.getActiveResourcesInfo();
  const count = (kind: RegExp): number => resources.filter((one) => kind.test(one)).length;
  return {
    heapMiB: (heapUsed + external) / 2 ** 20,
    sockets: count(/TCP(Socket|Server)?Wrap/),
    timers: count(/Timeout/),
    channels: (await relay.stats()).channels,
  };
}

const samples: Sample[] = [];
const load = Promise.all([
  ...Array.from({ length: 4 }, () => repeat(transfer, 100)),
  ...Array.from({ length: 20 }, () => repeat(waiting, 50)),
]);
const everyMs = Math.max(2000, (Number(flags.minutes) * 60_000) / 120);
while (performance.now() < endMs) {
  await new Promise((resolve) => setTimeout(resolve, everyMs));
  const now = await sample();
  samples.push(now);
  console.log(
    `${Math.round((endMs - performance.now()) / 1000)} s left: ${now.heapMiB.toFixed(1)} MiB, ${now.sockets} sockets, ` +
      `${now.timers} timers, ${now.channels} channels; ${meetings} meetings, ${moved >> 20} MiB`,
  );
}
await load;
await relay.close();

const quarter = Math.ceil(samples.length / 4);
const highest = (some: readonly Sample[], what: keyof Sample): number =>
  Math.max(...some.map((one) => one[what]));
const grown = (['heapMiB', 'sockets', 'timers', 'channels'] as const).filter((what) => {
  // The first quarter fills what lives for a while; the last one may not need more.
  const [early, late] = [
    highest(samples.slice(quarter, 2 * quarter), what),
    highest(samples.slice(-quarter), what),
  ];
  return late > early * 1.5 + (what === 'heapMiB' ? ALLOWED_MIB : 40);
});
console.log(grown.length === 0 ? 'flat' : `grown: ${grown.join(', ')}`);
process.exit(grown.length === 0 ? 0 : 1);
