/** The key exchange from the document alone gives the points and keys that croc's Go module gave. */
import { describe, expect, test } from 'vitest';
import { CURVES, isOnCurve, mod, multiply } from '../interop/independent/curves.js';
import {
  identities,
  parseCode,
  recipientKey,
  senderKey,
  senderPoint,
} from '../interop/independent/pake.js';
import { readPakeVectors } from '../vectors/pake.js';

const { vectors } = readPakeVectors();
const scalar = (bytes: Uint8Array, n: bigint): bigint =>
  mod(BigInt(`0x${Buffer.from(bytes).toString('hex')}`), n);

describe.each(CURVES.map((curve) => ({ ...curve })))('$name', (curve) => {
  test('its points are on it and G has the order n', () => {
    const { g, u, v, n } = curve;
    expect([g, u, v].map((point) => isOnCurve(curve, point))).toEqual([true, true, true]);
    expect(multiply(curve, n, g)).toBeUndefined();
    expect(multiply(curve, n - 1n, g)?.x).toBe(g?.x);
  });

  const own = vectors.filter((vector) => vector.curve === curve.name);
  test('there are vectors', () => {
    expect(own.length).toBeGreaterThanOrEqual(2);
  });

  test.each(own)('$case', ({ pw, idA, idB, alpha, beta, x, y, boundKey }) => {
    const setting = { curve: curve.name, pw, ids: [idA, idB] } as const;
    const secret = scalar(alpha, curve.n);
    const sent = senderPoint(setting, secret);
    const { y: answered, k } = recipientKey(setting, scalar(beta, curve.n), sent);
    const wire = (point: { x: bigint; y: bigint }): string =>
      `04${[point.x, point.y].map((c) => c.toString(16).padStart(2 * curve.width, '0')).join('')}`;
    expect(sent.toString('hex')).toBe(wire(x));
    expect(answered.toString('hex')).toBe(wire(y));
    expect(k.toString('hex')).toBe(Buffer.from(boundKey).toString('hex'));
    expect(senderKey(setting, secret, sent, answered).equals(k)).toBe(true);
  });
});

test('the identities of the vectors are those of channel 417', () => {
  const [first] = vectors;
  expect(identities('417').map((id) => id.toString('hex'))).toEqual(
    [first?.idA, first?.idB].map((id) => Buffer.from(id ?? []).toString('hex')),
  );
});

test('typed codes are normalised as the document says', () => {
  const { channel, pw } = parseCode('  417 - Lunar\u00a0 ACORN  -Quilt\n');
  expect([channel, pw.toString()]).toEqual(['417', 'lunar-acorn-quilt']);
  expect(parseCode('417-e\u0301te\u0301-\u00c9').pw.toString()).toBe('\u00e9t\u00e9-\u00e9');
});
