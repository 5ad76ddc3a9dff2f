/**
 * The records that one direction of a lane sends, over all of its connections: what the peer has not said
 * to have is remembered, so that it can be sent again. Knows nothing of sockets.
 */
import { CrocError } from '../errors.js';
import { MAX_UNCONFIRMED_BYTES, MAX_UNCONFIRMED_RECORDS } from '../wire/limits.js';

/** How a record can be sent again. */
export interface SentRecord {
  /** Bytes that are held in memory for that: 0 where they are read again instead. */
  readonly heldBytes: number;
  /** The record's plaintext in pieces, once more. */
  again(): readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
  /** Told when the peer says that it has the record. */
  confirmed?(): void;
}

/** Records are counted from 0, over all connections of the lane. */
export class SentRecords {
  /** What the peer has not confirmed; the first one is record number `#confirmed`. */
  #records: SentRecord[] = [];
  #confirmed = 0;
  /** Number of the next record to be written on the connection in use. */
  #next = 0;
  /** Records that were ever written on any connection; the peer cannot have more. */
  #everWritten = 0;
  #heldBytes = 0;
  #forgetful = false;

  /** Whether the peer has confirmed all there is. */
  get allConfirmed(): boolean {
    return this.#records.length === 0;
  }

  /** Whether so much is unconfirmed that no more should be added for now. */
  get full(): boolean {
    return (
      this.#records.length >= MAX_UNCONFIRMED_RECORDS || this.#heldBytes >= MAX_UNCONFIRMED_BYTES
    );
  }

  /** Adds a record behind all others. */
  push(record: SentRecord): void {
    if (this.#forgetful) return;
    this.#records.push(record);
    this.#heldBytes += record.heldBytes;
  }

  /** The next record that is to be written on the connection in use. */
  next(): SentRecord | undefined {
    return this.#records[this.#next - this.#confirmed];
  }

  /** Tells that `next` was written. */
  wrote(): void {
    if (this.#forgetful) return;
    this.#next += 1;
    if (this.#next > this.#everWritten) this.#everWritten = this.#next;
  }

  /** Drops `next`: the transfer has failed, and nobody needs that record any more. */
  skip(): void {
    const [gone] = this.#records.splice(this.#next - this.#confirmed, 1);
    this.#heldBytes -= gone?.heldBytes ?? 0;
  }

  /**
   * The peer says how many records it has.
   *
   * @returns whether these are more than before
   * @throws CrocError `protocol_error` when that cannot be
   */
  confirm(count: number): boolean {
    return this.#confirm(count, this.#next);
  }

  /** Another connection begins: the peer says how many records it has, all others are to be written. */
  rewind(count: number): void {
    this.#confirm(count, this.#everWritten);
    this.#next = count;
  }

  /** The peer cannot reconnect: nothing needs to be remembered. */
  forget(): void {
    this.#forgetful = true;
    this.#records = [];
    this.#heldBytes = 0;
  }

  #confirm(count: number, most: number): boolean {
    if (count < this.#confirmed || count > most)
      throw new CrocError('protocol_error', { detail: 'a position that cannot be' });
    if (count === this.#confirmed) return false;
    const gone = this.#records.splice(0, count - this.#confirmed);
    this.#confirmed = count;
    for (const record of gone) {
      this.#heldBytes -= record.heldBytes;
      record.confirmed?.();
    }
    return true;
  }
}
