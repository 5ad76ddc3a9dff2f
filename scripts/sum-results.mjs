// Sums up the suites of a run: `sum-results.mjs FOLDER "SUITE…" "STEP-THAT-FAILED…"`. Every suite has
// FOLDER/SUITE.json with the sums of vitest's JSON report; what failed in it is told once more, so that the
// end of a long log says it. The last line is `N passed, N failed`.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const [folder, suiteWords, badWords] = process.argv.slice(2);
const words = (text) => text.split(' ').filter((word) => word !== '');
const bad = new Set(words(badWords));
let [passed, failed] = [0, 0];
const MESSAGE_LINES = 12;

for (const suite of words(suiteWords)) {
  const counts = countsOf(path.join(folder, `${suite}.json`));
  // A step can fail beside its tests: a file that does not load, an unhandled rejection, a time limit.
  const beside = (bad.has(suite) || counts.passed === 0) && counts.failed === 0 ? 1 : 0;
  const note = counts.passed + counts.failed === 0 ? ' (it reported no test)' : '';
  for (const failure of counts.failures) console.log(failure);
  console.log(`${suite}: ${counts.passed} passed, ${counts.failed + beside} failed${note}`);
  passed += counts.passed;
  failed += counts.failed + beside;
  bad.delete(suite);
}
for (const step of bad) console.log(`${step}: failed`);
failed += bad.size;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function countsOf(file) {
  const none = { passed: 0, failed: 0, failures: [] };
  if (!existsSync(file)) return none;
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const { numPassedTests: passed, numFailedTests: failed } = report;
  if (![passed, failed].every(Number.isInteger)) return none;
  return { passed, failed, failures: (report.testResults ?? []).flatMap(failuresOf) };
}

function failuresOf({ name, message, assertionResults = [] }) {
  const tests = assertionResults.filter(({ status }) => status === 'failed');
  const shown = tests.map(({ fullName, failureMessages }) => [
    fullName,
    failureMessages?.join('\n') ?? '',
  ]);
  if (message) shown.unshift(['the file itself', message]);
  return shown.map(([title, text]) => {
    const lines = text.split('\n').slice(0, MESSAGE_LINES);
    return [`FAILED ${name}: ${title}`, ...lines.map((line) => `    ${line}`)].join('\n');
  });
}
