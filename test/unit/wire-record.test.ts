import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CrocError } from '../../src/core/errors.js';
import { decodePreamble, encodePreamble, laneKey } from '../../src/core/wire/keys.js';
import { MAX_PLAINTEXT_BYTES, TAG_BYTES } from '../../src/core/wire/limits.js';
import { Opener, Sealer } from '../../src/core/wire/record.js';

const KEY = Buffer.alloc(32, 7);

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof CrocError ? error.code : String(error);
  }
  return 'nothing thrown';
}

const seal = (sealer: Sealer, text: string): Buffer =>
  Buffer.concat(sealer.seal([Buffer.from(text)]));

describe('sealed records', () => {
  it('arrive whole whatever the cuts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1 }),
        (plaintexts, cuts) => {
          const sealer = new Sealer(KEY);
          const stream = Buffer.concat(plaintexts.flatMap((plain) => sealer.seal([plain])));
          const opener = new Opener(KEY);
          const got: Buffer[] = [];
          for (let at = 0, cut = 0; at < stream.length; cut += 1) {
            const size = cuts[cut % cuts.length] ?? 1;
            got.push(...opener.push(stream.subarray(at, at + size)));
            at += size;
          }
          expect(got.map((one) => one.toString('hex'))).toEqual(
            plaintexts.map((one) => Buffer.from(one).toString('hex')),
          );
          expect(opener.partial).toBe(false);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('take a plaintext in pieces and of the largest size', () => {
    const parts = [randomBytes(1000), randomBytes(MAX_PLAINTEXT_BYTES - 1000)];
    const opened = new Opener(KEY).push(Buffer.concat(new Sealer(KEY).seal(parts)));
    expect(opened).toHaveLength(1);
    expect(opened[0]?.equals(Buffer.concat(parts))).toBe(true);
  });

  it('never repeat a nonce: equal plaintexts look different', () => {
    const sealer = new Sealer(KEY);
    expect(seal(sealer, 'same').equals(seal(sealer, 'same'))).toBe(false);
  });

  it.each([
    ['dropped', (a: Buffer, b: Buffer) => [b]],
    ['repeated', (a: Buffer) => [a, a]],
    ['reordered', (a: Buffer, b: Buffer) => [b, a]],
  ])('a %s record does not open', (_name, order) => {
    const sealer = new Sealer(KEY);
    const stream = Buffer.concat(order(seal(sealer, 'first'), seal(sealer, 'second')));
    expect(codeOf(() => new Opener(KEY).push(stream))).toBe('tampered');
  });

  it('no flipped bit goes unnoticed', () => {
    const record = seal(new Sealer(KEY), 'content');
    for (let bit = 0; bit < record.length * 8; bit += 1) {
      const flipped = Buffer.from(record);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const opener = new Opener(KEY);
      let opened: Buffer[] = [];
      const code = codeOf(() => {
        opened = opener.push(flipped);
      });
      // A longer length waits for bytes that never come; everything else is an error.
      expect(opened).toEqual([]);
      if (code === 'nothing thrown') expect(opener.partial).toBe(true);
      else expect(['tampered', 'protocol_error']).toContain(code);
    }
  });

  it('another lane, direction, transcript or connection has another key', () => {
    const secrets = { key: Buffer.alloc(32, 1), transcript: Buffer.alloc(32, 2) };
    const salt = Buffer.alloc(32, 3);
    const keys = [
      laneKey(secrets, 'sender', 0, salt),
      laneKey(secrets, 'recipient', 0, salt),
      laneKey(secrets, 'sender', 1, salt),
      laneKey(secrets, 'sender', 0, Buffer.alloc(32, 4)),
      laneKey({ ...secrets, transcript: Buffer.alloc(32, 5) }, 'sender', 0, salt),
      laneKey({ ...secrets, key: Buffer.alloc(32, 6) }, 'sender', 0, salt),
    ].map((key) => Buffer.from(key).toString('hex'));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it.each([0, TAG_BYTES, MAX_PLAINTEXT_BYTES + TAG_BYTES + 1, 0xffffffff])(
    'a length of %i is refused before anything is buffered for it',
    (length) => {
      const header = Buffer.alloc(4);
      header.writeUInt32BE(length);
      expect(codeOf(() => new Opener(KEY).push(header))).toBe('protocol_error');
    },
  );

  it('an empty or too long plaintext is a mistake of ours', () => {
    expect(codeOf(() => new Sealer(KEY).seal([]))).toBe('internal');
    expect(codeOf(() => new Sealer(KEY).seal([Buffer.alloc(MAX_PLAINTEXT_BYTES + 1)]))).toBe(
      'internal',
    );
  });

  it('random bytes are never data', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 4096 }), (bytes) => {
        const opener = new Opener(KEY);
        let opened: Buffer[] = [];
        codeOf(() => {
          opened = opener.push(bytes);
        });
        expect(opened).toEqual([]);
      }),
    );
  });
});

describe('preamble', () => {
  it('carries a salt', () => {
    const salt = randomBytes(32);
    for (const again of [false, true])
      expect(decodePreamble(encodePreamble({ salt, again }))).toEqual({ salt, again });
  });

  it.each([
    ['another magic', Buffer.concat([Buffer.from('HTTP/1.1'), Buffer.alloc(32)])],
    ['too short', Buffer.from('CROCLANE')],
    ['too long', Buffer.concat([Buffer.from('CROCLANE'), Buffer.alloc(33)])],
  ])('%s is refused', (_name, bytes) => {
    expect(codeOf(() => decodePreamble(bytes))).toBe('protocol_error');
  });
});
