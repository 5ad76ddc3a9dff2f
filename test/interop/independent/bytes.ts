/** Takes exact numbers of bytes from a socket, with a bound on what waits in memory. */
import type { Socket } from 'node:net';
import { PeerError } from './fields.js';

const PAUSE_BYTES = 4 << 20;

/** The bytes of one socket in order. Only one read at a time. */
export class ByteReader {
  #chunks: Buffer[] = [];
  #waiting = 0;
  #state: 'open' | 'ended' | 'broken' = 'open';
  #wake: (() => void) | undefined;

  constructor(private readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#waiting += chunk.length;
      if (this.#waiting > PAUSE_BYTES) socket.pause();
      this.#wake?.();
    });
    socket.on('end', () => this.#finish('ended'));
    socket.on('error', () => this.#finish('broken'));
    socket.on('close', () => this.#finish('broken'));
  }

  #finish(state: 'ended' | 'broken'): void {
    if (this.#state === 'open') this.#state = state;
    this.#wake?.();
  }

  async #more(): Promise<void> {
    if (this.#state !== 'open') throw new PeerError('connection_lost', this.#state);
    this.socket.resume();
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
  }

  /** Exactly this many bytes. @throws PeerError `connection_lost` when the stream is over before */
  async take(length: number): Promise<Buffer> {
    while (this.#waiting < length) await this.#more();
    const all = this.#chunks.length === 1 ? this.#chunks[0] : undefined;
    const joined = all ?? Buffer.concat(this.#chunks);
    this.#waiting -= length;
    this.#chunks = this.#waiting > 0 ? [joined.subarray(length)] : [];
    return joined.subarray(0, length);
  }

  /** Everything up to a line feed, without it. */
  async line(maxBytes: number): Promise<string> {
    const bytes: number[] = [];
    for (;;) {
      const [byte] = await this.take(1);
      if (byte === 0x0a) return Buffer.from(bytes).toString('utf8');
      if (byte !== undefined) bytes.push(byte);
      if (bytes.length > maxBytes) throw new PeerError('protocol_error', 'long line');
    }
  }

  /** Waits for the end of the stream. @returns `ended` (FIN) or `broken`; bytes left are dropped */
  async over(): Promise<'ended' | 'broken'> {
    for (;;) {
      this.#chunks = [];
      this.#waiting = 0;
      if (this.#state !== 'open') return this.#state;
      this.socket.resume();
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
  }
}
