/** Points as they cross the wire. Nothing that a peer sent becomes a point but through here. */
import { CrocError } from '../errors.js';
import type { Affine, Curve, CurvePoint } from './curves.js';

const UNCOMPRESSED = 0x04;

function reject(name: string, why: string, cause?: unknown): CrocError {
  return new CrocError('key_exchange_failed', { detail: `${name} ${why}`, cause });
}

/** The bytes as an unsigned big-endian integer; no bytes are 0. */
export function bigEndian(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

/**
 * An unsigned integer as big-endian bytes without leading zeros, as Go's `big.Int.Bytes` has it:
 * 0 is no bytes. The session key hashes coordinates in this form.
 */
export function minimalBytes(value: bigint): Uint8Array {
  if (value === 0n) return new Uint8Array(0);
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}

/**
 * A point from a peer's affine coordinates.
 * @param name - what to call it in an error: `x`, `y`
 * @throws CrocError `key_exchange_failed` unless both are in [0, p) and the point is on the curve;
 *   the identity, which (0, 0) stands for, is not
 */
export function checkedPoint(curve: Curve, { x, y }: Affine, name: string): CurvePoint {
  const { p } = curve.Point.CURVE();
  if (x < 0n || y < 0n || x >= p || y >= p) throw reject(name, 'has a coordinate out of range');
  try {
    const point = curve.Point.fromAffine({ x, y });
    // fromAffine takes any pair; only this looks at the curve's equation and at the identity.
    point.assertValidity();
    return point;
  } catch (cause) {
    throw reject(name, `is not a point of ${curve.name}`, cause);
  }
}

/**
 * A point from a peer's uncompressed SEC1 encoding (SEC 1 v2.0, 2.3.4).
 * @param name - what to call it in an error: `x`, `y`
 * @throws CrocError `key_exchange_failed` for every other length or form, and as `checkedPoint`
 */
export function decodePoint(curve: Curve, bytes: Uint8Array, name: string): CurvePoint {
  if (bytes.length !== curve.pointBytes) {
    throw reject(name, `has ${bytes.length} bytes instead of ${curve.pointBytes}`);
  }
  if (bytes[0] !== UNCOMPRESSED) throw reject(name, 'is not an uncompressed point');
  const middle = 1 + curve.fieldBytes;
  const x = bigEndian(bytes.subarray(1, middle));
  const y = bigEndian(bytes.subarray(middle));
  return checkedPoint(curve, { x, y }, name);
}

/** A point other than the identity as uncompressed SEC1, `curve.pointBytes` bytes. */
export function encodePoint(point: CurvePoint): Uint8Array {
  return point.toBytes(false);
}
