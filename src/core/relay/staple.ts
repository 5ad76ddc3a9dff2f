/** One party's connection on one lane, and the staple that joins two of them. */
import type { Socket } from 'node:net';
import { release } from '../wire/memory.js';

/** A connection of one party that was let in. */
export class LaneEnd {
  readonly socket: Socket;
  readonly #headBytes: number;
  readonly #limitBytes: number;
  readonly #early: Buffer[] = [];
  #earlyBytes = 0;
  #ended = false;

  /**
   * @param rest - bytes of the stream that came along with the first line
   * @param limitBytes - how much is kept for a peer that is not there yet
   */
  constructor(socket: Socket, rest: Buffer, limitBytes: number) {
    this.socket = socket;
    this.#headBytes = socket.bytesRead - rest.length;
    this.#limitBytes = limitBytes;
    socket.once('end', () => (this.#ended = true));
    // Reading on while alone is the only way to hear that the client has gone. What it sends
    // meanwhile is kept up to a bound; from there on TCP makes it wait.
    socket.on('data', this.#keep);
    if (rest.length > 0) this.#keep(rest);
    if (this.#earlyBytes < limitBytes) socket.resume();
  }

  /** Bytes of the stream that came from this party. */
  get bytes(): number {
    return Math.max(0, this.socket.bytesRead - this.#headBytes);
  }

  /** Passes everything on to `peer`: what was kept, what comes, and the end. */
  pipeTo(peer: LaneEnd): void {
    this.socket.off('data', this.#keep);
    for (const chunk of this.#early.splice(0)) peer.socket.write(chunk);
    this.socket.on('data', (chunk: Buffer) => {
      if (!peer.socket.write(chunk, () => release(chunk))) this.#waitFor(peer.socket);
    });
    if (this.#ended) peer.socket.end();
    else this.socket.once('end', () => peer.socket.end());
    this.socket.resume();
  }

  /** Reads nothing more until `peer` has room again. */
  #waitFor(peer: Socket): void {
    this.socket.pause();
    peer.once('drain', () => this.socket.resume());
  }

  readonly #keep = (chunk: Buffer): void => {
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes >= this.#limitBytes) this.socket.pause();
  };
}

/**
 * Two connections joined: bytes pass unchanged both ways, as fast as the slower side takes them;
 * the end of one direction passes through; when one connection dies the other is destroyed.
 */
export class Staple {
  readonly sender: LaneEnd;
  readonly recipient: LaneEnd;

  /** @param onOver - called once, when both connections are gone or were cut */
  constructor(sender: LaneEnd, recipient: LaneEnd, onOver: () => void) {
    this.sender = sender;
    this.recipient = recipient;
    let open = 2;
    const onClose = (socket: Socket): void => {
      open -= 1;
      // After both directions were finished in order, the other connection may still have to
      // write what it holds; it closes by itself.
      if (!endedInOrder(socket)) this.cut();
      if (open === 0) onOver();
    };
    for (const { socket } of [sender, recipient]) socket.once('close', () => onClose(socket));
    sender.pipeTo(recipient);
    recipient.pipeTo(sender);
  }

  /** Bytes that came from both sides. */
  get bytes(): number {
    return this.sender.bytes + this.recipient.bytes;
  }

  /** Destroys both connections. */
  cut(): void {
    this.sender.socket.destroy();
    this.recipient.socket.destroy();
  }
}

function endedInOrder(socket: Socket): boolean {
  return socket.readableEnded && socket.writableFinished && socket.errored === null;
}
