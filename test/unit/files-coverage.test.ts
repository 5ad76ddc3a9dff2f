import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Coverage, MAX_PIECES } from '../../src/core/files/coverage.js';

/** The pieces of a bitmap, the slow and obvious way. */
function piecesOf(bits: readonly boolean[]): { offset: number; length: number }[] {
  const pieces: { offset: number; length: number }[] = [];
  let length = 0;
  for (const [at, bit] of [...bits, false].entries()) {
    if (bit) length++;
    else if (length > 0) {
      pieces.push({ offset: at - length, length });
      length = 0;
    }
  }
  return pieces;
}

describe('Coverage', () => {
  it('agrees with a bitmap', () => {
    const adds = fc.array(
      fc.tuple(fc.integer({ min: -2, max: 45 }), fc.integer({ min: -1, max: 12 })),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), adds, (size, pieces) => {
        const coverage = new Coverage(size);
        const bits = Array.from({ length: size }, () => false);
        for (const [offset, length] of pieces) {
          const inside = offset >= 0 && length >= 1 && offset + length <= size;
          const free = inside && !bits.slice(offset, offset + length).includes(true);
          if (free) {
            coverage.add(offset, length);
            bits.fill(true, offset, offset + length);
          } else {
            expect(() => coverage.add(offset, length)).toThrow(
              expect.objectContaining({ code: 'protocol_error' }),
            );
          }
          expect(coverage.pieces()).toEqual(piecesOf(bits));
          expect(coverage.bytes).toBe(bits.filter(Boolean).length);
          expect(coverage.complete).toBe(!bits.includes(false));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('is complete at once when there is nothing to cover', () => {
    expect(new Coverage(0).complete).toBe(true);
    expect(() => new Coverage(0).add(0, 0)).toThrow();
  });

  it.each([
    [0.5, 1],
    [0, 1.5],
    [NaN, 1],
    [0, Infinity],
    [2 ** 53, 1],
    [2 ** 53 - 2, 2 ** 53 - 1],
  ])('refuses a piece at %d of %d bytes', (offset, length) => {
    expect(() => new Coverage(2 ** 53 - 1).add(offset, length)).toThrow();
  });

  it('bounds the number of pieces, and takes more once gaps close', () => {
    const coverage = new Coverage(MAX_PIECES * 2 + 10);
    for (let i = 0; i < MAX_PIECES; i++) coverage.add(i * 2, 1);
    expect(() => coverage.add(MAX_PIECES * 2 + 5, 1)).toThrow(
      expect.objectContaining({ code: 'protocol_error' }),
    );
    expect(coverage.bytes).toBe(MAX_PIECES);
    coverage.add(1, 1);
    coverage.add(MAX_PIECES * 2 + 5, 1);
    expect(coverage.pieces()[0]).toEqual({ offset: 0, length: 3 });
  });
});
