/**
 * Sealed records: `u32 BE length ‖ AES-256-GCM(plaintext) ‖ tag`. The length counts what follows it
 * and is authenticated; the nonce is a counter that is never on the wire, so a record that was
 * dropped, repeated, reordered, moved or reflected does not open. Knows nothing of sockets.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { CrocError } from '../errors.js';
import { LENGTH_BYTES, MAX_PLAINTEXT_BYTES, TAG_BYTES } from './limits.js';

const CIPHER = 'aes-256-gcm';
const MAX_BODY_BYTES = MAX_PLAINTEXT_BYTES + TAG_BYTES;

/** 96-bit nonce: four zero bytes and the record's number as u64 BE. */
class Nonce {
  readonly #bytes = Buffer.alloc(12);
  #count = 0;

  next(): Buffer {
    // 2^53 records of at least a byte are beyond every transfer; past it a nonce could repeat.
    if (this.#count >= Number.MAX_SAFE_INTEGER)
      throw new CrocError('limit_exceeded', { detail: 'too many records on one lane' });
    this.#bytes.writeUInt32BE(Math.floor(this.#count / 0x1_0000_0000), 4);
    this.#bytes.writeUInt32BE(this.#count >>> 0, 8);
    this.#count += 1;
    return this.#bytes;
  }
}

/** Seals the records of one direction of a lane. A key for sealing cannot open. */
export class Sealer {
  readonly #key: Uint8Array;
  readonly #nonce = new Nonce();

  /** @param key - 32 bytes, from `laneKey`, for this writer */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /**
   * Seals one record.
   *
   * @param parts - the plaintext in pieces, together 1 to `MAX_PLAINTEXT_BYTES` bytes; they can be
   *   reused as soon as this returns
   * @returns the record's bytes in pieces, in order
   */
  seal(parts: readonly Uint8Array[]): Buffer[] {
    let plainBytes = 0;
    for (const part of parts) plainBytes += part.length;
    if (plainBytes < 1 || plainBytes > MAX_PLAINTEXT_BYTES)
      throw new CrocError('internal', { detail: `a record of ${plainBytes} bytes` });
    const header = Buffer.allocUnsafe(LENGTH_BYTES);
    header.writeUInt32BE(plainBytes + TAG_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, this.#nonce.next(), {
      authTagLength: TAG_BYTES,
    });
    cipher.setAAD(header);
    const sealed = parts.map((part) => cipher.update(part));
    cipher.final();
    return [header, ...sealed, cipher.getAuthTag()];
  }
}

/**
 * Opens the records of one direction of a lane. Bytes go straight into its buffer: ask `space()` for
 * where to put them, tell `filled()` how many came.
 */
export class Opener {
  readonly #key: Uint8Array;
  readonly #nonce = new Nonce();
  readonly #buffer = Buffer.allocUnsafeSlow(LENGTH_BYTES + MAX_BODY_BYTES);
  #start = 0;
  #end = 0;

  /** @param key - 32 bytes, from `laneKey`, for the peer as writer */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** Whether bytes of an unfinished record are held; then a stream that ends was cut. */
  get partial(): boolean {
    return this.#end > this.#start;
  }

  /** Free room behind what is held; never empty between two calls of `filled`. */
  space(): Buffer {
    return this.#buffer.subarray(this.#end);
  }

  /**
   * Takes the `count` bytes that were written into `space()`.
   *
   * @returns the plaintexts that are whole now, in order; each is fresh memory
   * @throws CrocError `protocol_error` for an impossible length, before anything is buffered for it;
   *   `tampered` when a record does not open
   */
  filled(count: number): Buffer[] {
    this.#end += count;
    const records: Buffer[] = [];
    for (;;) {
      const held = this.#end - this.#start;
      if (held < LENGTH_BYTES) break;
      const bodyBytes = this.#buffer.readUInt32BE(this.#start);
      if (bodyBytes <= TAG_BYTES || bodyBytes > MAX_BODY_BYTES)
        throw new CrocError('protocol_error', { detail: `a record of ${bodyBytes} bytes` });
      if (held < LENGTH_BYTES + bodyBytes) break;
      records.push(this.#open(bodyBytes));
      this.#start += LENGTH_BYTES + bodyBytes;
    }
    this.#makeRoom();
    return records;
  }

  /** Copies bytes in and takes them; for tests and for what came with the preamble. */
  push(bytes: Uint8Array): Buffer[] {
    const records: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      const space = this.space();
      const part = bytes.subarray(at, at + space.length);
      space.set(part);
      records.push(...this.filled(part.length));
      at += part.length;
    }
    return records;
  }

  #open(bodyBytes: number): Buffer {
    const header = this.#buffer.subarray(this.#start, this.#start + LENGTH_BYTES);
    const body = this.#buffer.subarray(
      this.#start + LENGTH_BYTES,
      this.#start + LENGTH_BYTES + bodyBytes,
    );
    const decipher = createDecipheriv(CIPHER, this.#key, this.#nonce.next(), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(header);
    decipher.setAuthTag(body.subarray(bodyBytes - TAG_BYTES));
    const plaintext = decipher.update(body.subarray(0, bodyBytes - TAG_BYTES));
    try {
      decipher.final();
    } catch (cause) {
      throw new CrocError('tampered', { cause });
    }
    return plaintext;
  }

  /** Moves an unfinished record to the front once the rest of it would not fit behind it. */
  #makeRoom(): void {
    if (this.#start === this.#end) {
      this.#start = 0;
      this.#end = 0;
    } else if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
  }
}
