/** In a process of its own, for V8's settings are those of the whole process. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const url = (file: string): string => pathToFileURL(path.join(root, file)).href;

/** Whether a function is optimized that has run some hundred thousand bytes of bytecode. */
async function isOptimized(prepare: string): Promise<boolean> {
  const code = `
    import { optimizeLater, optimizeSoon } from ${JSON.stringify(url('src/cli/optimizing.ts'))};
    ${prepare}
    const hot = new Function('x', 'let s = 0; for (let i = 0; i < 100; i++) s += x ^ i; return s;');
    const status = new Function('f', 'return %GetOptimizationStatus(f);');
    for (let run = 0; run < 150; run++) hot(run);
    await new Promise((resolve) => setTimeout(resolve, 200));
    hot(1);
    console.log((status(hot) & 16) !== 0);`;
  const flags = [
    '--allow-natives-syntax',
    '--import',
    url('scripts/ts.mjs'),
    '--input-type=module',
  ];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '-e', code]);
  return stdout.trim() === 'true';
}

it('puts off what V8 would optimize, until data has flowed for a second', async () => {
  const later = 'optimizeLater();';
  const pause = 'await new Promise((resolve) => setTimeout(resolve, 1100));';
  expect(
    await Promise.all(['', later, `${later} optimizeSoon(); ${pause}`].map(isOptimized)),
  ).toEqual([true, false, true]);
});
