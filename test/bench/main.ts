/**
 * `npm run bench [-- --only CASE,CASE] [--rounds N] [--size MiB] [--render]`: measures us beside other
 * programs in one run, in turn. Prints tables, writes bench/results.json, and puts the tables into
 * docs/performance.md; `--render` does only that, from the last results.
 */
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { largeFile, memory, slowLink, smallFiles, sourceTree, waiting } from './cases.js';
import type { BenchOptions, Outcome } from './cases.js';
import { hostDelay, manyTransfers } from './hosts.js';
import { asText, render } from './report.js';
import type { Results } from './report.js';
import { EVERYBODY, LOOPBACK } from './contestants.js';
import { withFolder } from './processes.js';

const CASES: Readonly<Record<string, (options: BenchOptions) => Promise<Outcome>>> = {
  largeFile,
  smallFiles,
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

async function measure(): Promise<Results> {
  const options = { rounds: Number(values.rounds), sizeMiB: Number(values.size) };
  const only = values.only?.split(',') ?? Object.keys(CASES);
  const outcomes: Outcome[] = [];
  for (const name of only) {
    const run = CASES[name];
    if (!run) throw new Error(`no case ${name}; there are ${Object.keys(CASES).join(', ')}`);
    const outcome = await run(options);
    outcomes.push(outcome);
    console.log(`\n${asText(outcome)}`);
  }
  const machine = `${os.cpus().length} × ${os.cpus()[0]?.model ?? '?'}, Node ${process.version}, ${os.type()} ${os.release().split('-')[0]}`;
  const date = new Date().toISOString().slice(0, 10);
  return { date, machine, programs: await programs(), options, outcomes };
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

if (!values.render) {
  const results = await measure();
  await mkdir(path.dirname(RESULTS), { recursive: true });
  await writeFile(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
}
const results = JSON.parse(readFileSync(RESULTS, 'utf8')) as Results;
await writeFile(DOCUMENT, render(readFileSync(DOCUMENT, 'utf8'), results));
process.exit(0);
