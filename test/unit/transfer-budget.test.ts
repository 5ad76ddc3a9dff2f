import { expect, it } from 'vitest';
import { Budget, lowerLimit } from '../../src/core/transfer/budget.js';
import { MAX_PAYLOAD_BYTES } from '../../src/core/wire/limits.js';

it('spaces bytes evenly, whoever asks', () => {
  const budget = new Budget(1000, () => 0);
  expect([100, 100, 50, 100].map((bytes) => budget.take(bytes))).toEqual([0, 100, 200, 250]);
});

it('does not make up for time that was not used', () => {
  let nowMs = 0;
  const budget = new Budget(1000, () => nowMs);
  budget.take(100);
  nowMs = 60_000;
  expect([budget.take(500), budget.take(1)]).toEqual([0, 500]);
});

it.each([
  [1, 4096],
  [1_600_000, 100_000],
  [1e12, MAX_PAYLOAD_BYTES],
])('at %i bytes a second a piece has %i bytes', (rate, pieceBytes) => {
  expect(new Budget(rate).pieceBytes).toBe(pieceBytes);
});

it('knows the lower limit', () => {
  expect([lowerLimit(1, 2), lowerLimit(undefined, 2), lowerLimit(3, undefined)]).toEqual([1, 2, 3]);
  expect(lowerLimit(undefined, undefined)).toBeUndefined();
});
