import path from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The views of the panel are made as the extension makes them, outside of a host.
  resolve: { alias: { vscode: path.resolve(import.meta.dirname, '../support/panel/vscode.ts') } },
  test: {
    include: ['test/e2e/**/*.test.ts'],
    // One pair of editors at a time: a pair needs 2 GB and both cores.
    fileParallelism: false,
    pool: 'forks',
    testTimeout: 180_000,
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
  },
});
