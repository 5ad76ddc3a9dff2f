import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { codeOf, temporaryFolder, testCroc, testRelay } from '../support/croc.js';

const LIMIT = 400_000;
const BYTES = 800_000;

it.each([
  ['the sender', LIMIT, undefined],
  ['the recipient', undefined, LIMIT],
  ['both, the lower one counts', 100 * LIMIT, LIMIT],
])('%s sets a limit: it is kept to, without bursts', async (_who, sending, receiving) => {
  const [from, to] = [await temporaryFolder(), await temporaryFolder()];
  const content = randomBytes(BYTES);
  await writeFile(path.join(from, 'file'), content);
  const croc = testCroc(await testRelay());
  const send = await croc.send(
    [path.join(from, 'file')],
    sending === undefined ? {} : { limit: sending },
  );
  const offer = await croc.receive(send.code);
  const receive = offer.accept({ to, ...(receiving === undefined ? {} : { limit: receiving }) });
  const steps: number[] = [];
  receive.on('progress', ({ transferred }) => steps.push(transferred));
  const startedMs = performance.now();
  await Promise.all([send.done, receive.done]);
  const seconds = (performance.now() - startedMs) / 1000;
  expect(await readFile(path.join(to, 'file'))).toEqual(content);
  // The last piece goes when its turn begins; a slow machine makes it only longer.
  expect(seconds).toBeGreaterThan((BYTES / LIMIT) * 0.8);
  expect(steps.length).toBeGreaterThan(4);
});

it('refuses a limit that is none', async () => {
  const croc = testCroc(await testRelay());
  for (const limit of [0, -5, 0.5, Number.NaN, Infinity])
    expect(await codeOf(croc.send([import.meta.filename], { limit }))).toBe('usage');
});
