import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/core/edges.js';
import { curveNamed } from '../../src/core/pake/curves.js';
import { randomScalar } from '../../src/core/pake/exchange.js';
import { multiply } from '../../src/core/pake/multiply.js';
import { CURVE_NAMES } from '../../src/core/types.js';

/** The library's own multiplication, another implementation of the same. */
describe.each(CURVE_NAMES)('multiplying points of %s', (name) => {
  const curve = curveNamed(name);
  const { n, Point, U, V } = curve;
  const random = () => randomScalar(curve, systemRandom);

  it('gives what the library gives, for every point and scalar', () => {
    const points = [Point.BASE, U, V, Point.BASE.multiply(random())];
    for (const point of points)
      for (const scalar of [random(), random(), 2n ** 127n])
        expect(multiply(curve, point, scalar).equals(point.multiply(scalar))).toBe(true);
  });

  it('takes the scalars at both ends', () => {
    for (const point of [Point.BASE, U]) {
      expect(multiply(curve, point, 0n).is0()).toBe(true);
      expect(multiply(curve, point, 1n).equals(point)).toBe(true);
      expect(multiply(curve, point, 2n).equals(point.double())).toBe(true);
      expect(multiply(curve, point, n - 2n).equals(point.double().negate())).toBe(true);
      expect(multiply(curve, point, n - 1n).equals(point.negate())).toBe(true);
    }
  });
});
