/** `npm start` without an argument, as a process. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test(
  'npm start moves the sample from one process to another and compares it',
  { timeout: 60_000 },
  async () => {
    const script = path.resolve(import.meta.dirname, '../../scripts/start.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [script]);
    expect(stdout).toMatch(/^sender +code \d+-\w+-\w+-\w+$/m);
    expect(stdout).toMatch(/^recipient +receiving$/m);
    expect(stdout).toContain('100 %');
    expect(stdout).toMatch(/^compared +identical: /m);
  },
);
