/** What is measured. Each case gives figures with their unit, and ratios to a peer of the same run. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Croc } from '../../src/core/croc.js';
import { DIST, Program, freePort, median, shell, startRelay } from './processes.js';

/** How much, how often. */
export interface BenchOptions {
  readonly rounds: number;
  /** Size of the large file, MiB. */
  readonly sizeMiB: number;
}

/** One measured number. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}
/** A case's figures, or the sentence that says why it was skipped. */
export type Outcome = readonly Figure[] | string;

const has = (program: string): boolean => {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** A folder in memory where the machine has one, so that no disk is measured. */
async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const base = existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
  const folder = await mkdtemp(path.join(base, 'croc-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Run {
  /** From the recipient's start to its end. */
  readonly seconds: number;
  /** From the sender's start to its code. */
  readonly codeMs: number;
  readonly peakMiB: { readonly sender: number; readonly recipient: number; readonly relay: number };
}

/** One transfer with three processes of ours. */
async function transfer(folder: string, source: string): Promise<Run> {
  const out = await mkdtemp(path.join(folder, 'out-'));
  const relay = await startRelay();
  try {
    const startedMs = performance.now();
    const sender = new Program('send', source, '--relay', relay.url);
    const code = String((await sender.line('code'))['code']);
    const codeMs = performance.now() - startedMs;
    const recipient = new Program('receive', code, '--relay', relay.url, '--out', out, '--yes');
    const receivingMs = performance.now();
    const peakMiB = { sender: 0, recipient: 0, relay: 0 };
    const sample = (): void => {
      const programs = { sender, recipient, relay: relay.program };
      for (const [name, program] of Object.entries(programs)) {
        if (program.child.exitCode !== null) continue;
        const key = name as keyof typeof peakMiB;
        peakMiB[key] = Math.max(peakMiB[key], program.peakMiB);
      }
    };
    const timer = setInterval(sample, 20);
    await recipient.line('done').finally(() => clearInterval(timer));
    const seconds = (performance.now() - receivingMs) / 1000;
    await sender.line('done');
    return { seconds, codeMs, peakMiB };
  } finally {
    await relay.program.stop();
    await rm(out, { recursive: true, force: true });
  }
}

/**
 * The same bytes through `nc` and a `socat` in the middle: no encryption, no flush to disk.
 * @param read - shell command that gives the bytes @param write - one that takes them
 * @returns seconds from the first byte to the end of every process
 */
async function throughSocat(folder: string, read: string, write: string): Promise<number> {
  const [near, far] = [await freePort(), await freePort()];
  const listening = (port: number): string =>
    `until ss -ltnH "sport = :${port}" | grep -q .; do sleep 0.01; done`;
  await shell(
    `(nc -l 127.0.0.1 ${far} | ${write}) & sink=$!
     socat -b 131072 TCP-LISTEN:${near},bind=127.0.0.1 TCP:127.0.0.1:${far} & relay=$!
     ${listening(far)}; ${listening(near)}
     date +%s.%N > begin; ${read} | nc -N 127.0.0.1 ${near}; wait $sink $relay; date +%s.%N > end`,
    folder,
  );
  const [begin = 0, end = 0] = await Promise.all(
    ['begin', 'end'].map(async (name) => Number(await readFile(path.join(folder, name), 'utf8'))),
  );
  return end - begin;
}

/** A large file, side by side with `nc` through `socat`. */
export async function largeFile({ rounds, sizeMiB }: BenchOptions): Promise<Outcome> {
  if (!has('nc') || !has('socat')) return 'nc or socat is not installed.';
  return withFolder(async (folder) => {
    const file = path.join(folder, 'large');
    await shell(`head -c ${sizeMiB}M /dev/urandom > large`, folder);
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      ours.push(sizeMiB / (await transfer(folder, file)).seconds);
      theirs.push(sizeMiB / (await throughSocat(folder, 'cat large', 'cat > copy')));
      await rm(path.join(folder, 'copy'));
    }
    return beside('nc through socat', 'MiB/s', ours, theirs);
  });
}

/** Ten thousand small files, side by side with `tar` through the same. */
export async function smallFiles({ rounds }: BenchOptions): Promise<Outcome> {
  if (!has('nc') || !has('socat')) return 'nc or socat is not installed.';
  return withFolder(async (folder) => {
    await shell(
      'mkdir many; head -c 40960000 /dev/urandom | split -b 4096 -a 4 -d - many/f',
      folder,
    );
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      ours.push((await transfer(folder, path.join(folder, 'many'))).seconds);
      await mkdir(path.join(folder, 'copy'));
      theirs.push(await throughSocat(folder, 'tar c many', 'tar x -C copy'));
      await rm(path.join(folder, 'copy'), { recursive: true });
    }
    return beside('tar | nc through socat', 's', ours, theirs);
  });
}

/** Memory for a large file and for a small one, and the time until there is a code. */
export async function memoryAndCode({ rounds, sizeMiB }: BenchOptions): Promise<Outcome> {
  return withFolder(async (folder) => {
    await shell(
      `head -c 1M /dev/urandom > small; head -c ${2 * sizeMiB}M /dev/zero > large`,
      folder,
    );
    const small: Run[] = [];
    const large: Run[] = [];
    for (let round = 0; round < rounds; round += 1) {
      small.push(await transfer(folder, path.join(folder, 'small')));
      large.push(await transfer(folder, path.join(folder, 'large')));
    }
    const figures: Figure[] = [
      { what: 'time to code', value: median(small.map((run) => run.codeMs)), unit: 'ms' },
    ];
    for (const who of ['sender', 'recipient', 'relay'] as const) {
      const [least, most] = [small, large].map((runs) =>
        median(runs.map((run) => run.peakMiB[who])),
      );
      figures.push(
        { what: `${who}: peak memory, 1 MiB`, value: least ?? 0, unit: 'MiB' },
        {
          what: `${who}: more for ${2 * sizeMiB} MiB`,
          value: (most ?? 0) - (least ?? 0),
          unit: 'MiB',
        },
      );
    }
    return figures;
  });
}

/** The event loop of a host that runs the library, while a large file passes; beside an idle one. */
export async function hostDelay({ sizeMiB }: BenchOptions): Promise<Outcome> {
  return withFolder(async (folder) => {
    await shell(`head -c ${sizeMiB}M /dev/urandom > large`, folder);
    const relay = await startRelay();
    const croc = new Croc({ relay: relay.url, distFolder: DIST });
    try {
      const send = async (): Promise<void> => {
        const sent = await croc.send([path.join(folder, 'large')]);
        const out = ['--out', await mkdtemp(path.join(folder, 'out-')), '--yes'];
        new Program('receive', sent.code, '--relay', relay.url, ...out);
        await sent.done;
      };
      const receive = async (): Promise<void> => {
        const sender = new Program('send', path.join(folder, 'large'), '--relay', relay.url);
        const offer = await croc.receive(String((await sender.line('code'))['code']));
        await offer.accept({ to: await mkdtemp(path.join(folder, 'out-')) }).done;
      };
      const idle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2000));
      return [
        ...(await delayDuring('idle', idle)),
        ...(await delayDuring('sending', send)),
        ...(await delayDuring('receiving', receive)),
      ];
    } finally {
      await relay.program.stop();
    }
  });
}

async function delayDuring(what: string, work: () => Promise<void>): Promise<Figure[]> {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  let peakBytes = 0;
  const before = process.memoryUsage.rss();
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
  }, 20);
  histogram.enable();
  await work();
  histogram.disable();
  clearInterval(timer);
  const ms = (value: number): number => value / 1e6;
  return [
    { what: `${what}: delay p50`, value: ms(histogram.percentile(50)), unit: 'ms' },
    { what: `${what}: delay p99`, value: ms(histogram.percentile(99)), unit: 'ms' },
    { what: `${what}: delay max`, value: ms(histogram.max), unit: 'ms' },
    { what: `${what}: more memory`, value: (peakBytes - before) / 2 ** 20, unit: 'MiB' },
  ];
}

/** Medians of both, and the median of the ratios pair by pair, so that above 1 is better for us. */
function beside(
  peer: string,
  unit: 'MiB/s' | 's',
  ours: readonly number[],
  theirs: readonly number[],
): Figure[] {
  const ratios = ours.map((value, round) => {
    const ratio = value / (theirs[round] ?? Number.NaN);
    return unit === 's' ? 1 / ratio : ratio;
  });
  return [
    { what: 'croc-share', value: median(ours), unit },
    { what: peer, value: median(theirs), unit },
    { what: 'ratio, more is better', value: median(ratios), unit: '×' },
  ];
}
