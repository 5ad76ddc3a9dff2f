/**
 * Multiplying points, the one thing in the key exchange that takes time. Node's own ECDH does it for the
 * NIST curves, natively and in constant time, thirty times as fast as JavaScript that has just been loaded.
 */
import { createECDH, getCurves } from 'node:crypto';
import type { CurveName } from '../types.js';
import type { Curve, CurvePoint } from './curves.js';
import { bigEndian } from './points.js';

/** What Node calls the curves that it has; a build of it may have fewer. */
const NATIVE: Readonly<Partial<Record<CurveName, string>>> = {
  p256: 'prime256v1',
  p384: 'secp384r1',
  p521: 'secp521r1',
};

/**
 * A point times a scalar.
 *
 * @param point - on the curve, not the identity
 * @param scalar - in [0, n); may be secret
 */
export function multiply(curve: Curve, point: CurvePoint, scalar: bigint): CurvePoint {
  // Go's curves take 0, too (the vectors have such passwords); the library refuses it.
  if (scalar === 0n) return curve.Point.ZERO;
  const name = NATIVE[curve.name];
  if (name === undefined || !getCurves().includes(name)) return point.multiply(scalar);
  if (point.equals(curve.Point.BASE)) return multiplyBase(curve, name, scalar);
  return multiplyPoint(curve, name, point, scalar);
}

function multiplyBase(curve: Curve, name: string, scalar: bigint): CurvePoint {
  const ecdh = createECDH(name);
  ecdh.setPrivateKey(toBytes(curve, scalar));
  return curve.Point.fromBytes(ecdh.getPublicKey());
}

/**
 * ECDH gives only the x of a product, to which there are two points, Q and −Q. Which one it is shows the x
 * of (scalar + 1) × point: that of Q + point. The other would be −Q + point, which has the same x only
 * if one of the two points had the order 2, and there are none.
 */
function multiplyPoint(curve: Curve, name: string, point: CurvePoint, scalar: bigint): CurvePoint {
  if (scalar === curve.n - 1n) return point.negate();
  const encoded = point.toBytes(false);
  const x = sharedX(curve, name, encoded, scalar);
  const next = sharedX(curve, name, encoded, scalar + 1n);
  const product = curve.Point.fromBytes(Buffer.concat([Buffer.of(EVEN_Y), x]));
  const isProduct = product.add(point).toAffine().x === bigEndian(next);
  return isProduct ? product : product.negate();
}

/** First byte of a compressed SEC1 point whose y is even. */
const EVEN_Y = 0x02;

function sharedX(curve: Curve, name: string, encoded: Uint8Array, scalar: bigint): Buffer {
  const ecdh = createECDH(name);
  ecdh.setPrivateKey(toBytes(curve, scalar));
  return ecdh.computeSecret(encoded);
}

function toBytes({ n }: Curve, scalar: bigint): Buffer {
  const bytes = Math.ceil(n.toString(2).length / 8);
  return Buffer.from(scalar.toString(16).padStart(2 * bytes, '0'), 'hex');
}
