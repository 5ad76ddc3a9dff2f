import { describe, expect, it } from 'vitest';
import { answerExchange, startExchange } from '../../src/core/pake/channel.js';
import { channelIdentity } from '../../src/core/pake/channel.js';
import { curveNamed } from '../../src/core/pake/curves.js';
import type { Curve } from '../../src/core/pake/curves.js';
import { beginExchange, scalarOf } from '../../src/core/pake/exchange.js';
import type { Agreement } from '../../src/core/pake/exchange.js';
import { boundSessionKey, plainSessionKey } from '../../src/core/pake/keys.js';
import { bigEndian, checkedPoint, minimalBytes } from '../../src/core/pake/points.js';
import { CURVE_NAMES } from '../../src/core/types.js';
import { readPakeVectors } from '../vectors/pake.js';
import type { PakeVector } from '../vectors/pake.js';

const file = readPakeVectors();
const vectorsOf = (name: string): PakeVector[] => file.vectors.filter((v) => v.curve === name);

function expectKeys(vector: PakeVector, agreement: Agreement): void {
  expect(agreement.Z).toEqual(vector.z);
  const plain = plainSessionKey(vector.pw, agreement);
  const bound = boundSessionKey(vector.pw, vector.idA, vector.idB, agreement);
  expect(Buffer.from(plain)).toEqual(vector.plainKey);
  expect(Buffer.from(bound)).toEqual(vector.boundKey);
}

describe('vectors of the Go module', () => {
  it('says who made them and how', () => {
    expect(file.madeBy).toBe('github.com/schollz/pake/v3 v3.2.0');
    expect(file.howToMakeItAgain).toContain('go run');
  });

  it.each(CURVE_NAMES)('has the cases that matter on %s', (name) => {
    const { n, fieldBytes } = curveNamed(name);
    const vectors = vectorsOf(name);
    const has = (wanted: (vector: PakeVector) => boolean) => vectors.some(wanted);
    const short = (value: bigint) => minimalBytes(value).length < fieldBytes;
    expect(has((v) => bigEndian(v.pw) > n)).toBe(true);
    expect(has((v) => v.pw.length > fieldBytes)).toBe(true);
    expect(has((v) => v.pw.length === 0)).toBe(true);
    expect(has((v) => bigEndian(v.pw) === n)).toBe(true);
    for (const which of ['x', 'y', 'z'] as const) {
      expect(has((v) => short(v[which].x) || short(v[which].y))).toBe(true);
    }
    if (n < 1n << 256n) expect(has((v) => bigEndian(v.alpha) >= n)).toBe(true);
  });

  for (const vector of file.vectors) {
    const curve: Curve = curveNamed(vector.curve);

    it(`${vector.curve}, ${vector.case}: as A`, () => {
      const a = beginExchange(curve, 'A', vector.pw, scalarOf(curve, vector.alpha));
      expect(a.own.toAffine()).toEqual(vector.x);
      expectKeys(vector, a.agree(checkedPoint(curve, vector.y, 'y')));
    });

    it(`${vector.curve}, ${vector.case}: as B`, () => {
      const b = beginExchange(curve, 'B', vector.pw, scalarOf(curve, vector.beta));
      expect(b.own.toAffine()).toEqual(vector.y);
      expectKeys(vector, b.agree(checkedPoint(curve, vector.x, 'x')));
    });
  }

  it.each(CURVE_NAMES)('the channel protocol gives the bound key on %s', (name) => {
    const vector = vectorsOf(name).find((v) => v.case === 'three words');
    if (vector === undefined) throw new Error('no such vector');
    expect(vector.idA).toEqual(channelIdentity('417', 'sender'));
    expect(vector.idB).toEqual(channelIdentity('417', 'recipient'));
    const curve = curveNamed(name);
    const fixed = (secret: Uint8Array) => (length: number) =>
      Buffer.from(
        scalarOf(curve, secret)
          .toString(16)
          .padStart(2 * length, '0'),
        'hex',
      );
    const shared = { curve: name, channel: '417', secret: Buffer.from(vector.pw).toString() };
    const sender = startExchange(shared, fixed(vector.alpha));
    const recipient = answerExchange(shared, sender.x, fixed(vector.beta));
    expect(Buffer.from(recipient.key)).toEqual(vector.boundKey);
    expect(Buffer.from(sender.finish(recipient.y))).toEqual(vector.boundKey);
  });

  it.each(CURVE_NAMES)("the module's own messages carry our points on %s", (name) => {
    const vector = vectorsOf(name).find((v) => v.messageA !== undefined);
    expect(vector?.messageA).toContain(`"Xᵤ":${vector?.x.x},"Xᵥ":${vector?.x.y},"Yᵤ":null`);
    expect(vector?.messageB).toContain(`"Yᵤ":${vector?.y.x},"Yᵥ":${vector?.y.y},"P":null`);
    const { U, V } = curveNamed(name);
    expect(vector?.messageA).toContain(`"Uᵤ":${U.x},"Uᵥ":${U.y},"Vᵤ":${V.x},"Vᵥ":${V.y}`);
  });
});
