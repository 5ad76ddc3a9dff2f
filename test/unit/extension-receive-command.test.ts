/** The line for somebody without VS Code, with codes that people thought of themselves. */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { crocCommand, receiveCommand } from '../../src/extension/commands/receiveCommand.js';

const RELAY = 'http://192.0.2.1:8003';

it('brings the secret through a shell as it is, whatever is in it', { timeout: 60_000 }, () => {
  const secrets = fc
    .string({ minLength: 4, maxLength: 40 })
    .map((text) => text.replace(/\0/g, '-'));
  const examples: [string][] = [["it's-mine"], ["a'; exit 3; '"], ['$(exit 3)'], ['`exit 3`\\']];
  fc.assert(
    fc.property(secrets, (secret) => {
      const own = receiveCommand(`42-${secret}`, RELAY, 'posix');
      const crocs = crocCommand(secret, 'croc://192.0.2.1:9009', 'posix');
      for (const [line, program] of [
        [own, `croc-share receive 42 --relay ${RELAY}`],
        [crocs, 'croc --relay 192.0.2.1:9009'],
      ] as const) {
        expect(line.endsWith(` ${program}`)).toBe(true);
        const instead = `${line.slice(0, -program.length)}printenv CROC_SECRET`;
        const told = execFileSync('sh', ['-c', instead], { encoding: 'utf8' });
        expect(told).toBe(`${secret}\n`);
      }
    }),
    { numRuns: 30, examples },
  );
});

it('doubles what PowerShell takes for a quote', () => {
  const line = receiveCommand("42-it's ‘mine’", RELAY, 'powershell');
  expect(line).toBe(`$env:CROC_SECRET='it''s ‘‘mine’’'; croc-share receive 42 --relay ${RELAY}`);
});
