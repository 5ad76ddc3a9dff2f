import { expect, it } from 'vitest';
import { PART_NAME } from '../../src/core/files/partials.js';
import { partName, partNames } from '../../src/core/files/partFile.js';

/** Counts bytes: no two draws overlap as long as it is asked for fresh ones. */
function counting(): { random: (length: number) => Uint8Array; calls: () => number } {
  let [next, calls] = [0, 0];
  const random = (length: number): Uint8Array => {
    calls += 1;
    const bytes = Buffer.alloc(length);
    for (let at = 0; at + 8 <= length; at += 8) bytes.writeBigUInt64BE(BigInt(next++), at);
    return bytes;
  };
  return { random, calls: () => calls };
}

it('draws names from a pool, none of them twice', () => {
  const { random, calls } = counting();
  const newName = partNames(random);
  const names = new Set(Array.from({ length: 5000 }, newName));
  expect(names.size).toBe(5000);
  expect(names).toContain(`.croc-${(4999).toString(16).padStart(16, '0')}.part`);
  expect(calls()).toBe(10);
});

it('gives names of one form, whether one or many are asked for', () => {
  const { random } = counting();
  expect([partName(random), partNames(random)()]).toEqual([
    `.croc-${'0'.repeat(16)}.part`,
    `.croc-${'1'.padStart(16, '0')}.part`,
  ]);
  expect(partNames(random)()).toMatch(PART_NAME);
});
