/** In a process of its own, for V8's settings are those of the whole process. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const v8 = Number.parseInt(process.versions.v8, 10);
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
  return (await run(code, '--allow-natives-syntax')) === 'true';
}

/** How often a thread that holds on to some MiB of objects looked through all of them. */
async function fullCollections(mebibytes: number, prepare: string): Promise<number> {
  const code = `
    import { once } from 'node:events';
    import { Worker } from 'node:worker_threads';
    import { optimizeLater } from ${JSON.stringify(url('src/cli/optimizing.ts'))};
    ${prepare}
    const thread = new Worker(\`
      const { PerformanceObserver } = require('node:perf_hooks');
      const { parentPort } = require('node:worker_threads');
      let full = 0;
      const major = require('node:perf_hooks').constants.NODE_PERFORMANCE_GC_MAJOR;
      new PerformanceObserver((list) => {
        for (const { detail } of list.getEntries()) if (detail.kind === major) full += 1;
      }).observe({ entryTypes: ['gc'] });
      const held = [];
      const grow = () => {
        for (let one = 0; one < 1000; one++) held.push({ path: 'd/' + held.length, size: one });
        if (process.memoryUsage().heapUsed < ${mebibytes} * 2 ** 20) setImmediate(grow);
        else setTimeout(() => parentPort.postMessage(full), 100);
      };
      grow();
    \`, { eval: true, execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: 8 } });
    const [full] = await once(thread, 'message');
    console.log(full);
    process.exit();`;
  return Number(await run(code));
}

async function run(code: string, ...more: string[]): Promise<string> {
  const flags = [...more, '--import', url('scripts/ts.mjs'), '--input-type=module'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '-e', code]);
  return stdout.trim();
}

// The settings are for the V8 of Node 20 only.
it.runIf(v8 === 11)(
  'puts off what V8 would optimize, until data has flowed for a second',
  async () => {
    const later = 'optimizeLater();';
    const pause = 'await new Promise((resolve) => setTimeout(resolve, 1100));';
    expect(
      await Promise.all(['', later, `${later} optimizeSoon(); ${pause}`].map(isOptimized)),
    ).toEqual([true, false, true]);
  },
);

it.runIf(v8 === 11)('puts off what V8 would look through for garbage, not for ever', async () => {
  const later = 'optimizeLater();';
  expect(await fullCollections(26, '')).toBeGreaterThan(0);
  expect(await fullCollections(26, later)).toBe(0);
  expect(await fullCollections(80, later)).toBeGreaterThan(0);
});

it('leaves a V8 alone that does not have these settings: it would complain to the person', async () => {
  const newer = `Object.defineProperty(process.versions, 'v8', { value: '99.1.2' }); optimizeLater();`;
  expect(await Promise.all([isOptimized(newer), fullCollections(26, newer)])).toEqual([
    true,
    expect.toSatisfy((count: number) => count > 0),
  ]);
});
