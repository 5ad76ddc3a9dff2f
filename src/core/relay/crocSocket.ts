/** A connection of a croc client while it introduces itself: whole frames in, whole frames out. */
import type { Socket } from 'node:net';
import { deferred } from '../async.js';
import type { Deferred } from '../async.js';
import { CrocError } from '../errors.js';
import { CrocFrameReader, encodeCrocFrame } from '../wire/crocFrame.js';

/** Bytes of a frame before the staple, at most: the largest is a message of the key exchange. */
const MAX_BODY_BYTES = 8192;

/** A socket that speaks frames until it is released. */
export class CrocSocket {
  readonly #socket: Socket;
  readonly #reader = new CrocFrameReader(MAX_BODY_BYTES);
  #wanted: Deferred<Buffer> | undefined;
  #over: CrocError | undefined;

  /** @param head - bytes that were read from the socket already */
  constructor(socket: Socket, head: Uint8Array) {
    this.#socket = socket;
    this.#reader.push(head);
    socket.on('data', this.#onData).once('end', this.#onGone).once('close', this.#onGone);
    socket.resume();
  }

  /**
   * The next body. Ask again only when this has settled.
   *
   * @throws CrocError `connection_lost` when the client goes away, `protocol_error` for what is no frame, or
   *   what `fail` was given
   */
  read(): Promise<Buffer> {
    const wanted = deferred<Buffer>();
    this.#wanted = wanted;
    this.#serve();
    return wanted.promise;
  }

  /** Sends one body. */
  send(body: Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(encodeCrocFrame(body));
  }

  /** Ends every wait with `error`. */
  fail(error: CrocError): void {
    this.#over ??= error;
    this.#serve();
  }

  /** Lets go of the socket, paused. @returns bytes that came already and belong to the peer */
  release(): Buffer {
    this.#socket.off('data', this.#onData).off('end', this.#onGone).off('close', this.#onGone);
    this.#socket.pause();
    return this.#reader.rest;
  }

  #serve(): void {
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    try {
      const body = this.#reader.next();
      if (body === undefined && this.#over === undefined) return;
      this.#wanted = undefined;
      if (body === undefined) wanted.reject(this.#over);
      else wanted.resolve(body);
    } catch (error) {
      this.#wanted = undefined;
      wanted.reject(error);
    }
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#reader.push(chunk);
    // What is not asked for yet waits in the reader; more than a few frames of it is an abuse.
    if (this.#reader.rest.length > 4 * MAX_BODY_BYTES) this.#socket.pause();
    this.#serve();
  };

  readonly #onGone = (): void => {
    this.fail(new CrocError('connection_lost'));
  };
}
