/** One party's connection on one lane, and the staple that joins two of them. */
import type { Socket } from 'node:net';
import { release } from '../wire/memory.js';
import type { Meter } from './meter.js';
import { Turn, Turns } from './turns.js';

/** The event loop is this thread's, and so are its turns. */
const turns = new Turns();

/** A connection of one party that was let in. */
export class LaneEnd {
  readonly socket: Socket;
  readonly #headBytes: number;
  readonly #limitBytes: number;
  readonly #early: Buffer[] = [];
  #earlyBytes = 0;
  #ended = false;
  /** Why nothing is read at the moment: the peer has no room, the rate is used up, or it is others' turn. */
  #full = false;
  #slow = false;
  readonly #turn: Turn;
  #cancelWait: () => void = () => undefined;

  /**
   * @param rest - bytes of the stream that came along with the first line
   * @param limitBytes - how much is kept for a peer that is not there yet
   */
  constructor(socket: Socket, rest: Buffer, limitBytes: number) {
    this.socket = socket;
    this.#headBytes = socket.bytesRead - rest.length;
    this.#limitBytes = limitBytes;
    this.#turn = new Turn(
      turns,
      () => void socket.pause(),
      () => this.#readOn(),
    );
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

  /**
   * Passes everything on to `peer`: what was kept, what comes, and the end.
   * @param meter - counts it, and may slow it down
   */
  pipeTo(peer: LaneEnd, meter: Meter | undefined): void {
    this.socket.off('data', this.#keep);
    for (const chunk of this.#early.splice(0)) this.#pass(chunk, peer.socket, meter);
    this.socket.on('data', (chunk: Buffer) =>
      this.#pass(chunk, peer.socket, meter, () => release(chunk)),
    );
    this.socket.once('close', () => this.#cancelWait());
    if (this.#ended) peer.socket.end();
    else this.socket.once('end', () => peer.socket.end());
    this.#readOn();
  }

  #pass(chunk: Buffer, peer: Socket, meter: Meter | undefined, written?: () => void): void {
    if (!peer.write(chunk, written) && !this.#full) {
      this.#full = true;
      this.socket.pause();
      peer.once('drain', () => {
        this.#full = false;
        this.#readOn();
      });
    }
    this.#turn.count(chunk.length);
    const waitMs = meter?.passed(chunk.length) ?? 0;
    if (meter === undefined || waitMs === 0) return;
    this.#cancelWait(); // the newer wait is the longer one
    this.#slow = true;
    this.socket.pause();
    this.#cancelWait = meter.after(waitMs, () => {
      this.#slow = false;
      this.#readOn();
    });
  }

  /** Reads on when `peer` has room, the rate allows it, and it is this one's turn. */
  #readOn(): void {
    if (!this.#full && !this.#slow && !this.#turn.over) this.socket.resume();
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

  /**
   * @param onOver - called once, when both connections are gone or were cut
   * @param meter - counts what passes, and may slow it down
   */
  constructor(sender: LaneEnd, recipient: LaneEnd, onOver: () => void, meter?: Meter) {
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
    sender.pipeTo(recipient, meter);
    recipient.pipeTo(sender, meter);
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
