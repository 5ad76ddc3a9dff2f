/**
 * Frames of croc's own protocol: `croc` ‖ u32 LE length ‖ body, on every socket that croc opens
 * (docs/croc.md, "The relay"). Knows nothing of sockets.
 */
import { CrocError } from '../errors.js';

/** What every frame starts with, and so what tells a croc client from one of ours. */
export const CROC_MAGIC = Buffer.from('croc', 'ascii');
/** Bytes in front of a body. */
export const CROC_HEADER_BYTES = CROC_MAGIC.length + 4;

/** One frame around a body. */
export function encodeCrocFrame(body: Uint8Array): Buffer {
  const header = Buffer.allocUnsafe(CROC_HEADER_BYTES);
  CROC_MAGIC.copy(header);
  header.writeUInt32LE(body.length, CROC_MAGIC.length);
  return Buffer.concat([header, body]);
}

/** Cuts a stream into bodies. */
export class CrocFrameReader {
  readonly #maxBytes: number;
  #held = Buffer.alloc(0);

  /** @param maxBytes - of one body; an announced length above it is an error before anything is kept */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that belong to no whole frame yet. */
  get rest(): Buffer {
    return this.#held;
  }

  /** Takes bytes as they come from a socket. */
  push(bytes: Uint8Array): void {
    this.#held = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
  }

  /**
   * Takes the next whole body out; undefined until there is one.
   *
   * @throws CrocError `protocol_error` for other bytes than a frame's, or a body that is too long
   */
  next(): Buffer | undefined {
    const magic = Math.min(this.#held.length, CROC_MAGIC.length);
    if (!this.#held.subarray(0, magic).equals(CROC_MAGIC.subarray(0, magic)))
      throw new CrocError('protocol_error', { detail: 'not a frame of croc' });
    if (this.#held.length < CROC_HEADER_BYTES) return undefined;
    const length = this.#held.readUInt32LE(CROC_MAGIC.length);
    if (length > this.#maxBytes)
      throw new CrocError('protocol_error', { detail: `a frame of ${length} bytes` });
    const end = CROC_HEADER_BYTES + length;
    if (this.#held.length < end) return undefined;
    const body = this.#held.subarray(CROC_HEADER_BYTES, end);
    this.#held = this.#held.subarray(end);
    return body;
  }
}
