/**
 * `npm run bench:relay [-- --only WORK,WORK] [--rounds N] [--waiting N] [--render]`: the relay beside
 * magic-wormhole's mailbox and transit relay and croc's, in the same run and in alternating rounds, all on
 * loopback. Prints tables, writes bench/relay-results.json (works that were left out keep their last results)
 * and puts the tables into docs/relay.md; `--render` does only that.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { median } from '../processes.js';
import type { Place } from './clients.js';
import type { Kind, Order, Work } from './driver.js';
import type { AllSoakResults } from './flat.js';
import {
  cpuSeconds,
  describe,
  descriptorLimit,
  machine,
  memoryMiB,
  missing,
  pinned,
  readMetrics,
  startRelay,
} from './relays.js';
import { asText, render } from './report.js';
import type { Outcome, RelayResults, Result, Task } from './report.js';

const root = path.resolve(import.meta.dirname, '../../..');
const RESULTS = path.join(root, 'bench/relay-results.json');
const SOAK = path.join(root, 'bench/soak-results.json');
const DOCUMENT = path.join(root, 'docs/relay.md');
const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    waiting: { type: 'string', default: '10000' },
    render: { type: 'boolean', default: false },
  },
});
/** The Python that the system's packages are for; another one may come first on PATH. */
const WORMHOLE_PYTHON = '/usr/bin/python3';
const rounds = Number(flags.rounds);
const KINDS: readonly Kind[] = ['ours', 'wormhole', 'croc'];
/** File descriptors that a process needs beside one for each channel. */
const SPARE_DESCRIPTORS = 200;
/** No clients take longer, milliseconds. */
const PATIENCE_MS = 240_000;

const task = (count: number, atOnce: number, more: Partial<Task> = {}): Task => ({
  count,
  atOnce,
  mebibytes: 0,
  waitSeconds: 0,
  ...more,
});
const data = { mebibytes: 4 };
const fair = task(1, 1, { mebibytes: 256 });
/** Longer than a request is held, so that each is asked again. */
const wait = { waitSeconds: 30 };
const WORKS: Readonly<Partial<Record<Work, Partial<Record<Kind, Task>>>>> = {
  rendezvous: { ours: task(1500, 32), wormhole: task(1500, 32), croc: task(150, 32) },
  // croc's clients are the program itself, whose meetings cannot be told from its transfers.
  clients: { ours: task(800, 16), wormhole: task(800, 16) },
  waiting: {
    ours: task(Number(flags.waiting), 32, wait),
    wormhole: task(Math.min(2000, Number(flags.waiting)), 16, wait),
    croc: task(60, 8, wait),
  },
  staples: { ours: task(200, 16, data), wormhole: task(200, 16, data), croc: task(200, 8, data) },
  fairness: { ours: fair, wormhole: fair, croc: fair },
};

/** The clients of a measurement: our driver, or magic-wormhole's own clients. */
function driverOf(order: Order, place: Place): readonly string[] {
  const { kind, work, count, atOnce } = order;
  const here = (file: string): string => path.join(import.meta.dirname, file);
  if (work === 'clients' && kind === 'wormhole') {
    const url = `ws://127.0.0.1:${place.port}/v1`;
    return [WORMHOLE_PYTHON, here('wormholes.py'), url, `${count}`, `${atOnce}`];
  }
  const loader = `file://${path.join(root, 'scripts/ts.mjs')}`;
  return [process.execPath, '--import', loader, here('driver.ts'), JSON.stringify(order)];
}

/** One measurement with a fresh relay and fresh clients. */
async function measure(kind: Kind, work: Work, what: Task): Promise<Record<string, number>> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'croc-bench-relay-'));
  const relay = await startRelay(kind, work, folder);
  const { pid, place, metricsPort } = relay;
  const idleMiB = memoryMiB(pid, 'VmRSS');
  const order: Order = { ...what, work, kind, place };
  const [program = '', ...args] = pinned(1, driverOf(order, place));
  const driver = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const timer = setTimeout(() => driver.kill('SIGKILL'), PATIENCE_MS);
  try {
    const lines = createInterface({ input: driver.stdout })[Symbol.asyncIterator]();
    const read = async (): Promise<Record<string, number>> => {
      const line = await lines.next();
      if (line.done === true) throw new Error('its clients ended early');
      return JSON.parse(line.value) as Record<string, number>;
    };
    await read();
    const [cpu, readyMiB] = [cpuSeconds(pid), memoryMiB(pid, 'VmRSS')];
    const held =
      metricsPort === undefined
        ? undefined
        : (await readMetrics(metricsPort)).get('croc_relay_held_requests');
    driver.stdin.write('go\n');
    const figures = await read();
    return {
      count: what.count,
      ...figures,
      relayCpuMsEach: ((cpuSeconds(pid) - cpu) * 1000) / what.count,
      ...{ idleMiB, readyMiB, peakMiB: memoryMiB(pid, 'VmHWM') },
      ...(held === undefined ? {} : { heldRequests: held }),
    };
  } finally {
    clearTimeout(timer);
    driver.kill('SIGKILL');
    if (driver.exitCode === null && driver.signalCode === null) await once(driver, 'exit');
    await relay.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The median of each figure. */
function medians(all: readonly Record<string, number>[]): Record<string, number> {
  const names = Object.keys(all[0] ?? {});
  return Object.fromEntries(
    names.map((name) => [name, median(all.map((figures) => figures[name] ?? Number.NaN))]),
  );
}

/** Everybody in turn, round after round. */
async function run(work: Work): Promise<Outcome> {
  const tasks = WORKS[work];
  if (tasks === undefined) throw new Error(`no work ${work}`);
  const measured: Partial<Record<Kind, Record<string, number>[]>> = {};
  const failures: Partial<Record<Kind, string>> = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of KINDS) {
      const what = tasks[kind];
      if (what === undefined) continue;
      const absent = missing(kind);
      if (absent !== undefined) failures[kind] = absent;
      if (failures[kind] !== undefined) continue;
      try {
        (measured[kind] ??= []).push(await measure(kind, work, what));
      } catch (error) {
        failures[kind] = error instanceof Error ? error.message : String(error);
      }
    }
  }
  const results = KINDS.flatMap((kind): [Kind, Result][] => {
    if (tasks[kind] === undefined) return [];
    return [[kind, failures[kind] ?? medians(measured[kind] ?? [])]];
  });
  const date = new Date().toISOString().slice(0, 10);
  return { date, rounds, tasks, results: Object.fromEntries(results) };
}

function read(file: string): unknown {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}
const readResults = (): RelayResults | undefined => read(RESULTS) as RelayResults | undefined;

if (!flags.render) {
  const needed = Number(flags.waiting) + SPARE_DESCRIPTORS;
  if (descriptorLimit() < needed)
    throw new Error(
      `${flags.waiting} channels need ${needed} file descriptors (ulimit -n), there are ${descriptorLimit()}`,
    );
  const works = { ...readResults()?.works };
  const programs = KINDS.filter((kind) => missing(kind) === undefined).map(describe);
  for (const work of (flags.only?.split(',') ?? Object.keys(WORKS)) as Work[]) {
    const outcome = await run(work);
    works[work] = outcome;
    console.log(`\n${asText(work, outcome)}`);
    const results: RelayResults = { machine: machine(), programs, works };
    await writeFile(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  }
}
const results = readResults();
if (results === undefined) throw new Error('there are no results to render');
const document = readFileSync(DOCUMENT, 'utf8');
await writeFile(DOCUMENT, render(document, results, (read(SOAK) ?? []) as AllSoakResults));
process.exit(0);
