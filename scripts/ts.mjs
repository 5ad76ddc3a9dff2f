// Lets Node run the TypeScript of the tests as it stands: `node --import ./scripts/ts.mjs FILE.ts`.
// Types are taken away by esbuild; a relative import of `x.js` finds `x.ts`.
import { existsSync, readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { transformSync } from 'esbuild';

export function resolve(specifier, context, next) {
  if (/^\.\.?\/.*\.js$/.test(specifier)) {
    const typed = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
    if (existsSync(typed)) return next(typed.href, context);
  }
  return next(specifier, context);
}

export function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const sourcefile = fileURLToPath(url);
  const source = readFileSync(sourcefile, 'utf8');
  const options = { loader: 'ts', sourcefile, target: 'node20', sourcemap: 'inline' };
  return { format: 'module', source: transformSync(source, options).code, shortCircuit: true };
}

process.setSourceMapsEnabled(true);
// Newer releases of Node run such hooks in place, older ones only in a thread of their own.
if (nodeModule.registerHooks) nodeModule.registerHooks({ resolve, load });
else if (isMainThread) nodeModule.register(import.meta.url);
