/**
 * `npm run bench:relay [-- --only WORK] [--rounds N] [--waiting N]`: the relay beside magic-wormhole's mailbox
 * and transit relay and croc's, in the same run and in alternating rounds, all on loopback. Prints a
 * table and writes bench/relay-results.json.
 */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { freePort } from '../../support/redis.js';
import { median } from '../processes.js';
import type { Place } from './clients.js';
import type { Kind, Order } from './driver.js';

const root = path.resolve(import.meta.dirname, '../../..');
const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    waiting: { type: 'string', default: '9500' },
  },
});
const CROC = process.env['CROC_PROGRAM'] ?? 'croc';

const has = (program: string): boolean => {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};
const PROGRAMS: Record<Kind, string> = {
  ours: process.execPath,
  wormhole: 'twist3',
  croc: CROC,
};

/** A relay in a process of its own. */
interface Relay {
  readonly place: Place;
  readonly child: ChildProcess;
}

async function start(kind: Kind, work: Order['work'], folder: string): Promise<Relay> {
  const [port, data] = [await freePort(), await freePort()];
  const run = (args: readonly string[]): ChildProcess =>
    spawn(PROGRAMS[kind], args, { cwd: folder, stdio: 'ignore' });
  const listen = (at: number): string => `--port=tcp:${at}:interface=127.0.0.1`;
  const transit = work === 'staples' || work === 'fairness';
  if (kind === 'wormhole') {
    const child = transit
      ? run(['transitrelay', listen(data)])
      : run(['wormhole-mailbox', listen(port), '--channel-db=:memory:']);
    await listening(transit ? data : port);
    return { child, place: { port, ports: [data] } };
  }
  if (kind === 'croc') {
    const child = run(['relay', '--host', '127.0.0.1', '--ports', `${port},${data}`]);
    await listening(port);
    return { child, place: { port, ports: [data] } };
  }
  const many = '1000000';
  const child = run([
    ...[path.join(root, 'dist/cli.js'), 'relay', '--host', '127.0.0.1', '--port', `${port}`],
    ...['--tcp-ports', `${data}`, '--channels', many, '--channels-per-address', many],
    ...['--joins-per-minute', many, '--sockets', many, '--sockets-per-address', many],
  ]);
  await listening(port);
  return { child, place: { port, ports: [data] } };
}

async function listening(port: number): Promise<void> {
  for (let tries = 400; tries > 0; tries -= 1) {
    const socket = connect(port, '127.0.0.1');
    const up = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (up) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`nobody listens on ${port}`);
}

/** Seconds of processor that a process has used. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function memoryMiB(pid: number, what: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${what}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN) / 1024;
}

/** One measurement with a fresh relay and a fresh driver. */
async function measure(
  kind: Kind,
  rest: Omit<Order, 'kind' | 'place'>,
): Promise<Record<string, number>> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'croc-bench-relay-'));
  const { child, place } = await start(kind, rest.work, folder);
  const pid = child.pid ?? 0;
  const idleMiB = memoryMiB(pid, 'VmRSS');
  const order: Order = { ...rest, kind, place };
  const loader = path.join(root, 'scripts/ts.mjs');
  const script = path.join(import.meta.dirname, 'driver.ts');
  const driver = spawn(
    process.execPath,
    ['--import', `file://${loader}`, script, JSON.stringify(order)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const timer = setTimeout(() => driver.kill('SIGKILL'), 240_000);
  try {
    const lines = createInterface({ input: driver.stdout })[Symbol.asyncIterator]();
    const read = async (): Promise<Record<string, number>> => {
      const line = await lines.next();
      if (line.done === true) throw new Error(`${kind} ${rest.work}: the driver ended`);
      return JSON.parse(line.value) as Record<string, number>;
    };
    await read();
    const [cpu, readyMiB] = [cpuSeconds(pid), memoryMiB(pid, 'VmRSS')];
    driver.stdin.write('go\n');
    const figures = await read();
    return {
      ...figures,
      relayCpuMsEach: ((cpuSeconds(pid) - cpu) * 1000) / rest.count,
      idleMiB,
      readyMiB,
      peakMiB: memoryMiB(pid, 'VmHWM'),
    };
  } finally {
    clearTimeout(timer);
    driver.kill('SIGKILL');
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await rm(folder, { recursive: true, force: true });
  }
}

const WORKS: Record<Order['work'], Partial<Record<Kind, Omit<Order, 'kind' | 'place'>>>> = {
  rendezvous: {
    ours: { work: 'rendezvous', count: 2000, atOnce: 32, mebibytes: 0 },
    wormhole: { work: 'rendezvous', count: 400, atOnce: 32, mebibytes: 0 },
    croc: { work: 'rendezvous', count: 100, atOnce: 16, mebibytes: 0 },
  },
  waiting: {
    ours: { work: 'waiting', count: Number(flags.waiting), atOnce: 32, mebibytes: 0 },
    wormhole: {
      work: 'waiting',
      count: Math.min(2000, Number(flags.waiting)),
      atOnce: 16,
      mebibytes: 0,
    },
    croc: { work: 'waiting', count: 60, atOnce: 8, mebibytes: 0 },
  },
  staples: {
    ours: { work: 'staples', count: 200, atOnce: 16, mebibytes: 4 },
    wormhole: { work: 'staples', count: 200, atOnce: 16, mebibytes: 4 },
    croc: { work: 'staples', count: 200, atOnce: 8, mebibytes: 4 },
  },
  fairness: {
    ours: { work: 'fairness', count: 1, atOnce: 1, mebibytes: 256 },
    wormhole: { work: 'fairness', count: 1, atOnce: 1, mebibytes: 256 },
    croc: { work: 'fairness', count: 1, atOnce: 1, mebibytes: 256 },
  },
};

type Result = Record<string, number> | string;
const results: Record<string, Partial<Record<Kind, Result>>> = {};
for (const work of Object.keys(WORKS) as Order['work'][]) {
  if (flags.only !== undefined && flags.only !== work) continue;
  console.log(`\n${work}`);
  const rounds: Partial<Record<Kind, Record<string, number>[]>> = {};
  const failures: Partial<Record<Kind, string>> = {};
  for (let round = 0; round < Number(flags.rounds); round += 1) {
    for (const [kind, order] of Object.entries(WORKS[work]) as [
      Kind,
      Omit<Order, 'kind' | 'place'>,
    ][]) {
      if (!has(PROGRAMS[kind])) failures[kind] = `${PROGRAMS[kind]} is not installed`;
      if (failures[kind] !== undefined) continue;
      try {
        (rounds[kind] ??= []).push(await measure(kind, order));
      } catch (error) {
        failures[kind] = String(error);
      }
    }
  }
  for (const kind of Object.keys(WORKS[work]) as Kind[]) {
    const [first] = rounds[kind] ?? [];
    const result: Result =
      failures[kind] ??
      Object.fromEntries(
        Object.keys(first ?? {}).map((what) => [
          what,
          median((rounds[kind] ?? []).map((figures) => figures[what] ?? Number.NaN)),
        ]),
      );
    (results[work] ??= {})[kind] = result;
    const shown =
      typeof result === 'string'
        ? result
        : Object.entries(result)
            .map(([what, value]) => `${what} ${value.toFixed(value < 10 ? 2 : 0)}`)
            .join('  ');
    console.log(`  ${kind.padEnd(9)} ${shown}`);
  }
}
const machine = `${os.cpus().length} × ${os.cpus()[0]?.model ?? '?'}, Node ${process.version}, ${os.type()}`;
const file = path.join(root, 'bench/relay-results.json');
const rounds = Number(flags.rounds);
await writeFile(file, `${JSON.stringify({ machine, rounds, works: WORKS, results }, null, 2)}\n`);
process.exit(0);
