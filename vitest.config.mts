import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/unit/**/*.test.ts', 'test/integration/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    // Nothing is announced or looked for on the network of this machine unless a test says where.
    env: { CROC_MULTICAST: 'off' },
  },
});
