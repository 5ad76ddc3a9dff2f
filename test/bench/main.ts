/**
 * `npm run bench [-- --only CASE] [--rounds N] [--size MiB]`: measures us beside other programs in the
 * same run, in alternating pairs. Prints a table and writes bench/results.json.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { hostDelay, largeFile, memoryAndCode, smallFiles } from './cases.js';
import type { Outcome } from './cases.js';

const CASES = { largeFile, smallFiles, memoryAndCode, hostDelay };

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    size: { type: 'string', default: '1024' },
  },
});
const options = { rounds: Number(values.rounds), sizeMiB: Number(values.size) };
const outcomes: Record<string, Outcome> = {};
for (const [name, run] of Object.entries(CASES)) {
  if (values.only !== undefined && values.only !== name) continue;
  console.log(`\n${name}`);
  const outcome = await run(options);
  outcomes[name] = outcome;
  if (typeof outcome === 'string') console.log(`  skipped: ${outcome}`);
  else
    for (const { what, value, unit } of outcome)
      console.log(`  ${what.padEnd(34)} ${value.toFixed(2).padStart(10)} ${unit}`);
}
const machine = `${os.cpus().length} × ${os.cpus()[0]?.model ?? '?'}, Node ${process.version}, ${os.type()}`;
const file = path.resolve(import.meta.dirname, '../../bench/results.json');
await mkdir(path.dirname(file), { recursive: true });
await writeFile(file, `${JSON.stringify({ machine, options, outcomes }, null, 2)}\n`);
process.exit(0);
