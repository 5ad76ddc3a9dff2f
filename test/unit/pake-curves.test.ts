import { p256, p384, p521 } from '@noble/curves/nist.js';
import { describe, expect, it } from 'vitest';
import { curveNamed, isCurveName } from '../../src/core/pake/curves.js';
import { CURVE_NAMES } from '../../src/core/types.js';

describe('curves of the key exchange', () => {
  it.each([
    ['p256', p256],
    ['p384', p384],
    ['p521', p521],
  ] as const)('%s has the parameters that the library has', (name, known) => {
    expect(curveNamed(name).Point.CURVE()).toEqual(known.Point.CURVE());
  });

  it('siec has the norms of its π as field and order', () => {
    // π = x + (1 − √−3)/2 has the norm x² + x + 1, and π − 1 has x² − x + 1.
    const x = 2n ** 127n + 2n ** 25n + 2n ** 12n + 2n ** 6n;
    const { p, n } = curveNamed('siec').Point.CURVE();
    expect(p).toBe(x * x + x + 1n);
    expect(n).toBe(x * x - x + 1n);
  });

  it.each(CURVE_NAMES)('%s: G, U and V are on the curve and of order n', (name) => {
    const { Point, U, V, n } = curveNamed(name);
    for (const point of [Point.BASE, U, V]) {
      expect(() => {
        point.assertValidity();
      }).not.toThrow();
      expect(point.multiply(n - 1n).equals(point.negate())).toBe(true);
    }
  });

  it.each([
    ['p256', 32, 65],
    ['p384', 48, 97],
    ['p521', 66, 133],
    ['siec', 32, 65],
  ] as const)('%s has coordinates of %i and points of %i bytes', (name, field, point) => {
    const curve = curveNamed(name);
    expect([curve.fieldBytes, curve.pointBytes]).toEqual([field, point]);
  });

  it.each(['p224', 'P256', '', 'ed25519', 'toString', '__proto__'])('does not know %j', (name) => {
    expect(isCurveName(name)).toBe(false);
    expect(() => curveNamed(name)).toThrow(
      expect.objectContaining({ code: 'unsupported_curve', detail: name }),
    );
  });

  it('does not repeat a long name of a peer', () => {
    expect(() => curveNamed('x'.repeat(10_000))).toThrow(
      expect.objectContaining({ code: 'unsupported_curve', detail: 'x'.repeat(32) }),
    );
  });
});
