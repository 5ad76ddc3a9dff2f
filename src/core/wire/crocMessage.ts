/**
 * What two croc peers say to each other on their control connection: JSON, deflated, and encrypted once there
 * is a key (docs/croc.md, "Messages"). What comes in is parsed by a schema once, here.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import * as v from 'valibot';
import type { RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import { openCroc, sealCroc } from './crocSeal.js';

/** Version of the exchange that both peers must speak. */
export const CROC_PEER_VERSION = 2;
/** Bytes of a message after inflating, at most: the list of some hundred thousand files. */
export const MAX_CROC_MESSAGE_BYTES = 64 * 1024 * 1024;

const schema = v.object({
  t: v.pipe(v.string(), v.maxLength(64)),
  v: v.optional(v.pipe(v.number(), v.safeInteger())),
  m: v.optional(v.string()),
  b: v.nullish(v.string()),
  b2: v.nullish(v.string()),
});

/** One message. Absent is what Go calls zero. */
export interface CrocMessage {
  readonly type: string;
  readonly version?: number;
  readonly text?: string;
  readonly bytes?: Uint8Array;
  readonly bytes2?: Uint8Array;
}

/** Encodes a message. @param key - 32 bytes, or undefined while there is none */
export function encodeCrocMessage(
  message: CrocMessage,
  key: Uint8Array | undefined,
  random: RandomBytes,
): Buffer {
  const { type, version, text, bytes, bytes2 } = message;
  const base64 = (part: Uint8Array | undefined): string | undefined =>
    part && Buffer.from(part).toString('base64');
  const json = { t: type, v: version, m: text, b: base64(bytes), b2: base64(bytes2) };
  const body = deflateRawSync(JSON.stringify(json));
  return key === undefined ? body : sealCroc(key, body, random);
}

/**
 * Decodes a message.
 *
 * @throws CrocError `tampered` when it does not open with the key, `protocol_error` when it is no message,
 *   `limit_exceeded` when it inflates beyond its bound
 */
export function decodeCrocMessage(body: Uint8Array, key: Uint8Array | undefined): CrocMessage {
  const packed = key === undefined ? body : openCroc(key, body);
  const parsed = v.safeParse(schema, parseJson(inflateBounded(packed, MAX_CROC_MESSAGE_BYTES)));
  if (!parsed.success) throw broken('a message that is none');
  const { t, v: version, m, b, b2 } = parsed.output;
  return {
    type: t,
    ...(version === undefined ? {} : { version }),
    ...(m === undefined ? {} : { text: m }),
    ...(typeof b === 'string' ? { bytes: Buffer.from(b, 'base64') } : {}),
    ...(typeof b2 === 'string' ? { bytes2: Buffer.from(b2, 'base64') } : {}),
  };
}

/** Inflates, at most to `maxBytes`. @throws CrocError `limit_exceeded`, `protocol_error` */
export function inflateBounded(bytes: Uint8Array, maxBytes: number): Buffer {
  try {
    return inflateRawSync(bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    const tooLarge =
      cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE';
    throw tooLarge
      ? new CrocError('limit_exceeded', { detail: `more than ${maxBytes} bytes inflated`, cause })
      : broken('what does not inflate', cause);
  }
}

/** JSON from a peer's bytes. @throws CrocError `protocol_error` */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw broken('what is not JSON', cause);
  }
}

function broken(detail: string, cause?: unknown): CrocError {
  return new CrocError('protocol_error', { detail, cause });
}
