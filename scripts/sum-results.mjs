// Sums up the suites of a run: `sum-results.mjs FOLDER "SUITE…" "STEP-THAT-FAILED…"`. Every suite has
// FOLDER/SUITE.json with the sums of vitest's JSON report. The last line is `N passed, N failed`.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const [folder, suiteWords, badWords] = process.argv.slice(2);
const words = (text) => text.split(' ').filter((word) => word !== '');
const bad = new Set(words(badWords));
let [passed, failed] = [0, 0];

for (const suite of words(suiteWords)) {
  const counts = countsOf(path.join(folder, `${suite}.json`));
  // A step can fail beside its tests: a file that does not load, an unhandled rejection, a time limit.
  const beside = (bad.has(suite) || counts.passed === 0) && counts.failed === 0 ? 1 : 0;
  const note = counts.passed + counts.failed === 0 ? ' (it reported no test)' : '';
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
  const none = { passed: 0, failed: 0 };
  if (!existsSync(file)) return none;
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const { numPassedTests, numFailedTests } = report;
  const counts = [numPassedTests, numFailedTests];
  return counts.every(Number.isInteger) ? { passed: counts[0], failed: counts[1] } : none;
}
