/**
 * `npm run bench [-- --only CASE,CASE] [--rounds N] [--size MiB] [--render]`: measures us beside other
 * programs in one run, in turn. Prints tables, writes bench/results.json, and puts the tables into
 * docs/performance.md; `--render` does only that, from the last results. With `--only` the results of the
 * other cases stay; each has the day of its own run.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import {
  largeFile,
  manyFiles,
  memory,
  slowLink,
  smallFiles,
  sourceTree,
  waiting,
} from './cases.js';
import type { BenchOptions, Outcome } from './cases.js';
import { hostDelay, manyTransfers } from './hosts.js';
import { asText, render } from './report.js';
import type { Measured, Results } from './report.js';
import { EVERYBODY, LOOPBACK } from './contestants.js';
import { withFolder } from './processes.js';

const CASES: Readonly<Record<string, (options: BenchOptions) => Promise<Outcome>>> = {
  largeFile,
  smallFiles,
  manyFiles,
  sourceTree,
  waiting,
  memory,
  manyTransfers,
  hostDelay,
  slowLink,
};
const ROOT = path.resolve(import.meta.dirname, '../..');
const RESULTS = path.join(ROOT, 'bench/results.json');
const DOCUMENT = path.join(ROOT, 'docs/performance.md');

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    size: { type: 'string', default: '1024' },
    render: { type: 'boolean', default: false },
  },
});

/** Runs the cases that were asked for, one after the other; what each gave is written at once. */
async function measure(): Promise<void> {
  const { rounds, sizeMiB } = { rounds: Number(values.rounds), sizeMiB: Number(values.size) };
  const only = values.only?.split(',') ?? Object.keys(CASES);
  const took = await programs();
  for (const name of only) {
    const run = CASES[name];
    if (!run) throw new Error(`no case ${name}; there are ${Object.keys(CASES).join(', ')}`);
    const outcome = await run({ rounds, sizeMiB });
    console.log(`\n${asText(outcome)}`);
    const date = new Date().toISOString().slice(0, 10);
    await keep(took, { case: name, date, rounds, sizeMiB, ...outcome });
  }
}

/** Puts the result of one case into bench/results.json, in the place of its last one. */
async function keep(took: readonly string[], measured: Measured): Promise<void> {
  const machine = `${os.cpus().length} × ${os.cpus()[0]?.model ?? '?'}, Node ${process.version}, ${os.type()} ${os.release().split('-')[0]}`;
  const others = lastResults().filter((one) => one.case !== measured.case);
  const names = Object.keys(CASES);
  const place = (one: Measured): number => names.indexOf(one.case);
  const cases = [...others, measured].sort((a, b) => place(a) - place(b));
  const results: Results = { machine, programs: took, cases };
  await mkdir(path.dirname(RESULTS), { recursive: true });
  await writeFile(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
}

/** What there is of cases that still exist; none where the file is of another form. */
function lastResults(): readonly Measured[] {
  if (!existsSync(RESULTS)) return [];
  const { cases = [] } = JSON.parse(readFileSync(RESULTS, 'utf8')) as Partial<Results>;
  return cases.filter((one) => one.case in CASES);
}

/** Names and versions of those that took part. */
function programs(): Promise<string[]> {
  return withFolder(async (folder) => {
    const names: string[] = [];
    for (const open of EVERYBODY) {
      const opened = await open(LOOPBACK, folder);
      if (typeof opened === 'string') continue;
      names.push(`${opened.name} ${opened.version}`);
      await opened.stop();
    }
    return names;
  });
}

if (!values.render) await measure();
const results = JSON.parse(readFileSync(RESULTS, 'utf8')) as Results;
await writeFile(DOCUMENT, render(readFileSync(DOCUMENT, 'utf8'), results));
process.exit(0);
