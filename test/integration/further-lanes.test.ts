/** Lanes that are added in the middle, and when they are not: each party sees by connecting whether the way is full. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Role } from '../../src/core/types.js';
import { temporaryFolder } from '../support/croc.js';
import { run, walked } from '../support/dataPlane.js';
import { FakeNetwork } from '../support/fakeNetwork.js';
import { compareTrees } from '../support/tree.js';

/** Slow enough for a look in the middle. */
const FINE = { cut: 0, hole: 0, refuse: 0, tamper: 0, slow: 1, troubles: 0 };
const LANES = 2;
/** Far more than connecting takes on a busy machine. */
const FULL_MS = 2000;

test.each([
  ['are added while connecting takes no longer than at first', [], 6],
  ['are not proposed by a sender that takes longer to connect', ['sender'], LANES],
  ['are not accepted by a recipient that takes longer to connect', ['recipient'], LANES],
] as const)('further lanes %s', { timeout: 20_000 }, async (_, behindQueue, expected) => {
  const from = path.join(await temporaryFolder(), 'd');
  await writeFile(from, randomBytes(3 << 20));
  const network = new FakeNetwork(() => 0.6, FINE);
  const full: readonly Role[] = behindQueue;
  const first = (): boolean => network.dials <= 2 * LANES;
  network.connectMs = (role) => (full.includes(role) && !first() ? FULL_MS : 0);
  const to = await temporaryFolder();
  const ending = await run({ network, lanes: LANES, what: await walked([from]), to, widen: 6 });
  expect(ending).toMatchObject({ sender: 'whole', recipient: 'whole', lanes: expected });
  expect(await compareTrees(path.dirname(from), to)).toEqual([]);
});
