import os from 'node:os';
import path from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';

/** Integration tests take long and unit tests do not: begun last, these fill what the last long file leaves idle. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isUnit = (file: TestSpecification): boolean => file.moduleId.includes('/test/unit/');
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => Number(isUnit(a)) - Number(isUnit(b)));
  }
}

export default defineConfig({
  // The views of the panel are made as the extension makes them, outside of a host.
  resolve: { alias: { vscode: path.resolve(import.meta.dirname, 'test/support/panel/vscode.ts') } },
  test: {
    include: ['test/unit/**/*.test.ts', 'test/integration/**/*.test.ts'],
    // Against hangs only: on a busy machine everything takes ten times as long, and is right all the same.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Most of an integration test is waiting, so a small machine takes more files at once than it has cores.
    maxWorkers: Math.max(3, os.availableParallelism() - 1),
    sequence: { sequencer: LongFirst },
    // Nothing is announced or looked for on the network of this machine unless a test says where.
    env: { CROC_MULTICAST: 'off' },
  },
});
