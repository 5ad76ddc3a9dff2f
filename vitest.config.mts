import path from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The views of the panel are made as the extension makes them, outside of a host.
  resolve: { alias: { vscode: path.resolve(import.meta.dirname, 'test/support/panel/vscode.ts') } },
  test: {
    include: ['test/unit/**/*.test.ts', 'test/integration/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    // Nothing is announced or looked for on the network of this machine unless a test says where.
    env: { CROC_MULTICAST: 'off' },
  },
});
