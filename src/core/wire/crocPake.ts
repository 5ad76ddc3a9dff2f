/**
 * The message of croc's key exchange: JSON with coordinates as plain decimal integers, far beyond 2⁵³, so
 * that it needs a parser that keeps them.
 */
import { parse, stringify } from 'lossless-json';
import * as v from 'valibot';
import { CrocError } from '../errors.js';

/** A point as the message has it; whether it is on the curve is for pake/points.ts. */
export interface CrocPoint {
  readonly x: bigint;
  readonly y: bigint;
}

/** What a party tells. Party A has role 0 and knows X; party B has role 1 and knows both. */
export interface CrocPakeMessage {
  readonly role: 0 | 1;
  readonly X: CrocPoint | undefined;
  readonly Y: CrocPoint | undefined;
}

/** Bytes of a message, at most: nine integers of up to 521 bits, twenty keys, and room to spare. */
export const MAX_CROC_PAKE_BYTES = 8192;
/** Digits of a coordinate of p521, at most. */
const MAX_DIGITS = 160;

const coordinate = v.nullish(v.bigint());
const schema = v.object({
  Role: v.bigint(),
  Xᵤ: coordinate,
  Xᵥ: coordinate,
  Yᵤ: coordinate,
  Yᵥ: coordinate,
});

/** Keys that a Go peer knows and that carry nothing: it wants them all the same. */
const NOTHING = ['P', 'Pw', 'Vpwᵤ', 'Vpwᵥ', 'Upwᵤ', 'Upwᵥ', 'Aα', 'Aαᵤ', 'Aαᵥ', 'Zᵤ', 'Zᵥ', 'K'];

/** Encodes a message. @param fixed - the points U and V of the curve */
export function encodeCrocPake(
  message: CrocPakeMessage,
  fixed: { readonly U: CrocPoint; readonly V: CrocPoint },
): Buffer {
  const { role, X, Y } = message;
  const { U, V } = fixed;
  const fields = {
    Role: role,
    Uᵤ: U.x,
    Uᵥ: U.y,
    Vᵤ: V.x,
    Vᵥ: V.y,
    Xᵤ: X?.x ?? null,
    Xᵥ: X?.y ?? null,
    Yᵤ: Y?.x ?? null,
    Yᵥ: Y?.y ?? null,
    ...Object.fromEntries(NOTHING.map((key) => [key, null])),
  };
  return Buffer.from(stringify(fields) ?? '');
}

/**
 * Decodes a message. U, V and what carries nothing are ignored: they are constants.
 *
 * @throws CrocError `key_exchange_failed` for everything that is not one
 */
export function decodeCrocPake(bytes: Uint8Array): CrocPakeMessage {
  if (bytes.length > MAX_CROC_PAKE_BYTES) throw failed('too long');
  let json: unknown;
  try {
    json = parse(Buffer.from(bytes).toString(), undefined, { parseNumber: toInteger });
  } catch (cause) {
    throw failed('not JSON', cause);
  }
  const parsed = v.safeParse(schema, json);
  if (!parsed.success) throw failed('without the fields of a key exchange');
  const fields = parsed.output;
  if (fields.Role !== 0n && fields.Role !== 1n) throw failed('of no known role');
  return {
    role: fields.Role === 0n ? 0 : 1,
    X: point(fields['Xᵤ'], fields['Xᵥ']),
    Y: point(fields['Yᵤ'], fields['Yᵥ']),
  };
}

function toInteger(digits: string): bigint {
  if (digits.length > MAX_DIGITS || !/^\d+$/.test(digits)) throw new Error('not a coordinate');
  return BigInt(digits);
}

function point(x: bigint | null | undefined, y: bigint | null | undefined): CrocPoint | undefined {
  return typeof x === 'bigint' && typeof y === 'bigint' ? { x, y } : undefined;
}

function failed(why: string, cause?: unknown): CrocError {
  return new CrocError('key_exchange_failed', { detail: `a message ${why}`, cause });
}
