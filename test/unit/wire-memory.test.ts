import { expect, it } from 'vitest';
import { release } from '../../src/core/wire/memory.js';

it('empties a large buffer that has its memory for itself', () => {
  const bytes = Buffer.from(new Uint8Array(64 * 1024).fill(7).buffer);
  const part = bytes.subarray(10, 20);
  release(bytes);
  expect([bytes.length, part.length]).toEqual([0, 0]);
});

it('leaves alone what is small, a part, or shared', () => {
  const small = Buffer.alloc(1024, 7);
  const large = Buffer.alloc(64 * 1024, 7);
  const shared = Buffer.from(new SharedArrayBuffer(64 * 1024));
  for (const bytes of [small, large.subarray(1), shared]) release(bytes);
  expect([small.length, large.length, shared.length]).toEqual([1024, 64 * 1024, 64 * 1024]);
});

it('keeps memory constant while one buffer after another is released', () => {
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for (let round = 0; round < 200; round += 1) {
    release(Buffer.from(new ArrayBuffer(2 ** 20)));
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  expect(most).toBeLessThan(16 * 2 ** 20);
});
