import { expect, it } from 'vitest';
import { Patience } from '../../src/core/files/patience.js';

/** Holds the thread, as a slow disk does. */
function stall(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

it('lets calls block until one was slow, and gives what they give', () => {
  const disk = new Patience();
  expect(disk.mayBlock).toBe(true);
  expect(disk.block(() => 'read')).toBe('read');
  disk.block(() => stall(20));
  expect(disk.mayBlock).toBe(false);
});

it('counts a slow call that failed, too', () => {
  const disk = new Patience();
  const fail = (): never => {
    stall(20);
    throw new Error('no space');
  };
  expect(() => disk.block(fail)).toThrow('no space');
  expect(disk.mayBlock).toBe(false);
});

it('tries again after a while', async () => {
  const disk = new Patience();
  disk.block(() => stall(20));
  await expect.poll(() => disk.mayBlock, { timeout: 10_000 }).toBe(true);
});

it('blocks for flushes only where there is next to nothing to do', async () => {
  const disk = Patience.forFlushes();
  disk.block(() => stall(2));
  expect(disk.mayBlock).toBe(false);
  await expect.poll(() => disk.mayBlock, { timeout: 10_000 }).toBe(true);
});
