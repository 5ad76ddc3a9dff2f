/** The password of a relay (docs/protocol.md, "A relay with a password"). */
import { createHash, timingSafeEqual } from 'node:crypto';

/** Bytes of an `Authorization` header that is looked at, at most. */
const MAX_HEADER_BYTES = 4096;

/** Compares what clients say with the relay's password; keeps only its hash. */
export class RelayPassword {
  readonly #hash: Buffer;

  /** @param password - as people type it; both sides send its UTF-8 bytes as base64 */
  constructor(password: string) {
    this.#hash = hash(encode(password));
  }

  /**
   * Tells whether a request may come in. Takes the same time whatever differs.
   * @param header - its `Authorization` header
   */
  admits(header: string | undefined): boolean {
    if (header === undefined || header.length > MAX_HEADER_BYTES) return false;
    const token = /^Bearer +([A-Za-z0-9+/=_.~-]+) *$/i.exec(header)?.[1];
    return timingSafeEqual(hash(token ?? ''), this.#hash) && token !== undefined;
  }
}

function encode(password: string): string {
  return Buffer.from(password).toString('base64');
}

function hash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
