import { describe, expect, it } from 'vitest';
import { messagesOf, packAhead } from '../../src/core/transfer/offering.js';
import type { OfferEntry } from '../../src/core/types.js';
import { unpackControl } from '../../src/core/wire/compressed.js';
import { decodeControl, fromWireEntry } from '../../src/core/wire/control.js';
import { MAX_PLAINTEXT_BYTES } from '../../src/core/wire/limits.js';

const file = (path: string): OfferEntry => {
  return { path, kind: 'file', size: 5, mtimeMs: 7, executable: false };
};
const files = (count: number): OfferEntry[] =>
  Array.from({ length: count }, (_, index) => file(`d/${index}`));
const listed = (entries: readonly OfferEntry[]): OfferEntry[][] =>
  [...messagesOf(entries)].map((message) => message.entries.map(fromWireEntry));

describe('a list in messages', () => {
  it('has every entry once, in order, at most 1000 in a message', () => {
    const entries = files(2001);
    const messages = listed(entries);
    expect(messages.map(({ length }) => length)).toEqual([1000, 1000, 1]);
    expect(messages.flat()).toEqual(entries);
    expect(listed(files(1000)).length).toBe(1);
    expect(listed([])).toEqual([]);
  });

  it('has fewer where names are long, so that a message fits a record', async () => {
    // A control character is the longest there is: six bytes of JSON.
    const entries = Array.from({ length: 1500 }, (_, index) =>
      file(`${index}`.padEnd(200, '\u0001')),
    );
    expect(listed(entries).flat()).toEqual(entries);
    for (const message of messagesOf(entries))
      expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThan(MAX_PLAINTEXT_BYTES);
    expect((await packAhead(entries))?.length).toBe(listed(entries).length);
  });
});

describe('a list that is made ready', () => {
  it('says the same, in less', async () => {
    const entries = files(2500);
    const packed = (await packAhead(entries)) ?? [];
    expect(packed.map((record) => decodeControl(unpackControl(record)))).toEqual([
      ...messagesOf(entries),
    ]);
    const plain = [...messagesOf(entries)]
      .map((message) => JSON.stringify(message))
      .join('').length;
    expect(packed.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(plain / 5);
  });

  it('is neither a short one, nor one that is too long to be kept', async () => {
    expect(await packAhead(files(1000))).toBeUndefined();
    expect(await packAhead(files(100_001))).toBeUndefined();
  });
});
