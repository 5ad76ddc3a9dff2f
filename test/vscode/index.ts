/** Runs inside the extension host: every suite/*.test.js beside this file, with Mocha. */
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format } from 'node:util';
import Mocha from 'mocha';
import { GREP_VARIABLE, RESULTS_VARIABLE, sum, type TestResult } from './results.js';

/** What VS Code calls (`extensionTestsPath`). Rejects when a test failed or none was found. */
export async function run(): Promise<void> {
  const file = process.env[RESULTS_VARIABLE];
  if (file === undefined) throw new Error(`${RESULTS_VARIABLE} is not set.`);
  const mocha = new Mocha({ ui: 'bdd', timeout: 30_000, reporter: 'min' });
  const grep = process.env[GREP_VARIABLE];
  if (grep !== undefined) mocha.grep(grep);
  const folder = path.join(__dirname, 'suite');
  for (const name of readdirSync(folder).sort())
    if (name.endsWith('.test.js')) mocha.addFile(path.join(folder, name));
  const results = await runMocha(mocha, file);
  writeFileSync(file, JSON.stringify(sum(results, true)));
  const failed = results.filter((test) => test.state === 'failed').length;
  if (failed > 0) throw new Error(`${failed} failed`);
}

/** Runs, and keeps the file up to date, so that it names the test in which a host dies. */
function runMocha(mocha: Mocha, file: string): Promise<TestResult[]> {
  const results: TestResult[] = [];
  const { EVENT_TEST_BEGIN, EVENT_TEST_PASS, EVENT_TEST_FAIL, EVENT_TEST_PENDING } =
    Mocha.Runner.constants;
  return new Promise((resolve) => {
    const runner = mocha.run(() => resolve(results));
    const add = (state: TestResult['state'], test: Mocha.Runnable, error?: unknown) => {
      const durationMs = test.duration ?? 0;
      const result = { title: test.fullTitle(), state, durationMs };
      results.push(error === undefined ? result : { ...result, error: format(error) });
      writeFileSync(file, JSON.stringify(sum(results, false)));
    };
    runner.on(EVENT_TEST_BEGIN, (test) => {
      writeFileSync(file, JSON.stringify(sum(results, false, test.fullTitle())));
    });
    runner.on(EVENT_TEST_PASS, (test) => add('passed', test));
    runner.on(EVENT_TEST_PENDING, (test) => add('pending', test));
    // Failed hooks come here too, as tests of their own.
    runner.on(EVENT_TEST_FAIL, (test, error) => add('failed', test, error));
  });
}
