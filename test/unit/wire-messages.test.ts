import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CrocError } from '../../src/core/errors.js';
import {
  RecordType,
  decodeControl,
  encodeControl,
  fromRanges,
  fromWireEntry,
  peerFailure,
  textBytes,
  textMessages,
  toRanges,
  toWireEntry,
} from '../../src/core/wire/control.js';
import type { ControlMessage } from '../../src/core/wire/control.js';
import { decodeData, encodeDataHead } from '../../src/core/wire/data.js';
import {
  MAX_PAYLOAD_BYTES,
  MAX_PIECES,
  MAX_PLAINTEXT_BYTES,
  TEXT_CHUNK_BYTES,
} from '../../src/core/wire/limits.js';

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof CrocError ? error.code : `not a CrocError: ${String(error)}`;
  }
  return 'nothing thrown';
}
const control = (json: unknown): Buffer =>
  Buffer.concat([Buffer.of(RecordType.control), Buffer.from(JSON.stringify(json))]);

describe('data records', () => {
  const piece = fc.record({
    entry: fc.nat(0xffffffff),
    offset: fc.nat(Number.MAX_SAFE_INTEGER - 2 * MAX_PAYLOAD_BYTES),
    verified: fc.boolean(),
    bytes: fc.uint8Array({ maxLength: 50 }),
  });

  it('say what they were told', () => {
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 20 }), (pieces) => {
        const planned = pieces.map(({ entry, offset, verified, bytes }) => ({
          entry,
          offset,
          length: bytes.length,
          verified,
        }));
        const record = Buffer.concat([encodeDataHead(planned), ...pieces.map((one) => one.bytes)]);
        const decoded = decodeData(record);
        expect(
          decoded.map(({ entry, offset, length, verified }) => ({
            entry,
            offset,
            length,
            verified,
          })),
        ).toEqual(planned);
        expect(decoded.map((one) => one.bytes.toString('hex'))).toEqual(
          pieces.map((one) => Buffer.from(one.bytes).toString('hex')),
        );
      }),
    );
  });

  const head = (pieces: number, length: number): Buffer =>
    encodeDataHead(
      Array.from({ length: pieces }, () => ({ entry: 0, offset: 0, length, verified: false })),
    );
  it.each([
    ['nothing but a type', Buffer.of(RecordType.data)],
    ['no pieces', head(0, 0)],
    ['too many pieces', head(MAX_PIECES + 1, 0)],
    ['a table that is cut', head(2, 0).subarray(0, -1)],
    ['a piece longer than the record', Buffer.concat([head(1, 5), Buffer.alloc(4)])],
    ['bytes of no piece', Buffer.concat([head(1, 5), Buffer.alloc(6)])],
    [
      'more than a record may hold',
      Buffer.concat([head(1, MAX_PAYLOAD_BYTES + 1), Buffer.alloc(MAX_PAYLOAD_BYTES + 1)]),
    ],
    [
      'an offset beyond every file',
      Buffer.concat([
        encodeDataHead([{ entry: 0, offset: 2 ** 53, length: 1, verified: false }]),
        Buffer.alloc(1),
      ]),
    ],
  ])('%s is refused', (_name, record) => {
    expect(codeOf(() => decodeData(record))).toBe('protocol_error');
  });

  it('random bytes give pieces that add up, or a protocol error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        const record = Buffer.concat([Buffer.of(RecordType.data), bytes]);
        const code = codeOf(() => {
          const pieces = decodeData(record);
          const held = pieces.reduce((sum, one) => sum + one.length, 0);
          expect(held + 3 + pieces.length * 17).toBe(record.length);
        });
        expect(['protocol_error', 'nothing thrown']).toContain(code);
      }),
      { numRuns: 500 },
    );
  });
});

const NO_FILES = { count: 0, files: 0, folders: 0, bytes: 0 };

describe('control messages', () => {
  const messages: ControlMessage[] = [
    { t: 'hello', version: 1, oldest: 1, features: ['one'] },
    { t: 'entries', entries: [{ k: 'f', p: 'a/b', s: 3, m: 1.5, x: true }] },
    { t: 'offer', count: 1, files: 1, folders: 0, bytes: 3 },
    { t: 'text', data: 'YWJj' },
    { t: 'offer', ...NO_FILES, text: { kind: 'patch', size: 3, name: 'a.patch' } },
    { t: 'want', ranges: [[0, 2]] },
    { t: 'basis', files: [[0, 1]] },
    { t: 'answer', accept: true, count: 2, bytes: 3, salt: 'AAAAAAAAAAAAAAAAAAAAAA==' },
    { t: 'hashes', runs: [[0, 4, Buffer.alloc(32, 7).toString('base64')]] },
    { t: 'judged', runs: [[0, 3, 1]] },
    { t: 'have', bytes: 2, files: 1 },
    { t: 'done', files: 1, bytes: 3 },
    { t: 'ping' },
    { t: 'cancel' },
    { t: 'error', code: 'disk_full', detail: 'a/b' },
  ];

  it.each(messages)('$t comes back as it was', (message) => {
    expect(decodeControl(encodeControl(message))).toEqual(message);
  });

  it.each(messages)('$t without its fields is refused, with more of them is taken', (message) => {
    const bare = control({ t: message.t });
    if (Object.keys(message).length > 1)
      expect(codeOf(() => decodeControl(bare))).toBe('protocol_error');
    expect(decodeControl(control({ ...message, later: 1 }))).toEqual(message);
  });

  it('a type of a later version is ignored', () => {
    expect(decodeControl(control({ t: 'telepathy', x: 1 }))).toBeUndefined();
  });

  it.each([
    ['no JSON', Buffer.concat([Buffer.of(1), Buffer.from('{"t":')])],
    ['not UTF-8', Buffer.concat([Buffer.of(1), Buffer.from([0xff, 0xfe])])],
    ['no type', control({ version: 1 })],
    ['a number', control(7)],
    ['null', control(null)],
    ['entries that are no list', control({ t: 'entries', entries: { length: 0 } })],
    [
      'too many entries',
      control({
        t: 'entries',
        entries: Array.from({ length: 10_001 }, () => ({ k: 'd', p: 'a', m: 0 })),
      }),
    ],
    ['a negative size', control({ t: 'entries', entries: [{ k: 'f', p: 'a', s: -1, m: 0 }] })],
    ['a fraction of a byte', control({ t: 'have', bytes: 0.5 })],
    ['a size beyond 2^53', control({ t: 'offer', count: 1, files: 1, folders: 0, bytes: 2 ** 53 })],
    ['a short salt', control({ t: 'answer', accept: true, count: 1, bytes: 1, salt: 'AAAA' })],
    ['a basis of no blocks', control({ t: 'basis', files: [[0, 0]] })],
    ['too many bases', control({ t: 'basis', files: Array(10_001).fill([0, 1]) })],
    ['no run', control({ t: 'hashes', runs: [] })],
    ['half a hash', control({ t: 'hashes', runs: [[0, 0, Buffer.alloc(24).toString('base64')]] })],
    ['no hash', control({ t: 'hashes', runs: [[0, 0, '']] })],
    ['a hash that is no base64', control({ t: 'hashes', runs: [[0, 0, `${'A'.repeat(21)}==`]] })],
    [
      'too many hashes in a run',
      control({ t: 'hashes', runs: [[0, 0, Buffer.alloc(4097 * 16).toString('base64')]] }),
    ],
    ['too many runs', control({ t: 'judged', runs: Array(4097).fill([0, 1, 0]) })],
    ['a negative run', control({ t: 'judged', runs: [[0, -1, 2]] })],
    ['a text of no bytes', control({ t: 'text', data: '' })],
    ['a text as a number', control({ t: 'text', data: 7 })],
    [
      'a text that is too long for one message',
      control({ t: 'text', data: 'A'.repeat((TEXT_CHUNK_BYTES / 3) * 4 + 4) }),
    ],
    [
      'a text of no known kind',
      control({ t: 'offer', ...NO_FILES, text: { kind: 'virus', size: 1 } }),
    ],
    ['a text of no size', control({ t: 'offer', ...NO_FILES, text: { kind: 'text' } })],
    ...[
      ...[null, 7, 'a', [], {}],
      { k: 'f', p: 'a', m: 0 },
      { k: 'f', p: 'a', s: '1', m: 0 },
      { k: 'f', p: 'a', s: 1.5, m: 0 },
      { k: 'f', p: 'a', s: 2 ** 53, m: 0 },
      { k: 'f', p: 'a', s: 1, m: 0, x: 1 },
      { k: 'f', s: 1, m: 0 },
      { k: 'd', p: 7, m: 0 },
      { k: 'd', p: 'a', m: '0' },
      { k: 'd', p: 'a' },
      { k: 'l', p: 'a', m: 0 },
      { k: 'l', p: 'a', m: 0, l: 'b'.repeat(4097) },
      { p: 'a', s: 1, m: 0 },
    ].map((entry): [string, Buffer] => [
      `an entry like ${JSON.stringify(entry).slice(0, 50)}`,
      control({ t: 'entries', entries: [{ k: 'd', p: 'b', m: 0 }, entry] }),
    ]),
    ['an unknown kind', control({ t: 'entries', entries: [{ k: 'x', p: 'a', m: 0 }] })],
    [
      'a path without end',
      control({ t: 'entries', entries: [{ k: 'd', p: 'a'.repeat(4097), m: 0 }] }),
    ],
    [
      'an infinite time',
      Buffer.concat([
        Buffer.of(1),
        Buffer.from('{"t":"entries","entries":[{"k":"d","p":"a","m":1e999}]}'),
      ]),
    ],
  ])('%s is refused', (_name, record) => {
    expect(codeOf(() => decodeControl(record))).toBe('protocol_error');
  });

  it('random JSON is a message, is ignored, or is refused', () => {
    const types = messages.map((message) => message.t);
    fc.assert(
      fc.property(
        fc.record({ t: fc.constantFrom(...types) }),
        fc.dictionary(fc.string(), fc.jsonValue()),
        (head, rest) => {
          const code = codeOf(() => decodeControl(control({ ...rest, ...head })));
          expect(['protocol_error', 'nothing thrown']).toContain(code);
        },
      ),
    );
  });
});

describe('a text', () => {
  it('comes back in pieces that fit a record, whatever bytes it has', () => {
    const sizes = fc.constantFrom(1, 2, 3, TEXT_CHUNK_BYTES, TEXT_CHUNK_BYTES + 1, 900_000);
    fc.assert(
      fc.property(sizes, fc.uint8Array({ maxLength: 20, minLength: 1 }), (size, seed) => {
        const content = Buffer.alloc(size, seed);
        const records = [...textMessages(content)].map(encodeControl);
        for (const record of records) expect(record.length).toBeLessThan(MAX_PLAINTEXT_BYTES);
        const back = records.map((record) => {
          const message = decodeControl(record);
          return message?.t === 'text' ? textBytes(message) : Buffer.of();
        });
        expect(Buffer.concat(back).equals(content)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it.each(['YWJ', 'YW==YW==', 'YWJj\n', 'YX==', '----'])('in base64 like %j is refused', (data) => {
    expect(codeOf(() => textBytes({ t: 'text', data }))).toBe('protocol_error');
  });
});

describe('entries', () => {
  it.each([
    { path: 'a/ж.txt', kind: 'file', size: 3, mtimeMs: 5.25, executable: true },
    { path: 'a', kind: 'file', size: 0, mtimeMs: 0, executable: false },
    { path: 'b', kind: 'folder', size: 0, mtimeMs: 1, executable: false },
    { path: 'c', kind: 'symlink', size: 0, mtimeMs: 1, executable: false, target: '../a' },
  ] as const)('$kind $path comes back as it was', (entry) => {
    expect(fromWireEntry(toWireEntry(entry))).toEqual(entry);
  });
});

describe('ranges', () => {
  it('name exactly the wanted entries', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(500)), (numbers) => {
        const sorted = numbers.sort((a, b) => a - b);
        expect(fromRanges(toRanges(sorted), 501)).toEqual(sorted);
      }),
    );
  });

  it.each([
    ['beyond the offer', [[0, 4]]],
    ['empty', [[0, 0]]],
    [
      'overlapping',
      [
        [0, 2],
        [1, 1],
      ],
    ],
    [
      'backwards',
      [
        [2, 1],
        [0, 1],
      ],
    ],
  ] as [string, [number, number][]][])('%s are refused', (_name, ranges) => {
    expect(codeOf(() => fromRanges(ranges, 3))).toBe('protocol_error');
  });
});

describe("a peer's failure", () => {
  it('keeps a known code and its detail', () => {
    expect(peerFailure({ t: 'error', code: 'disk_full', detail: 'x' })).toEqual({
      code: 'disk_full',
      detail: 'x',
    });
  });
  it('takes an unknown code for an internal one', () => {
    expect(peerFailure({ t: 'error', code: 'toString' })).toEqual({ code: 'internal' });
  });
});
