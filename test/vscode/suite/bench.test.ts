/**
 * How much the extension host notices while 1 GiB passes: `CROC_BENCH=1 npm run test:vscode -- --grep GiB`.
 * A table goes to test/out/bench/host.txt, the figures to host.json beside it.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import * as v from 'valibot';
import * as vscode from 'vscode';
import type { CrocApi } from '../../../src/extension/api.js';
import { crocApi, crocExtension, crocFolder } from '../support/extension.js';
import { nextEvent } from '../support/events.js';
import { Person } from '../support/person.js';

const MEBIBYTE = 1 << 20;
const GIBIBYTE = 1 << 30;
const SAMPLE_MS = 50;
/** Beyond what the idle host shows; a person notices a good deal later. */
const MOST_P99_MS = 20;

/** The event loop during something, in milliseconds. */
interface Loop {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}
/** The host's memory, in MiB. `external` is that of the main thread alone, `rss` has the workers too. */
interface Memory {
  readonly rss: number;
  readonly external: number;
}
interface Measured {
  readonly direction: 'send' | 'receive';
  readonly seconds: number;
  readonly mebibytesPerSecond: number;
  readonly loop: Loop;
  readonly idle: Loop;
  readonly before: Memory;
  readonly peak: Memory;
  readonly after: Memory;
  readonly load: readonly number[];
}

const round = (value: number, decimals = 1): number => Number(value.toFixed(decimals));

function memory(): Memory {
  const { rss, external } = process.memoryUsage();
  return { rss: round(rss / MEBIBYTE), external: round(external / MEBIBYTE) };
}

/** Watches the event loop while `work` runs. */
async function watchLoop<T>(work: () => Promise<T>): Promise<{ value: T; loop: Loop; ms: number }> {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  const started = performance.now();
  histogram.enable();
  try {
    const value = await work();
    const ms = performance.now() - started;
    const at = (nanoseconds: number) => round(nanoseconds / 1e6, 2);
    const loop = {
      p50: at(histogram.percentile(50)),
      p99: at(histogram.percentile(99)),
      max: at(histogram.max),
    };
    return { value, loop, ms };
  } finally {
    histogram.disable();
  }
}

/** Runs a transfer, then the host without one for as long. */
async function measure(
  direction: Measured['direction'],
  transfer: () => Promise<unknown>,
): Promise<Measured> {
  const before = memory();
  let peak = before;
  const sampler = setInterval(() => {
    const now = memory();
    peak = { rss: Math.max(peak.rss, now.rss), external: Math.max(peak.external, now.external) };
  }, SAMPLE_MS);
  const load = os.loadavg().map((value) => round(value, 2));
  const { loop, ms } = await watchLoop(transfer).finally(() => clearInterval(sampler));
  const idle = await watchLoop(() => new Promise((resolve) => setTimeout(resolve, ms)));
  return {
    direction,
    seconds: round(ms / 1000, 2),
    mebibytesPerSecond: round(GIBIBYTE / MEBIBYTE / (ms / 1000)),
    loop,
    idle: idle.loop,
    before,
    peak,
    after: memory(),
    load,
  };
}

function table(rows: readonly Measured[]): string {
  const loop = ({ p50, p99, max }: Loop) => `${p50} / ${p99} / ${max}`;
  const lines = rows.flatMap((row) => [
    `${row.direction}: 1 GiB in ${row.seconds} s, ${row.mebibytesPerSecond} MiB/s, load ${row.load.join(' ')}`,
    `  event loop, p50 / p99 / max ms: ${loop(row.loop)}   idle: ${loop(row.idle)}`,
    `  rss MiB, before / peak / after: ${row.before.rss} / ${row.peak.rss} / ${row.after.rss}`,
    `  external MiB:                   ${row.before.external} / ${row.peak.external} / ${row.after.external}`,
  ]);
  return `${lines.join('\n')}\n`;
}

const line = v.looseObject({ event: v.string(), code: v.optional(v.string()) });

/** A process of the command line; gives its events one after another. */
function cli(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [path.join(crocFolder(), 'dist', 'cli.js'), ...args], {
    // In Electron the executable is Node only when it is told.
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'close').then(() => child.exitCode);
  const raw = new vscode.EventEmitter<unknown>();
  createInterface({ input: child.stdout }).on('line', (text) => raw.fire(JSON.parse(text)));
  const told = async (name: string) =>
    v.parse(
      line,
      await nextEvent(raw.event, `"${name}" of the command line`, (value) =>
        v.is(v.looseObject({ event: v.literal(name) }), value),
      ),
    );
  return { child, exit, told };
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

// Alone: `CROC_BENCH=1 npm run test:vscode -- --grep 'time of activation'`, so that nothing has activated it before.
if (process.env['CROC_BENCH'] === '1')
  describe('the time of activation', () => {
    it('is that of one small file', async () => {
      const extension = crocExtension();
      const started = performance.now();
      await extension.activate();
      const ms = performance.now() - started;
      const out = path.join(crocFolder(), 'test', 'out', 'bench');
      await mkdir(out, { recursive: true });
      const times = [`activation: ${ms.toFixed(1)} ms`];
      // Then all of it is loaded, a relay and a worker start: the first code that a person gets in a window.
      const person = new Person();
      for (const which of ['first', 'second', 'third']) {
        const file = vscode.Uri.file(path.join(crocFolder(), 'package.json'));
        const sending = performance.now();
        await vscode.commands.executeCommand('croc.send', file);
        const took = performance.now() - sending;
        times.push(
          `${which} send, from the command to the code on the clipboard: ${took.toFixed(0)} ms`,
        );
        await vscode.commands.executeCommand('croc.cancel');
      }
      await vscode.commands.executeCommand('croc.stopRelay');
      person.leave();
      await writeFile(path.join(out, 'host.txt'), `${times.join('\n')}\n`);
    });
  });

// A measurement and no test: it takes a minute and 3 GB of memory, so it runs only when asked for.
if (process.env['CROC_BENCH'] === '1')
  describe('1 GiB through the extension host', function () {
    this.timeout(240_000);
    const rows: Measured[] = [];
    let person: Person;
    let api: CrocApi;
    let folder: string;
    let file: string;

    before(async () => {
      person = new Person();
      api = await crocApi();
      const base = existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
      folder = await mkdtemp(path.join(base, 'croc-bench-'));
      file = path.join(folder, 'one.gib');
      const handle = await open(file, 'w');
      const piece = Buffer.alloc(MEBIBYTE);
      for (let written = 0; written < GIBIBYTE; written += MEBIBYTE)
        await handle.write(randomFillSync(piece));
      await handle.close();
    });

    after(async () => {
      await vscode.commands.executeCommand('croc.stopRelay');
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      await rm(folder, { recursive: true, force: true });
      person.leave();
      const out = path.join(crocFolder(), 'test', 'out', 'bench');
      await mkdir(out, { recursive: true });
      const machine = { cores: os.cpus().length, node: process.version, rows };
      await writeFile(path.join(out, 'host.json'), JSON.stringify(machine, undefined, 2));
      await writeFile(path.join(out, 'host.txt'), table(rows));
    });

    async function same(received: string): Promise<void> {
      assert.equal(await hashOf(received), await hashOf(file));
      await rm(received);
    }

    function check(measured: Measured): void {
      rows.push(measured);
      const { loop, idle } = measured;
      assert.ok(loop.p99 <= idle.p99 + MOST_P99_MS, `p99 ${loop.p99} ms, idle ${idle.p99} ms`);
    }

    it('is sent, with the relay in this window and the panel open', async () => {
      const relay = await api.startRelay({ host: '127.0.0.1', port: 0, tcpPorts: [0, 0, 0, 0] });
      const out = path.join(folder, 'out');
      await mkdir(out);
      const measured = await measure('send', async () => {
        const send = await api.send([file]);
        await vscode.commands.executeCommand('croc.showTransfer');
        const args = ['receive', '--relay', relay.url, '--out', out, '--yes', '--json'];
        const recipient = cli(args, { CROC_SECRET: send.code });
        await send.done;
        assert.equal(await recipient.exit, 0);
      });
      await relay.close();
      await same(path.join(out, 'one.gib'));
      check(measured);
    });

    it('is received, with the panel open', async () => {
      const to = path.join(folder, 'in');
      await mkdir(to);
      const relay = cli(['relay', '--host', '127.0.0.1', '--port', '0', '--json']);
      const { url } = v.parse(v.looseObject({ url: v.string() }), await relay.told('listening'));
      const measured = await measure('receive', async () => {
        const sender = cli(['send', file, '--relay', url, '--json']);
        const { code = '' } = await sender.told('code');
        const receive = (await api.receive(code, { relay: url })).accept({ to });
        await vscode.commands.executeCommand('croc.showTransfer');
        await receive.done;
        assert.equal(await sender.exit, 0);
      });
      relay.child.kill('SIGTERM');
      await relay.exit;
      await same(path.join(to, 'one.gib'));
      check(measured);
    });
  });
