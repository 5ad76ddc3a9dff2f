/** The key exchange of docs/protocol.md, "PAKE": points, key and confirmation. */
import { createHash, randomBytes } from 'node:crypto';
import { add, curveOf, isOnCurve, mod, multiply, negate } from './curves.js';
import type { Curve, Point } from './curves.js';
import { PeerError } from './fields.js';

/** SHA-256. */
export function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Each field after its length as u64 little-endian; text as UTF-8. */
export function frame(...fields: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(
    fields.flatMap((field) => {
      const bytes = Buffer.from(field);
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(bytes.length));
      return [length, bytes];
    }),
  );
}

/** The identities of both parties of a channel. */
export function identities(channel: string): readonly [idA: Buffer, idB: Buffer] {
  return [
    frame('croc-channel/1', channel, 'sender'),
    frame('croc-channel/1', channel, 'recipient'),
  ];
}

function integer(bytes: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(bytes).toString('hex')}`);
}

/** Big-endian; padded with zeros to `width` bytes. */
function padded(value: bigint, width: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * width, '0'), 'hex');
}

/** Big-endian without leading zeros; 0 is the empty string. */
function minimal(value: bigint): Buffer {
  const hex = value.toString(16);
  return value === 0n ? Buffer.alloc(0) : Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
}

/** 04 ‖ X ‖ Y. */
export function encodePoint(curve: Curve, point: Point): Buffer {
  if (point === undefined) throw new PeerError('key_exchange_failed', 'identity');
  return Buffer.concat([Buffer.of(4), padded(point.x, curve.width), padded(point.y, curve.width)]);
}

/** The other way round. @throws PeerError `key_exchange_failed` unless it is a point of the curve */
export function decodePoint(curve: Curve, bytes: Uint8Array): Point {
  if (bytes.length !== 1 + 2 * curve.width || bytes[0] !== 4)
    throw new PeerError('key_exchange_failed', 'form of a point');
  const middle = 1 + curve.width;
  const point = { x: integer(bytes.subarray(1, middle)), y: integer(bytes.subarray(middle)) };
  if (!isOnCurve(curve, point)) throw new PeerError('key_exchange_failed', 'not on the curve');
  return point;
}

/** What both sides know besides the points. */
export interface Setting {
  readonly curve: string;
  readonly pw: Uint8Array;
  readonly ids: readonly [Uint8Array, Uint8Array];
}

/** A uniform integer in [1, n): drawn again while it is outside. */
export function randomScalar(name: string): bigint {
  const { n, width } = curveOf(name);
  const excess = BigInt(8 * width) - BigInt(n.toString(2).length);
  for (;;) {
    const value = integer(randomBytes(width)) >> excess;
    if (value >= 1n && value < n) return value;
  }
}

function sessionKey(setting: Setting, x: Point, y: Point, z: Point): Buffer {
  if (z === undefined) throw new PeerError('key_exchange_failed', 'Z is the identity');
  const coordinates = [x, y, z].flatMap((point) =>
    point === undefined ? [] : [minimal(point.x), minimal(point.y)],
  );
  const label = 'github.com/schollz/pake/v3/identity-bound-session-key/v1';
  return sha256(frame(label, setting.pw, ...setting.ids, setting.curve, ...coordinates));
}

/** The sender's X. @param alpha - from 1 to n - 1 */
export function senderPoint({ curve: name, pw }: Setting, alpha: bigint): Buffer {
  const curve = curveOf(name);
  const blind = multiply(curve, mod(integer(pw), curve.n), curve.u);
  return encodePoint(curve, add(curve, blind, multiply(curve, alpha, curve.g)));
}

/** The recipient's Y and key. @param beta - from 1 to n - 1 @param x - what the sender gave */
export function recipientKey(
  setting: Setting,
  beta: bigint,
  x: Uint8Array,
): { y: Buffer; k: Buffer } {
  const curve = curveOf(setting.curve);
  const s = mod(integer(setting.pw), curve.n);
  const xPoint = decodePoint(curve, x);
  const unblinded = add(curve, xPoint, negate(curve, multiply(curve, s, curve.u)));
  const z = multiply(curve, beta, unblinded);
  const yPoint = add(curve, multiply(curve, s, curve.v), multiply(curve, beta, curve.g));
  return { y: encodePoint(curve, yPoint), k: sessionKey(setting, xPoint, yPoint, z) };
}

/** The sender's key. @param alpha - as in `senderPoint` @param y - what the recipient gave */
export function senderKey(setting: Setting, alpha: bigint, x: Uint8Array, y: Uint8Array): Buffer {
  const curve = curveOf(setting.curve);
  const s = mod(integer(setting.pw), curve.n);
  const yPoint = decodePoint(curve, y);
  const unblinded = add(curve, yPoint, negate(curve, multiply(curve, s, curve.v)));
  return sessionKey(setting, decodePoint(curve, x), yPoint, multiply(curve, alpha, unblinded));
}

/** Splits a code at its first dash and normalises it (docs/protocol.md, "Code phrase"). */
export function parseCode(typed: string): { channel: string; pw: Buffer } {
  const text = typed
    .normalize('NFC')
    .toLowerCase()
    .normalize('NFC')
    .trim()
    .replace(/\s*-\s*|\s+/gu, '-');
  const dash = text.indexOf('-');
  return { channel: text.slice(0, dash), pw: Buffer.from(text.slice(dash + 1), 'utf8') };
}
