import { randomBytes } from 'node:crypto';
import { brotliCompressSync, constants } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CrocError } from '../../src/core/errors.js';
import {
  compress,
  decompress,
  packControl,
  unpackControl,
  windowBits,
} from '../../src/core/wire/compressed.js';
import { RecordType, encodeControl } from '../../src/core/wire/control.js';
import { MAX_PLAINTEXT_BYTES, MAX_WINDOW_BITS } from '../../src/core/wire/limits.js';

const record = async (plain: Uint8Array, quality = 1): Promise<Buffer> =>
  Buffer.concat(await compress(plain, quality));
const data = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.of(RecordType.data), bytes]);

/** A record as a peer may make it. */
function made(plainBytes: number, stream: Uint8Array): Buffer {
  const head = Buffer.of(RecordType.compressed, 0, 0, 0, 0);
  head.writeUInt32BE(plainBytes, 1);
  return Buffer.concat([head, stream]);
}

function brotli(plain: Uint8Array, windowSize = MAX_WINDOW_BITS): Buffer {
  const { BROTLI_PARAM_LGWIN, BROTLI_PARAM_QUALITY } = constants;
  const params = { [BROTLI_PARAM_LGWIN]: windowSize, [BROTLI_PARAM_QUALITY]: 5 };
  return brotliCompressSync(plain, { params });
}

async function codeOf(bytes: Buffer): Promise<string> {
  try {
    await decompress(bytes);
    return 'nothing thrown';
  } catch (error) {
    return error instanceof CrocError ? error.code : String(error);
  }
}

describe('compressed records', () => {
  it.each([0, 1, 3, 5, 9])('come back as they were, at quality %i', async (quality) => {
    for (const plain of [
      data(Buffer.from('a')),
      data(Buffer.alloc(MAX_PLAINTEXT_BYTES - 1, 'once more ')),
      data(randomBytes(MAX_PLAINTEXT_BYTES - 1)),
    ])
      expect((await decompress(await record(plain, quality))).equals(plain)).toBe(true);
  });

  it('come back whatever is in them', async () => {
    const strings = fc.oneof(
      fc.uint8Array({ maxLength: 3000 }),
      fc.string({ maxLength: 3000 }).map((text) => Buffer.from(text.repeat(20))),
    );
    await fc.assert(
      fc.asyncProperty(strings, fc.integer({ min: 0, max: 6 }), async (bytes, quality) => {
        const plain = data(bytes);
        expect((await decompress(await record(plain, quality))).equals(plain)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  const text = data(Buffer.alloc(50_000, 'some text '));
  it.each<[string, Buffer]>([
    ['nothing', Buffer.of(RecordType.compressed)],
    ['no stream', made(1, Buffer.alloc(0))],
    ['a size of 0', made(0, brotli(text))],
    ['a size beyond every record', made(MAX_PLAINTEXT_BYTES + 1, brotli(text))],
    ['a size that is too small', made(text.length - 1, brotli(text))],
    ['a size that is too large', made(text.length + 1, brotli(text))],
    ['an end that is missing', made(text.length, brotli(text).subarray(0, -1))],
    ['bytes behind the end', made(text.length, Buffer.concat([brotli(text), Buffer.of(7)]))],
    ['two streams', made(2 * text.length, Buffer.concat([brotli(text), brotli(text)]))],
    ['a larger window than agreed', made(text.length, brotli(text, MAX_WINDOW_BITS + 1))],
    ['a control record', made(3, brotli(Buffer.from('\x01{}')))],
    ['an end record', made(1, brotli(Buffer.of(RecordType.end)))],
    ['another compressed record', made(20, brotli(made(15, brotli(data(Buffer.alloc(14))))))],
    ['a bomb', made(1000, brotli(Buffer.alloc(64 * 2 ** 20)))],
    [
      'a bomb that looks like a record',
      made(MAX_PLAINTEXT_BYTES, brotli(Buffer.alloc(2 ** 26, 2))),
    ],
    ['noise', made(1000, randomBytes(1000))],
  ])('with %s are a protocol_error', async (_name, bytes) => {
    expect(await codeOf(bytes)).toBe('protocol_error');
  });

  it('never give more than they say, whatever was changed in them', async () => {
    const sound = await record(text, 5);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(sound.length - 2), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        fc.nat(sound.length),
        async (changes, length) => {
          const bytes = Buffer.from(sound);
          for (const [at, value] of changes) bytes[at + 1] = value;
          const part = length % 3 === 0 ? bytes.subarray(0, 1 + length) : bytes;
          const plain = await decompress(part).catch((error: unknown) => error);
          if (plain instanceof CrocError) expect(plain.code).toBe('protocol_error');
          else expect((plain as Buffer).length).toBe(part.readUInt32BE(1));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('of random bytes are refused without a crash', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (stream) => {
        const code = await codeOf(made(1 + (stream[0] ?? 0), stream));
        expect(['protocol_error', 'nothing thrown']).toContain(code);
      }),
      { numRuns: 300 },
    );
  });
});

/** What unpacking gives: the plaintext, or the code of the error. */
function unpacked(bytes: Buffer): Buffer | string {
  try {
    return unpackControl(bytes);
  } catch (error) {
    return error instanceof CrocError ? error.code : String(error);
  }
}

describe('packed messages', () => {
  const entries = Array.from({ length: 1000 }, (_, index) => {
    return { k: 'f' as const, p: `folder/${index}.txt`, s: index, m: 1_795_000_000_000 + index };
  });
  const message = encodeControl({ t: 'entries', entries });

  it('come back as they were, in a fraction of the bytes', () => {
    const packed = packControl(message);
    expect(unpacked(packed)).toEqual(message);
    expect(packed.length).toBeLessThan(message.length / 5);
  });

  it.each<[string, Buffer]>([
    ['nothing', Buffer.of(RecordType.packed)],
    ['no stream', made(1, Buffer.alloc(0))],
    ['a size beyond every record', made(MAX_PLAINTEXT_BYTES + 1, brotli(message))],
    ['a size that is too small', made(message.length - 1, brotli(message))],
    ['a size that is too large', made(message.length + 1, brotli(message))],
    ['an end that is missing', made(message.length, brotli(message).subarray(0, -1))],
    ['bytes behind the end', made(message.length, Buffer.concat([brotli(message), message]))],
    ['a larger window than agreed', made(message.length, brotli(message, MAX_WINDOW_BITS + 1))],
    ['data', made(11, brotli(data(Buffer.alloc(10))))],
    ['another packed message', made(20, brotli(Buffer.concat([packControl(message)], 20)))],
    ['a bomb', made(MAX_PLAINTEXT_BYTES, brotli(Buffer.alloc(2 ** 26, 1)))],
    ['noise', made(1000, randomBytes(1000))],
  ])('with %s are a protocol_error', (_name, bytes) => {
    expect(unpacked(bytes)).toBe('protocol_error');
  });

  it('never give more than they say, whatever was changed in them', () => {
    const sound = packControl(message);
    const change = fc.tuple(fc.nat(sound.length - 2), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const bytes = Buffer.from(sound);
        for (const [at, value] of changes) bytes[at + 1] = value;
        const plain = unpacked(bytes);
        if (typeof plain === 'string') expect(plain).toBe('protocol_error');
        else expect(plain.length).toBe(bytes.readUInt32BE(1));
      }),
      { numRuns: 300 },
    );
  });
});

it('reads the size of the window as RFC 7932 has it', () => {
  for (let size = 10; size <= 24; size += 1)
    expect(windowBits(brotli(Buffer.alloc(3000, 'x'), size)[0] ?? 0)).toBe(size);
  // 0010001: what brotli's makers use for windows that the RFC does not have.
  expect(windowBits(0b10001)).toBe(Infinity);
});
