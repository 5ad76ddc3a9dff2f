/**
 * `npm run test:e2e [-- VITEST-ARGUMENT…]`: packs the extension and walks through it in real VS Codes.
 * With `CROC_VSIX` set it takes that package instead.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { packExtension } from '../support/vscode/pack.js';
import { projectRoot, testOut } from '../support/vscode/project.js';
import { ready } from '../support/vscode/ready.js';

const results = testOut('results', 'e2e.json');
rmSync(results, { force: true });
if (ready('The walks between two VS Codes')) {
  const vitest = path.join(projectRoot, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [
    ...['run', '--config', 'test/e2e/vitest.config.mjs'],
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${results}`],
    ...process.argv.slice(2),
  ];
  const run = spawnSync(process.execPath, [vitest, ...args], {
    cwd: projectRoot,
    env: { ...process.env, CROC_VSIX: await packExtension() },
    stdio: 'inherit',
  });
  process.exitCode = run.status ?? 1;
}
