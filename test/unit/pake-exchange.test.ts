import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RandomBytes } from '../../src/core/edges.js';
import { systemRandom } from '../../src/core/edges.js';
import {
  answerExchange,
  confirmations,
  sameBytes,
  startExchange,
  transcriptHash,
} from '../../src/core/pake/channel.js';
import { curveNamed } from '../../src/core/pake/curves.js';
import type { Curve } from '../../src/core/pake/curves.js';
import { beginExchange, randomScalar, scalarOf } from '../../src/core/pake/exchange.js';
import { frame, plainSessionKey } from '../../src/core/pake/keys.js';
import {
  bigEndian,
  checkedPoint,
  decodePoint,
  encodePoint,
  minimalBytes,
} from '../../src/core/pake/points.js';
import { CURVE_NAMES } from '../../src/core/types.js';
import type { CurveName } from '../../src/core/types.js';

const PW = Buffer.from('dozen-lunar-quilt');

/** Gives the listed bytes, one entry a draw, and throws when they are used up. */
function scripted(...draws: readonly Uint8Array[]): RandomBytes {
  const left = [...draws];
  return (length) => {
    const next = left.shift();
    if (next === undefined) throw new Error('the script is exhausted');
    expect(next.length).toBe(length);
    return next;
  };
}

const bytesOf = (value: bigint, length: number): Buffer =>
  Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex');
const sec1 = (curve: Curve, x: bigint, y: bigint, head = 4): Buffer =>
  Buffer.concat([Buffer.of(head), bytesOf(x, curve.fieldBytes), bytesOf(y, curve.fieldBytes)]);
const failed = (detail: string) =>
  expect.objectContaining({ name: 'CrocError', code: 'key_exchange_failed', detail }) as Error;
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
/** The point with the smallest x there is: its x + p still fits the bytes of a coordinate. */
function smallestPoint(curve: Curve, from = 0n): { x: bigint; y: bigint } {
  const { Fp } = curve.Point;
  const { a, b } = curve.Point.CURVE();
  try {
    return { x: from, y: Fp.sqrt(Fp.create(from ** 3n + a * from + b)) };
  } catch {
    return smallestPoint(curve, from + 1n);
  }
}
const pair = (curve: CurveName, channel = '417', secret = 'dozen-lunar-quilt') => {
  const shared = { curve, channel, secret };
  return { shared, sender: startExchange(shared, systemRandom) };
};

describe.each(CURVE_NAMES)('a received point on %s', (name) => {
  const curve = curveNamed(name);
  const { p } = curve.Point.CURVE();
  const good = curve.Point.BASE.multiply(7n);
  const { x, y } = good.toAffine();
  const bytes = sec1(curve, x, y);

  it('is taken when it is one, and encoded the same', () => {
    expect(decodePoint(curve, bytes, 'x').equals(good)).toBe(true);
    expect(Buffer.from(encodePoint(good))).toEqual(bytes);
  });

  const notAPoint = `x is not a point of ${name}`;
  const short = (n: number) => `x has ${n} bytes instead of ${curve.pointBytes}`;
  it.each([
    ['off the curve', sec1(curve, x, y === 1n ? 2n : y - 1n), notAPoint],
    ['the identity as zeros', sec1(curve, 0n, 0n), notAPoint],
    ['with y = 0', sec1(curve, x, 0n), notAPoint],
    ['the identity in its one byte', Buffer.of(0), short(1)],
    ['empty', Buffer.alloc(0), short(0)],
    ['one byte short', bytes.subarray(0, -1), short(curve.pointBytes - 1)],
    ['one byte long', Buffer.concat([bytes, Buffer.of(0)]), short(curve.pointBytes + 1)],
    ['compressed', Buffer.from(good.toBytes(true)), short(curve.fieldBytes + 1)],
    [
      'with a compressed head',
      sec1(curve, x, y, 2 + Number(y & 1n)),
      'x is not an uncompressed point',
    ],
    ['with a hybrid head', sec1(curve, x, y, 6 + Number(y & 1n)), 'x is not an uncompressed point'],
    ['all zeros', Buffer.alloc(curve.pointBytes), 'x is not an uncompressed point'],
    ['with x = p', sec1(curve, p, y), 'x has a coordinate out of range'],
    ['with y = p', sec1(curve, x, p), 'x has a coordinate out of range'],
    [
      'with every bit set',
      Buffer.alloc(curve.pointBytes, 0xff).fill(4, 0, 1),
      'x has a coordinate out of range',
    ],
  ])('is refused: %s', (_, wrong, detail) => {
    expect(() => decodePoint(curve, wrong, 'x')).toThrow(failed(detail));
    const shared = { curve: name, channel: '417', secret: 'dozen-lunar-quilt' };
    expect(() => answerExchange(shared, wrong, systemRandom)).toThrow(failed(detail));
    const sender = startExchange(shared, systemRandom);
    expect(() => sender.finish(wrong)).toThrow(failed(detail.replace(/^x/, 'y')));
  });

  it('is refused in a second spelling of the same residue', () => {
    const low = smallestPoint(curve);
    expect(decodePoint(curve, sec1(curve, low.x, low.y), 'x').x).toBe(low.x);
    expect(() => decodePoint(curve, sec1(curve, low.x + p, low.y), 'x')).toThrow(
      failed('x has a coordinate out of range'),
    );
  });

  it('is refused when a coordinate is negative, as JSON could have it', () => {
    expect(() => checkedPoint(curve, { x: -1n, y }, 'Y')).toThrow(
      failed('Y has a coordinate out of range'),
    );
    expect(() => checkedPoint(curve, { x, y: y - p }, 'Y')).toThrow(
      failed('Y has a coordinate out of range'),
    );
  });
});

describe.each(CURVE_NAMES)('an exchange on %s', (name) => {
  const curve = curveNamed(name);

  it('ends when X = sU or Y = sV, which make Z the identity', () => {
    const s = scalarOf(curve, PW);
    const identity = failed('the shared point is the identity');
    const { shared, sender } = pair(name);
    const evilX = encodePoint(curve.U.multiply(s));
    expect(() => answerExchange(shared, evilX, systemRandom)).toThrow(identity);
    expect(() => sender.finish(encodePoint(curve.V.multiply(s)))).toThrow(identity);
  });

  it.each([0n, -1n, curve.n, curve.n + 1n])('refuses the secret scalar %s', (secret) => {
    expect(() => beginExchange(curve, 'A', PW, secret)).toThrow(
      expect.objectContaining({ code: 'internal', detail: 'secret scalar out of range' }),
    );
  });

  it('draws scalars uniformly: out of range is drawn again, never reduced', () => {
    const length = Math.ceil(curve.n.toString(2).length / 8);
    const draw = (value: bigint) => bytesOf(value, length);
    const random = scripted(draw(0n), draw(curve.n), draw(curve.n - 1n), draw(1n));
    expect(randomScalar(curve, random)).toBe(curve.n - 1n);
    expect(randomScalar(curve, random)).toBe(1n);
  });

  it.each([
    ['zeros', (length: number) => new Uint8Array(length)],
    ['too little', () => Uint8Array.of(1)],
  ])('gives up on a source of randomness that gives %s', (_, broken) => {
    expect(() => randomScalar(curve, broken)).toThrow(
      expect.objectContaining({ code: 'internal' }),
    );
  });

  it('agrees for every password and all secrets, also as croc does it', () => {
    const scalar = fc.bigInt({ min: 1n, max: curve.n - 1n });
    const password = fc.uint8Array({ maxLength: 100 });
    fc.assert(
      fc.property(password, scalar, scalar, (pw, alpha, beta) => {
        const a = beginExchange(curve, 'A', pw, alpha);
        const b = beginExchange(curve, 'B', pw, beta);
        const [one, other] = [a.agree(b.own), b.agree(a.own)];
        expect(other).toEqual(one);
        expect(plainSessionKey(pw, other)).toEqual(plainSessionKey(pw, one));
      }),
      { numRuns: 10 },
    );
  });

  it('gives different keys for different secrets', () => {
    const secret = fc.string({ minLength: 4, unit: 'grapheme' });
    fc.assert(
      fc.property(secret, secret, (one, other) => {
        fc.pre(one !== other);
        const { shared, sender } = pair(name, '417', one);
        const answer = answerExchange({ ...shared, secret: other }, sender.x, systemRandom);
        expect(sameBytes(sender.finish(answer.y), answer.key)).toBe(false);
      }),
      { numRuns: 5 },
    );
  });

  it('notices every changed byte of x and of y', () => {
    // The changed point is off the curve but for a chance of less than 2 to the −200.
    const position = fc.nat({ max: curve.pointBytes - 1 });
    fc.assert(
      fc.property(position, fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const change = (bytes: Uint8Array) => bytes.map((b, i) => (i === at ? b ^ mask : b));
        const { shared, sender } = pair(name);
        expect(keyOrCode(() => answerExchange(shared, change(sender.x), systemRandom).key)).toBe(
          'key_exchange_failed',
        );
        const answer = answerExchange(shared, sender.x, systemRandom);
        expect(keyOrCode(() => sender.finish(change(answer.y)))).toBe('key_exchange_failed');
      }),
      { numRuns: 10 },
    );
  });

  it('gives another key when x is replaced by another point', () => {
    const { shared, sender } = pair(name);
    const negated = encodePoint(decodePoint(curve, sender.x, 'x').negate());
    const answer = answerExchange(shared, negated, systemRandom);
    expect(sameBytes(sender.finish(answer.y), answer.key)).toBe(false);
  });
});

/** What `run` gives, or the code of what it throws. */
function keyOrCode(run: () => Uint8Array): unknown {
  try {
    return run();
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
}

describe('the key exchange of a channel', () => {
  it('gives both the same key, and confirmations that are its hashes', () => {
    const { shared, sender } = pair('p256');
    const answer = answerExchange(shared, sender.x, systemRandom);
    const key = sender.finish(answer.y);
    expect(sameBytes(key, answer.key)).toBe(true);
    expect(key.length).toBe(32);
    const { h_k, hh_k } = confirmations(key);
    expect(Buffer.from(h_k)).toEqual(hash(key));
    expect(Buffer.from(hh_k)).toEqual(hash(hash(key)));
  });

  it('binds the key to the channel', () => {
    const { shared, sender } = pair('p256', '417');
    const answer = answerExchange({ ...shared, channel: '418' }, sender.x, systemRandom);
    expect(sameBytes(sender.finish(answer.y), answer.key)).toBe(false);
  });

  it('takes one answer only, even after a bad one', () => {
    const again = expect.objectContaining({ code: 'internal' }) as Error;
    const { shared, sender } = pair('p256');
    const answer = answerExchange(shared, sender.x, systemRandom);
    sender.finish(answer.y);
    expect(() => sender.finish(answer.y)).toThrow(again);
    const other = startExchange(shared, systemRandom);
    expect(() => other.finish(Buffer.alloc(65))).toThrow(failed('y is not an uncompressed point'));
    expect(() => other.finish(answer.y)).toThrow(again);
  });

  it('is replayable with a scripted source', () => {
    const shared = { curve: 'p256', channel: '417', secret: 'dozen-lunar-quilt' };
    const draw = Buffer.alloc(32, 0x5a);
    const one = startExchange(shared, scripted(draw));
    expect(startExchange(shared, scripted(draw)).x).toEqual(one.x);
    expect(() => startExchange(shared, scripted())).toThrow('the script is exhausted');
  });

  it('refuses a curve that it does not know', () => {
    const shared = { curve: 'p224', channel: '417', secret: 'dozen-lunar-quilt' };
    const unsupported = expect.objectContaining({ code: 'unsupported_curve' }) as Error;
    expect(() => startExchange(shared, systemRandom)).toThrow(unsupported);
    expect(() => answerExchange(shared, Buffer.alloc(65), systemRandom)).toThrow(unsupported);
  });

  it('tells no secret in an error', () => {
    const { sender } = pair('p256', '417', 'whisper-this-never');
    const message = keyOrMessage(() => sender.finish(Buffer.alloc(3)));
    expect(message).toContain('y has 3 bytes instead of 65');
    expect(message).not.toContain('whisper');
  });

  it('hashes the frame of protocol, channel, curve, x and y as transcript', () => {
    const [x, y] = [Buffer.of(1, 2), Buffer.of(3)];
    const eight = (n: number) => Buffer.of(n, 0, 0, 0, 0, 0, 0, 0);
    const field = (text: string) => Buffer.concat([eight(text.length), Buffer.from(text)]);
    const joined = [field('croc-channel/1'), field('417'), field('p384'), eight(2), x, eight(1), y];
    expect(Buffer.from(transcriptHash('417', 'p384', x, y))).toEqual(hash(Buffer.concat(joined)));
  });
});

function keyOrMessage(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error instanceof Error ? error.message : error;
  }
}

describe('bytes', () => {
  it('are big-endian integers and back, without leading zeros', () => {
    expect(bigEndian(Buffer.alloc(0))).toBe(0n);
    expect(bigEndian(Buffer.of(0, 0, 1, 2))).toBe(258n);
    expect(minimalBytes(0n).length).toBe(0);
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 1n << 530n }), (value) => {
        const bytes = minimalBytes(value);
        expect(bytes[0]).not.toBe(0);
        expect(bigEndian(bytes)).toBe(value);
      }),
    );
  });

  it('are framed so that no two lists join alike', () => {
    const fields = fc.array(fc.uint8Array({ maxLength: 3 }), { maxLength: 3 });
    fc.assert(
      fc.property(fields, fields, (one, other) => {
        fc.pre(JSON.stringify(one) !== JSON.stringify(other));
        expect(sameBytes(frame(...one), frame(...other))).toBe(false);
      }),
    );
    expect(Buffer.from(frame('é', Buffer.of(9))).toString('hex')).toBe(
      '0200000000000000c3a9010000000000000009',
    );
  });

  it('are compared whole, and by length', () => {
    expect(sameBytes(Buffer.of(1, 2), Buffer.of(1, 2))).toBe(true);
    expect(sameBytes(Buffer.of(1, 2), Buffer.of(1, 3))).toBe(false);
    expect(sameBytes(Buffer.of(1, 2), Buffer.of(1))).toBe(false);
    expect(sameBytes(Buffer.of(), Buffer.of())).toBe(true);
  });
});
