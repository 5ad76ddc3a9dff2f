import { describe, expect, it } from 'vitest';
import { Growth } from '../../src/core/transfer/growth.js';
import type { Sight } from '../../src/core/transfer/growth.js';

/** Looks once a second at a link on which everything is as the model says. @returns the lanes after each look */
function looks(
  seconds: number,
  most: number,
  bytesPerSecond: (lanes: number) => number,
  sight: Partial<Sight> = {},
): number[] {
  const growth = new Growth(4, most, 0);
  let lanes = 4;
  let arrivedBytes = 0;
  return Array.from({ length: seconds }, (_, second) => {
    arrivedBytes += bytesPerSecond(lanes);
    const base = { leftBytes: 1e12, quickestMs: 100, limited: true, ...sight };
    if (!growth.over)
      lanes = growth.look({ nowMs: 1000 * (second + 1), arrivedBytes, ...base }) ?? lanes;
    return lanes;
  });
}

describe('lanes', () => {
  it('double while the link holds us up, up to the most there may be', () => {
    expect(looks(7, 16, (lanes) => lanes * 100)).toEqual([4, 8, 8, 16, 16, 16, 16]);
    expect(looks(7, 6, (lanes) => lanes * 100)).toEqual([4, 6, 6, 6, 6, 6, 6]);
  });

  it('are asked for less and less often where the link is full', () => {
    const growth = new Growth(4, 16, 0);
    const asked = Array.from({ length: 200 }, (_, second) => second + 1).filter((second) => {
      const full = { arrivedBytes: second * 1000, leftBytes: 1e12, quickestMs: 100, limited: true };
      const count = growth.look({ nowMs: 1000 * second, ...full });
      expect(count === undefined || count === 8).toBe(true);
      if (count !== undefined) growth.putOff();
      return count !== undefined;
    });
    expect(asked).toEqual([2, 6, 13, 26, 51, 100, 149, 198]);
    expect(growth.over).toBe(false);
  });

  it('wait until the link has found its speed by itself', () => {
    let rate = 10;
    expect(looks(5, 16, () => (rate *= 2))).toEqual([4, 4, 4, 4, 4]);
  });

  it.each([
    ['the recipient is near', { quickestMs: 5 }],
    ['the link does not hold us up', { limited: false }],
    ['it is over soon', { leftBytes: 1500 }],
  ])('stay as they are when %s', (_, sight) => {
    expect(looks(5, 16, (lanes) => lanes * 100, sight)).toEqual([4, 4, 4, 4, 4]);
  });

  it('stay as they are when nothing arrives', () => {
    expect(looks(5, 16, () => 0)).toEqual([4, 4, 4, 4, 4]);
  });
});
