/**
 * The password-authenticated exchange itself (Boneh and Shoup, A Graduate Course in Applied
 * Cryptography, PAKE2; docs/protocol.md, "PAKE"): two parties, A and B, who know the same
 * password. Nothing here knows which of them sends files or how points are written down, so the
 * channel protocol and croc's own can both use it.
 */
import { CrocError } from '../errors.js';
import type { RandomBytes } from '../edges.js';
import type { Affine, Curve, CurvePoint } from './curves.js';
import { multiply } from './multiply.js';
import { bigEndian } from './points.js';

/** Which of the two: A speaks first and blinds with U, B answers and blinds with V. */
export type Party = 'A' | 'B';

/** What both parties have after the exchange, from which they make the session key. */
export interface Agreement {
  readonly curve: Curve;
  /** A's point. */
  readonly X: Affine;
  /** B's point. */
  readonly Y: Affine;
  /** The point that both know and nobody else. Secret. */
  readonly Z: Affine;
}

/** One party that has made its point. */
export interface Exchange {
  /** X of party A, Y of party B: what to send. */
  readonly own: CurvePoint;
  /**
   * Takes the point of the other party, which must be checked already (points.ts).
   * Cost: one multiplication.
   * @throws CrocError `key_exchange_failed` if Z would be the identity
   */
  agree(other: CurvePoint): Agreement;
}

// Each draw is taken with a chance of a half or more, so only a broken source gets this far.
const MAX_DRAWS = 256;

/**
 * A secret scalar, uniform in [1, n): draws as many bits as n has, and again until the number is
 * in range, so no residue is more likely than another.
 * @throws CrocError `internal` if the source of randomness is broken
 */
export function randomScalar(curve: Curve, random: RandomBytes): bigint {
  const bits = curve.n.toString(2).length;
  const bytes = Math.ceil(bits / 8);
  for (let draw = 0; draw < MAX_DRAWS; draw += 1) {
    const drawn = random(bytes);
    const scalar = BigInt.asUintN(bits, bigEndian(drawn));
    if (drawn.length === bytes && scalar > 0n && scalar < curve.n) return scalar;
  }
  throw new CrocError('internal', { detail: 'the source of randomness is broken' });
}

/** The bytes as a big-endian integer mod n, in [0, n): what a password multiplies a point with. */
export function scalarOf(curve: Curve, bytes: Uint8Array): bigint {
  return bigEndian(bytes) % curve.n;
}

/**
 * Starts the exchange for one party. Cost: two multiplications.
 * @param pw - the password's bytes, as they are
 * @param secret - α of party A, β of party B, in [1, n)
 * @throws CrocError `internal` if `secret` is out of range
 */
export function beginExchange(
  curve: Curve,
  party: Party,
  pw: Uint8Array,
  secret: bigint,
): Exchange {
  if (secret <= 0n || secret >= curve.n) {
    throw new CrocError('internal', { detail: 'secret scalar out of range' });
  }
  const s = scalarOf(curve, pw);
  const [mine, theirs] = party === 'A' ? [curve.U, curve.V] : [curve.V, curve.U];
  const own = multiply(curve, mine, s).add(multiply(curve, curve.Point.BASE, secret));
  const agree = (other: CurvePoint): Agreement => {
    const unblinded = other.subtract(multiply(curve, theirs, s));
    // The order is prime and the secret not 0, so this is the only way to Z = identity.
    if (unblinded.is0()) {
      throw new CrocError('key_exchange_failed', { detail: 'the shared point is the identity' });
    }
    const [X, Y] = party === 'A' ? [own, other] : [other, own];
    const Z = multiply(curve, unblinded, secret);
    return { curve, X: X.toAffine(), Y: Y.toAffine(), Z: Z.toAffine() };
  };
  return { own, agree };
}
