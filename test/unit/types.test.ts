import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');

/** Every module that a declaration file and those it needs import. */
function importsFrom(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return new Set();
  seen.add(file);
  const found = new Set<string>();
  for (const [, module = ''] of readFileSync(file, 'utf8').matchAll(
    /(?:from|import\() ?'([^']+)'/g,
  )) {
    if (!module.startsWith('.')) found.add(module);
    else {
      const next = path.join(path.dirname(file), module.replace(/\.js$/, '.d.ts'));
      for (const one of importsFrom(next, seen)) found.add(one);
    }
  }
  return found;
}

describe('the published types', () => {
  it('need nothing but Node', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'croc-types-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
    const project = path.join(root, 'src/core/tsconfig.json');
    execFileSync(process.execPath, [
      ...[tsc, '-p', project, '--emitDeclarationOnly', '--outDir', folder],
    ]);
    const imports = [...importsFrom(path.join(folder, 'index.d.ts'))];
    expect(imports.filter((module) => !module.startsWith('node:'))).toEqual([]);
    expect(imports).toContain('node:events');
  });
});
