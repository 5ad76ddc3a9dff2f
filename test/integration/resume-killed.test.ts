/** Killed in the middle with SIGKILL, with real processes: what was there is not sent again. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { PART_NAME } from '../../src/core/files/partials.js';
import { Cli, startRelayProcess, temporaryFolder } from '../support/cli.js';

// A machine that is busy with others may take long for what is quick.
vi.setConfig({ testTimeout: 180_000 });

const MIB = 2 ** 20;
const BYTES = 160 * MIB;
const LEEWAY = 64 * MIB;

async function begin(file: string, out: string) {
  const relay = await startRelayProcess();
  const sender = Cli.json(['send', file, '--relay', relay.url]);
  const { code } = await sender.event('code');
  const recipient = Cli.json(['receive', code, '--relay', relay.url, '--out', out, '--yes']);
  return { relay: relay.cli, sender, recipient };
}

test.each(['recipient', 'sender', 'relay'] as const)('the %s', async (victim) => {
  const file = path.join(await temporaryFolder(), 'big.bin');
  const out = path.join(await temporaryFolder(), 'out');
  await writeFile(file, randomBytes(BYTES));
  await mkdir(out);
  const first = await begin(file, out);
  const { bytes: held } = await first.recipient.when(() =>
    first.recipient.all('progress').find(({ bytes }) => bytes > 16 * MIB),
  );
  first[victim].child.kill('SIGKILL');
  await first[victim].exit;
  // Who is left waits two minutes for the other to come back; the person gives up sooner.
  for (const who of ['sender', 'recipient'] as const)
    if (who !== victim) first[who].child.kill('SIGINT');
  const [sent, received] = await Promise.all([first.sender.exit, first.recipient.exit]);
  expect(sent).not.toBe(0);
  expect(received).not.toBe(0);
  first.relay.child.kill('SIGKILL');

  const left = await readdir(out);
  expect(left.length).toBe(1);
  expect(left[0]).toMatch(PART_NAME);
  expect((await stat(path.join(out, left[0] ?? ''))).size).toBeGreaterThan(0);

  const second = await begin(file, out);
  expect([await second.sender.exit, await second.recipient.exit]).toEqual([0, 0]);
  const [done] = second.recipient.all('done');
  expect(done?.transferred).toBeLessThanOrEqual(BYTES - held + LEEWAY);
  expect(done?.transferred).toBeLessThan(BYTES);
  const last = second.recipient.all('progress').at(-1);
  expect(last).toMatchObject({ bytes: BYTES, total: BYTES });
  expect(await readdir(out)).toEqual(['big.bin']);
  expect((await readFile(path.join(out, 'big.bin'))).equals(await readFile(file))).toBe(true);
});
