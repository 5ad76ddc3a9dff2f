import { expect, it } from 'vitest';
import { partName, pooled } from '../../src/core/files/partFile.js';

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
  const draw = pooled(random);
  const names = new Set(Array.from({ length: 5000 }, () => partName(draw)));
  expect(names.size).toBe(5000);
  expect(names).toContain(`.croc-${(4999).toString(16).padStart(16, '0')}.part`);
  expect(calls()).toBe(10);
});

it('gives as many bytes as are asked for, more than a pool has, too', () => {
  const draw = pooled(counting().random);
  for (const length of [0, 1, 4090, 7, 4096, 4097, 100_000])
    expect(draw(length)).toHaveLength(length);
});
