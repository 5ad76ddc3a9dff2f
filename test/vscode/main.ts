/**
 * `npm run test:vscode [-- --editor electron|code-server] [--grep TITLE]`: the Mocha suite in the
 * extension host of a real VS Code. Without `--editor` (or `CROC_VSCODE`) it takes Electron where that
 * can be downloaded and shown, else code-server.
 */
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import * as v from 'valibot';
import { dieOnSignals } from '../support/vscode/group.js';
import { ready } from '../support/vscode/ready.js';
import { projectRoot, testOut } from '../support/vscode/project.js';
import { downloadElectron, runInCodeServer, runInElectron, type HostRun } from './hosts.js';
import { GREP_VARIABLE, RESULTS_VARIABLE, resultsSchema, type Results } from './results.js';

const { values: options } = parseArgs({
  options: { editor: { type: 'string' }, grep: { type: 'string' } },
});
const choice = v.optional(v.picklist(['electron', 'code-server']));
const editor = v.parse(choice, options.editor ?? process.env['CROC_VSCODE']);

dieOnSignals();
const results = testOut('results', 'vscode.json');
/** What test/vscode/suite/bench.test.ts measured, when it was asked to. */
const measured = testOut('bench', 'host.txt');
for (const file of [results, measured]) await rm(file, { force: true });
const host = await chooseHost();
if (host !== undefined) {
  const suite = await bundle();
  const failure = await runIn(host, suite);
  report(failure);
}

type Host = (run: HostRun) => Promise<void>;

/** The place to run in; undefined when there is none and that is all right. */
async function chooseHost(): Promise<Host | undefined> {
  if (editor !== 'code-server') {
    try {
      const executable = await downloadElectron();
      return (run) => runInElectron(executable, run);
    } catch (error) {
      if (editor === 'electron') throw error;
      console.log(`No Electron VS Code (${messageOf(error)}), so code-server it is.`);
    }
  }
  return ready('The tests in VS Code') ? runInCodeServer : undefined;
}

/** Bundles the suite to test/out/vscode; Mocha stays a package, VS Code gives `vscode`. */
async function bundle(): Promise<string> {
  const here = path.join(projectRoot, 'test', 'vscode');
  const outdir = testOut('vscode');
  await rm(outdir, { recursive: true, force: true });
  const tests = (await readdir(path.join(here, 'suite'))).filter((name) =>
    name.endsWith('.test.ts'),
  );
  await build({
    entryPoints: [
      'index.ts',
      'neighbour/extension.ts',
      ...tests.map((name) => `suite/${name}`),
    ].map((name) => path.join(here, name)),
    outdir,
    outbase: here,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode', 'mocha'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  await cp(
    path.join(here, 'neighbour', 'package.json'),
    path.join(outdir, 'neighbour', 'package.json'),
  );
  return path.join(outdir, 'index.js');
}

/** Runs in a temporary workspace; gives what the host itself had to complain about. */
async function runIn(run: Host, suite: string): Promise<string | undefined> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'croc-workspace-'));
  const grep = options.grep === undefined ? {} : { [GREP_VARIABLE]: options.grep };
  await mkdir(path.dirname(results), { recursive: true });
  try {
    await run({ suite, folder, env: { [RESULTS_VARIABLE]: results, ...grep } });
    return undefined;
  } catch (error) {
    return messageOf(error);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Prints what the suite wrote. Only a whole results file without failures is a success. */
function report(failure: string | undefined): void {
  const written = existsSync(results)
    ? v.parse(resultsSchema, JSON.parse(readFileSync(results, 'utf8')))
    : undefined;
  for (const test of written?.tests ?? []) {
    const mark = { passed: '✓', failed: '✗', pending: '-' }[test.state];
    console.log(`  ${mark} ${test.title} (${test.durationMs} ms)`);
    if (test.error !== undefined) console.log(test.error.replace(/^/gm, '      '));
  }
  if (existsSync(measured)) console.log(readFileSync(measured, 'utf8'));
  const problem = problemOf(written) ?? (written?.numFailedTests === 0 ? failure : undefined);
  if (problem !== undefined) console.log(problem);
  const failed = (written?.numFailedTests ?? 0) + (problem === undefined ? 0 : 1);
  console.log(`${written?.numPassedTests ?? 0} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

function problemOf(written: Results | undefined): string | undefined {
  if (written === undefined)
    return 'The suite wrote no results: the extension host did not run it.';
  const last = written.running ?? 'the start';
  if (!written.finished) return `The extension host ended before the suite, in "${last}".`;
  return written.tests.length === 0 ? 'The suite has no tests.' : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
