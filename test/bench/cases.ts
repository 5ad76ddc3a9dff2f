/** What is measured. */
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import {
  EVERYBODY,
  LOOPBACK,
  openCroc,
  openCrocShare,
  openPipe,
  openScp,
  openWormhole,
} from './contestants.js';
import type { Contestant, Open, Place, Run } from './contestants.js';
import { openLink } from './link.js';
import { holdMemory } from './memory.js';
import { median, shell, withFolder } from './processes.js';

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
  /** How many times better we were, the median of the pairs; only for somebody else's figure. */
  readonly ratio?: number;
}

/** A case's figures, and a sentence for each thing that was skipped. */
export interface Outcome {
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly skipped: readonly string[];
}

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Source that is there after `npm ci`, in the versions of the lock file. */
const TREE = ['typescript', '@typescript-eslint', 'eslint', 'mocha'];
/** Size of what goes over the slow link, MiB. */
const SLOW_MIB = 40;
/** The slow link of the issue. */
export const SLOW = { mbit: 20, delayMs: 100, lossPercent: 1 };

interface Race {
  readonly place?: Place;
  readonly opens: readonly Open[];
  readonly rounds: number;
  /** Memory to have ready for files, MiB. */
  readonly holdMiB?: number;
  /** Shell commands that make `it`, a file or folder. */
  readonly make: string;
  readonly work: (runs: ReadonlyMap<string, readonly Run[]>) => Figure[];
}

/** Everybody in turn, round after round, so that what disturbs the machine disturbs all. */
async function race(title: string, { place = LOOPBACK, ...race }: Race): Promise<Outcome> {
  return withFolder(async (folder) => {
    if (race.holdMiB !== undefined) holdMemory(folder, race.holdMiB);
    await shell(race.make, folder);
    const skipped: string[] = [];
    const there: Contestant[] = [];
    try {
      for (const open of race.opens) {
        const opened = await open(place, folder);
        if (typeof opened === 'string') skipped.push(opened);
        else there.push(opened);
      }
      const runs = new Map<string, Run[]>(there.map(({ name }) => [name, []]));
      for (let round = 0; round < race.rounds; round += 1)
        for (const contestant of there) {
          const out = await mkdtemp(path.join(folder, 'out-'));
          try {
            runs
              .get(contestant.name)
              ?.push(await contestant.transfer(path.join(folder, 'it'), out));
          } catch (error) {
            const words = String(error).replaceAll(`${ROOT}/`, '').slice(0, 300).trim();
            skipped.push(`${contestant.name}: ${words}`);
          }
          await rm(out, { recursive: true, force: true });
        }
      return { title, figures: race.work(runs), skipped };
    } finally {
      await Promise.all(there.map((contestant) => contestant.stop()));
    }
  });
}

/** One figure for each contestant, and how we compare, pair by pair. */
function compare(
  runs: ReadonlyMap<string, readonly Run[]>,
  unit: string,
  value: (run: Run) => number | undefined,
  better: 'more' | 'less',
  label = '',
): Figure[] {
  const values = [...runs].map(([name, list]) => ({ name, numbers: list.map(value) }));
  const ours = values.find(({ name }) => name === 'croc-share')?.numbers ?? [];
  return values.flatMap(({ name, numbers }) => {
    const known = numbers.filter((number) => number !== undefined);
    if (known.length === 0) return [];
    const ratios = numbers.flatMap((theirs, round) => {
      const our = ours[round];
      if (theirs === undefined || our === undefined) return [];
      return [better === 'more' ? our / theirs : theirs / our];
    });
    const figure = { what: `${name}${label}`, value: median(known), unit };
    return [name === 'croc-share' ? figure : { ...figure, ratio: median(ratios) }];
  });
}

/** A large file of random bytes. */
export function largeFile({ rounds, sizeMiB }: BenchOptions): Promise<Outcome> {
  return race(`One file of ${sizeMiB} MiB, loopback`, {
    opens: EVERYBODY,
    rounds,
    holdMiB: 3 * sizeMiB,
    make: `head -c ${sizeMiB}M /dev/urandom > it`,
    work: (runs) => compare(runs, 'MiB/s', ({ seconds }) => sizeMiB / seconds, 'more'),
  });
}

/** How long all took, and how long from the first byte on, as a plain pipe is timed. */
function durations(runs: ReadonlyMap<string, readonly Run[]>): Figure[] {
  const fromFirst = ({ seconds, firstByteMs }: Run): number | undefined =>
    firstByteMs === undefined ? undefined : seconds - firstByteMs / 1000;
  return [
    ...compare(runs, 's', ({ seconds }) => seconds, 'less'),
    ...compare(runs, 's', fromFirst, 'less', ', from the first byte on'),
  ];
}

const MANY = `mkdir it; head -c ${SLOW_MIB * 1_024_000} /dev/urandom | split -b 4096 -a 4 -d - it/f`;

/** Ten thousand small files. */
export function smallFiles({ rounds }: BenchOptions): Promise<Outcome> {
  return race('10,000 files of 4 KiB, loopback', {
    opens: EVERYBODY,
    rounds,
    make: MANY,
    work: durations,
  });
}

/** A hundred thousand files in a hundred folders, and what each process needs for them at most. */
export function manyFiles({ rounds }: BenchOptions): Promise<Outcome> {
  const folder = 'mkdir it/$i; head -c 1024000 /dev/urandom | split -b 1024 -a 3 -d - it/$i/f';
  return race('100,000 files of 1 KiB, loopback', {
    opens: [openCrocShare, openPipe, openScp],
    rounds: Math.min(rounds, 3),
    make: `mkdir it; for i in $(seq 100); do ${folder}; done`,
    work: (runs) => [
      ...durations(runs),
      ...['sender', 'recipient', 'relay'].map((who) => ({
        what: `croc-share: ${who}, peak memory`,
        value: median((runs.get('croc-share') ?? []).map(({ peakMiB }) => peakMiB[who] ?? NaN)),
        unit: 'MiB',
      })),
    ],
  });
}

/** A tree of source. */
export function sourceTree({ rounds }: BenchOptions): Promise<Outcome> {
  return race(`A tree of source (${TREE.join(', ')} of node_modules), loopback`, {
    opens: EVERYBODY,
    rounds,
    make: makeTree(),
    work: durations,
  });
}

function makeTree(): string {
  const parts = TREE.map((part) => path.join(ROOT, 'node_modules', part)).join(' ');
  return `mkdir it; cp -r ${parts} it; find it -type l -delete`;
}

/** Waiting, for those that work with codes: 1 MiB. */
export function waiting({ rounds }: BenchOptions): Promise<Outcome> {
  return race('Waiting: 1 MiB, loopback', {
    opens: [openCrocShare, openWormhole, openCroc],
    rounds,
    make: 'head -c 1M /dev/urandom > it',
    work: (runs) => [
      ...compare(runs, 'ms', ({ codeMs }) => codeMs, 'less', ': until the code'),
      ...compare(runs, 'ms', ({ firstByteMs }) => firstByteMs, 'less', ': Receive to first byte'),
      ...compare(runs, 'ms', ({ seconds }) => seconds * 1000, 'less', ': Receive to the end'),
    ],
  });
}

/** Peak memory of every process, for a small and for a large file. */
export async function memory({ rounds, sizeMiB }: BenchOptions): Promise<Outcome> {
  const opens = [openCrocShare, openWormhole, openCroc];
  const of = async (mebibytes: number): Promise<[Outcome, Map<string, number>]> => {
    const peaks = new Map<string, number>();
    const outcome = await race('', {
      opens,
      rounds: Math.min(rounds, 3),
      make: `head -c ${mebibytes}M /dev/zero > it`,
      work: (runs) => {
        for (const [name, list] of runs)
          for (const who of ['sender', 'recipient', 'relay'])
            peaks.set(`${name}: ${who}`, median(list.map(({ peakMiB }) => peakMiB[who] ?? NaN)));
        return [];
      },
    });
    return [outcome, peaks];
  };
  const largeMiB = 2 * sizeMiB;
  const [{ skipped }, small] = await of(1);
  const [again, large] = await of(largeMiB);
  const figures = [...small].flatMap(([what, value]) => [
    { what: `${what}, 1 MiB`, value, unit: 'MiB' },
    {
      what: `${what}, more for ${largeMiB} MiB`,
      value: (large.get(what) ?? NaN) - value,
      unit: 'MiB',
    },
  ]);
  const title = 'Peak memory of each process, loopback';
  return { title, figures, skipped: [...new Set([...skipped, ...again.skipped])] };
}

/**
 * Over a link of 20 Mbit/s, 100 ms round trip, 1 % loss: everybody with `bbr`, which bears loss; with `reno`
 * only ours and one plain connection, because there everything takes minutes.
 */
export async function slowLink(options: BenchOptions): Promise<Outcome> {
  const rounds = Math.min(options.rounds, 3);
  const { mbit, delayMs, lossPercent } = SLOW;
  const figures: Figure[] = [];
  const skipped: string[] = [];
  const over = async (control: string, races: readonly Race[]): Promise<void> => {
    const link = await openLink({ ...SLOW, congestionControl: control });
    if (typeof link === 'string') {
      skipped.push(link);
      return;
    }
    try {
      for (const one of races) {
        const part = await race('', { ...one, place: link.place });
        figures.push(...part.figures);
        skipped.push(...part.skipped);
      }
    } finally {
      await link.close();
    }
  };
  const fill = ({ seconds }: Pick<Run, 'seconds'>): number =>
    (100 * SLOW_MIB * 2 ** 20 * 8) / (mbit * 1e6 * seconds);
  const fillThen = ({ seconds, firstByteMs }: Run): number | undefined =>
    firstByteMs === undefined ? undefined : fill({ seconds: seconds - firstByteMs / 1000 });
  const oneFile = (opens: readonly Open[], rounds: number, label: string): Race => ({
    opens,
    rounds,
    make: `head -c ${SLOW_MIB}M /dev/urandom > it`,
    work: (runs) => [
      ...compare(runs, '% of the link', fill, 'more', label),
      ...compare(runs, '% of the link', fillThen, 'more', `${label}, from the first byte on`),
      ...compare(runs, 's', ({ seconds }) => seconds, 'less', `${label}, in all`),
    ],
  });
  const inSeconds = (label: string) => (runs: ReadonlyMap<string, readonly Run[]>) =>
    compare(runs, 's', ({ seconds }) => seconds, 'less', label);
  const everybody = [openCrocShare, openPipe, openWormhole, openCroc];
  await over('bbr', [
    oneFile(everybody, rounds, ': one file'),
    // croc asks and answers for each file: it would take the better part of an hour.
    {
      opens: [openCrocShare],
      rounds,
      make: MANY,
      work: inSeconds(': 10,000 files of 4 KiB, in all'),
    },
    {
      opens: everybody,
      rounds: 1,
      make: makeTree(),
      work: inSeconds(': tree of source, in all'),
    },
  ]);
  await over('reno', [oneFile([openCrocShare, openPipe], 1, ', reno: one file')]);
  const title = `A slow link: ${mbit} Mbit/s, ${delayMs} ms round trip, ${lossPercent} % loss; ${SLOW_MIB} MiB`;
  return { title, figures, skipped: [...new Set(skipped)] };
}
