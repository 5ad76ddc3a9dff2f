/** What a lane remembers until the peer has it: never more than its limits, never more than was written. */
import { describe, expect, it } from 'vitest';
import { CrocError } from '../../src/core/errors.js';
import { SentRecords } from '../../src/core/transfer/sentRecords.js';
import { MAX_UNCONFIRMED_BYTES, MAX_UNCONFIRMED_RECORDS } from '../../src/core/wire/limits.js';

const record = (heldBytes = 0): { heldBytes: number; again: () => readonly Uint8Array[] } => ({
  heldBytes,
  again: () => [],
});

/** Adds records and writes them. */
function write(records: SentRecords, count: number, heldBytes = 0): void {
  for (let i = 0; i < count; i += 1) {
    records.push(record(heldBytes));
    records.wrote();
  }
}

describe('records that are not confirmed', () => {
  it('are so many at most, until the peer has one', () => {
    const records = new SentRecords();
    write(records, MAX_UNCONFIRMED_RECORDS - 1);
    expect(records.full).toBe(false);
    write(records, 1);
    expect(records.full).toBe(true);
    expect(records.confirm(1)).toBe(true);
    expect(records.full).toBe(false);
  });

  it('hold so many bytes at most, until the peer has them', () => {
    const records = new SentRecords();
    write(records, 2, MAX_UNCONFIRMED_BYTES / 2);
    expect(records.full).toBe(true);
    records.confirm(1);
    expect(records.full).toBe(false);
    records.confirm(2);
    expect(records.allConfirmed).toBe(true);
  });

  it('are not remembered for a peer that cannot come back', () => {
    const records = new SentRecords();
    records.forget();
    write(records, 2 * MAX_UNCONFIRMED_RECORDS, MAX_UNCONFIRMED_BYTES);
    expect(records.full).toBe(false);
    expect(records.next()).toBeUndefined();
  });

  it('cannot be confirmed before they were written, nor taken back', () => {
    const records = new SentRecords();
    write(records, 2);
    records.push(record());
    for (const count of [3, 1]) {
      if (count === 1) records.confirm(2);
      expect(() => records.confirm(count)).toThrow(
        expect.objectContaining({ constructor: CrocError, code: 'protocol_error' }),
      );
    }
  });
});
