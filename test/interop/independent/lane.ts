/** Preamble, keys and records of one lane (docs/protocol.md, "Data over the lanes"). */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { ByteReader } from './bytes.js';
import { PeerError, parseFields } from './fields.js';
import type { Fields } from './fields.js';
import { frame, sha256 } from './pake.js';

const MAGIC = Buffer.from('CROCLANE', 'ascii');
const SALT_BYTES = 32;
const TAG_BYTES = 16;
const MAX_PLAINTEXT_BYTES = 1_114_112;

/** First byte of a plaintext. */
export const CONTROL = 1;
export const DATA = 2;
export const END = 3;

/** What both parties have agreed on. */
export interface Agreement {
  readonly k: Uint8Array;
  readonly channel: string;
  readonly curve: string;
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

/** Who writes. */
export type Role = 'sender' | 'recipient';

function laneKey(agreed: Agreement, writer: Role, lane: number, salt: Uint8Array): Buffer {
  const { k, channel, curve, x, y } = agreed;
  const extractSalt = sha256(frame('croc-channel/1', channel, curve, x, y));
  const info = frame('croc-channel/1', 'lane', writer, String(lane), salt);
  return Buffer.from(hkdfSync('sha256', k, extractSalt, info, 32));
}

/** One direction's key and counter. */
class Direction {
  #counter = 0n;

  constructor(private readonly key: Uint8Array) {}

  /** 4 zero bytes ‖ u64 BE counter. */
  #nonce(): Buffer {
    const nonce = Buffer.alloc(12);
    nonce.writeBigUInt64BE(this.#counter, 4);
    this.#counter += 1n;
    return nonce;
  }

  /** u32 BE n ‖ ciphertext ‖ tag. */
  seal(plaintext: Uint8Array): Buffer {
    const header = Buffer.alloc(4);
    header.writeUInt32BE(plaintext.length + TAG_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.key, this.#nonce());
    cipher.setAAD(header);
    return Buffer.concat([header, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  }

  /** @throws PeerError `tampered` */
  open(record: Buffer): Buffer {
    const decipher = createDecipheriv('aes-256-gcm', this.key, this.#nonce());
    decipher.setAAD(record.subarray(0, 4));
    decipher.setAuthTag(record.subarray(-TAG_BYTES));
    try {
      const plaintext = decipher.update(record.subarray(4, -TAG_BYTES));
      return Buffer.concat([plaintext, decipher.final()]);
    } catch {
      throw new PeerError('tampered');
    }
  }
}

/** One lane of a party, in both directions. */
export class Lane {
  readonly #writing: Direction;
  #reading: Direction | undefined;
  #ended = false;

  /** Writes the preamble. @param index - position in `ports` */
  constructor(
    readonly socket: Socket,
    readonly reader: ByteReader,
    private readonly agreed: Agreement,
    private readonly role: Role,
    readonly index: number,
  ) {
    const salt = randomBytes(SALT_BYTES);
    socket.write(Buffer.concat([MAGIC, salt]));
    this.#writing = new Direction(laneKey(agreed, role, index, salt));
  }

  /** The next record for this direction; it must then be written. */
  seal(plaintext: Uint8Array): Buffer {
    return this.#writing.seal(plaintext);
  }

  /** Writes bytes as they are and waits for room. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.socket.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        this.socket.off('drain', go).off('close', go);
        resolve();
      };
      this.socket.on('drain', go).on('close', go);
    });
  }

  /** Seals and writes one plaintext. */
  async send(type: number, rest: Uint8Array = Buffer.alloc(0)): Promise<void> {
    await this.write(this.seal(Buffer.concat([Buffer.of(type), rest])));
  }

  /** A control message. */
  async say(message: Fields): Promise<void> {
    if (!this.#ended) await this.send(CONTROL, Buffer.from(JSON.stringify(message), 'utf8'));
  }

  /** The end record and the half-close; once. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.send(END);
    this.socket.end();
  }

  /** The peer's next record with its length, still sealed. @throws PeerError `connection_lost` */
  async nextSealed(): Promise<Buffer> {
    if (this.#reading === undefined) {
      const preamble = await this.reader.take(MAGIC.length + SALT_BYTES);
      if (!preamble.subarray(0, MAGIC.length).equals(MAGIC))
        throw new PeerError('protocol_error', 'preamble');
      const peer = this.role === 'sender' ? 'recipient' : 'sender';
      const salt = preamble.subarray(MAGIC.length);
      this.#reading = new Direction(laneKey(this.agreed, peer, this.index, salt));
    }
    const header = await this.reader.take(4);
    const length = header.readUInt32BE();
    if (length <= TAG_BYTES || length > MAX_PLAINTEXT_BYTES + TAG_BYTES)
      throw new PeerError('protocol_error', `a record of ${length} bytes`);
    return Buffer.concat([header, await this.reader.take(length)]);
  }

  /** Opens what `nextSealed` gave; once, in order. @throws PeerError `tampered` */
  open(record: Buffer): { type: number; rest: Buffer } {
    if (this.#reading === undefined) throw new PeerError('protocol_error', 'no preamble yet');
    const plaintext = this.#reading.open(record);
    return { type: plaintext.readUInt8(), rest: plaintext.subarray(1) };
  }

  /** The peer's next plaintext: its type and the rest. */
  async next(): Promise<{ type: number; rest: Buffer }> {
    return this.open(await this.nextSealed());
  }

  /** The peer's next control message, or undefined at its `end`. */
  async hear(): Promise<Fields | undefined> {
    const { type, rest } = await this.next();
    if (type === END) return undefined;
    if (type !== CONTROL || this.index !== 0)
      throw new PeerError('protocol_error', `record of type ${type} on lane ${this.index}`);
    return parseFields(rest.toString('utf8'));
  }
}
