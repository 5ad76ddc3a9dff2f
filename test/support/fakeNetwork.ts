/**
 * A relay and a network in memory, for tests of the data plane: every decision (how bytes are split, when
 * they come, what is cut, lost in a hole, refused or changed) is drawn from one source, so that a seed gives
 * one behaviour.
 */
import type { OnReadOpts } from 'node:net';
import { Duplex } from 'node:stream';
import type { Dial, LaneAddress } from '../../src/core/transfer/laneConnection.js';
import type { Role } from '../../src/core/types.js';

/** How bad the network is. Chances are per piece of bytes that passes, or per dial. */
export interface Weather {
  /** Of a connection to break, seen by both ends. */
  readonly cut: number;
  /** Of a connection to swallow everything from now on without a sign. */
  readonly hole: number;
  /** Of a dial to fail. */
  readonly refuse: number;
  /** Of bytes to be changed, dropped, doubled, or taken from an older connection. */
  readonly tamper: number;
  /** Of a connection to be slow: each of its pieces takes a while, so that what other lanes bring overtakes it. */
  readonly slow: number;
  /** How many cuts, holes and refusals there are at most; then the network is good. */
  readonly troubles: number;
}

type Draw = () => number;

/** How long a piece on a slow connection takes at most, milliseconds. */
const SLOW_MS = 12;

/** One party's end of a connection. */
export class FakeSocket extends Duplex {
  #onread: OnReadOpts;
  #inbox: Buffer[] = [];
  #finCame = false;
  #paused = false;
  #late = false;
  constructor(
    readonly role: Role,
    readonly where: LaneAddress,
    readonly net: FakeNetwork,
    onread: OnReadOpts,
  ) {
    super({ allowHalfOpen: true, autoDestroy: false });
    this.#onread = onread;
  }

  peer: FakeSocket | undefined;
  admitted = false;
  hole = false;
  slow = false;
  line = '';
  early: { chunk: Buffer; done: () => void }[] = [];
  finSaid = false;

  override _read(): void {
    // Bytes go into the buffers of `onread`.
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.net.take(this, chunk, done);
  }

  override _final(done: () => void): void {
    this.finSaid = true;
    done();
    this.net.fin(this);
    this.#closeWhenOver();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.net.gone(this);
    done(error);
  }

  override resume(): this {
    this.#paused = false;
    setImmediate(() => this.#pump());
    return this;
  }

  /** Lets nothing in for a while, milliseconds. */
  delay(ms: number): void {
    this.#late = true;
    setTimeout(() => {
      this.#late = false;
      this.#pump();
    }, ms);
  }

  /** Bytes from the network. */
  deliver(bytes: Buffer): void {
    this.#inbox.push(bytes);
    this.#pump();
  }

  /** The end from the network. */
  deliverFin(): void {
    this.#finCame = true;
    this.#pump();
  }

  #pump(): void {
    if (this.#late) return;
    while (!this.#paused && !this.destroyed) {
      const next = this.#inbox.shift();
      if (!next) break;
      const buffer = this.#onread.buffer;
      const space = typeof buffer === 'function' ? buffer() : buffer;
      const count = Math.min(space.length, next.length);
      space.set(next.subarray(0, count));
      if (count < next.length) this.#inbox.unshift(next.subarray(count));
      if (!this.#onread.callback(count, space)) this.#paused = true;
    }
    if (this.#finCame && this.#inbox.length === 0 && !this.#paused && !this.destroyed) {
      this.#finCame = false;
      this.emit('end');
      this.ended = true;
      this.#closeWhenOver();
    }
  }

  ended = false;
  #closeWhenOver(): void {
    if (this.ended && this.finSaid) setImmediate(() => this.destroy());
  }
}

/** Joins the two parties of one channel, lane by lane; the newest connection of a party wins. */
export class FakeNetwork {
  readonly #draw: Draw;
  readonly #weather: Weather;
  readonly #places = new Map<string, FakeSocket>();
  readonly #recorded: Buffer[] = [];
  #troubles = 0;
  #closed = false;
  tampered = false;
  /** While this says no, the weather is fine for a party. */
  stormy: (role: Role) => boolean = () => true;
  /** How long a party takes to connect, milliseconds. */
  connectMs: (role: Role) => number = () => 0;
  /** Connections that were dialled. */
  dials = 0;

  /** @param draw - numbers from 0 to below 1 */
  constructor(draw: Draw, weather: Weather) {
    this.#draw = draw;
    this.#weather = weather;
  }

  /** How a party dials. */
  dialAs(role: Role): Dial {
    return (where, onread) => {
      const socket = new FakeSocket(role, where, this, onread);
      socket.slow = this.#draw() < this.#weather.slow;
      this.dials += 1;
      const connect = (): void => {
        if (socket.destroyed) return;
        if (this.#trouble(role, this.#weather.refuse)) socket.destroy(new Error('refused'));
        else socket.emit('connect');
      };
      const ms = this.connectMs(role);
      if (ms > 0) setTimeout(connect, ms);
      else setImmediate(connect);
      return socket;
    };
  }

  /** The channel is closed: nobody is let in any more, and who is in is cut. */
  close(): void {
    this.#closed = true;
    for (const socket of [...this.#places.values()]) socket.destroy();
  }

  /** Bytes from a party. */
  take(from: FakeSocket, chunk: Buffer, done: () => void): void {
    const bytes = Buffer.from(chunk);
    if (!from.admitted) this.#admit(from, bytes, done);
    else if (!from.peer) from.early.push({ chunk: bytes, done });
    else this.#pass(from, bytes, done);
  }

  /** A party half-closes. */
  fin(from: FakeSocket): void {
    const { peer } = from;
    if (peer && !from.hole) setImmediate(() => peer.deliverFin());
  }

  /** A party's connection is gone. */
  gone(socket: FakeSocket): void {
    const key = this.#key(socket);
    if (this.#places.get(key) === socket) this.#places.delete(key);
    const { peer } = socket;
    if (!peer || socket.hole) return;
    const orderly = socket.ended && socket.finSaid;
    if (orderly) return;
    // The relay destroys the other connection, which may look like its end.
    this.#later(() => (this.#draw() < 0.5 ? peer.deliverFin() : peer.destroy()));
  }

  #key(socket: FakeSocket): string {
    return `${socket.role} ${socket.where.index}`;
  }

  #admit(socket: FakeSocket, bytes: Buffer, done: () => void): void {
    socket.line += bytes.toString('latin1');
    const end = socket.line.indexOf('\n');
    if (end < 0) {
      done();
      return;
    }
    const rest = Buffer.from(socket.line.slice(end + 1), 'latin1');
    if (this.#closed) {
      socket.deliver(Buffer.from('{"error":{"code":"channel_closed","message":"m"}}\n'));
      done();
      return;
    }
    socket.admitted = true;
    // What it says may be with the peer before the relay's word is with it; or the word never comes.
    if (socket.slow) socket.delay(1 + Math.floor(this.#draw() * SLOW_MS));
    socket.deliver(Buffer.from('{"ok":true}\n'));
    if (rest.length > 0) socket.early.push({ chunk: rest, done });
    else done();
    this.#enter(socket);
  }

  #enter(socket: FakeSocket): void {
    const key = this.#key(socket);
    const older = this.#places.get(key);
    this.#places.set(key, socket);
    older?.peer?.destroy();
    older?.destroy();
    const other = socket.role === 'sender' ? 'recipient' : 'sender';
    const peer = this.#places.get(`${other} ${socket.where.index}`);
    if (!peer || peer.destroyed || peer.peer) return;
    socket.peer = peer;
    peer.peer = socket;
    for (const end of [socket, peer]) {
      for (const { chunk, done } of end.early.splice(0)) this.#pass(end, chunk, done);
      if (end.finSaid) this.fin(end);
    }
  }

  /** Bytes on their way; a chain per direction keeps their order. */
  #pass(from: FakeSocket, bytes: Buffer, done: () => void): void {
    const { peer } = from;
    if (!peer) return;
    if (this.#trouble(from.role, this.#weather.cut)) {
      from.destroy();
      peer.destroy();
      return;
    }
    if (!from.hole && this.#trouble(from.role, this.#weather.hole)) {
      from.hole = true;
      peer.hole = true;
    }
    if (from.hole) return; // never done: what is written waits for ever
    const changed = this.#tamper(bytes);
    const step = (at: number): void => {
      if (peer.destroyed || from.destroyed || from.hole) return;
      if (at >= changed.length) {
        done();
        return;
      }
      const rest = changed.length - at;
      const length = this.#draw() < 0.7 ? rest : 1 + Math.floor(this.#draw() * rest);
      peer.deliver(changed.subarray(at, at + length));
      this.#later(() => step(at + length));
    };
    if (from.slow) setTimeout(() => step(0), 1 + Math.floor(this.#draw() * SLOW_MS));
    else step(0);
  }

  #later(work: () => void): void {
    const kind = this.#draw();
    if (kind < 0.5) queueMicrotask(work);
    else if (kind < 0.97) setImmediate(work);
    else setTimeout(work, Math.floor(this.#draw() * 4));
  }

  #trouble(role: Role, chance: number): boolean {
    if (this.#troubles >= this.#weather.troubles || this.#draw() >= chance) return false;
    if (!this.stormy(role)) return false;
    this.#troubles += 1;
    return true;
  }

  #tamper(bytes: Buffer): Buffer {
    if (this.#recorded.length < 64) this.#recorded.push(bytes);
    if (this.#draw() >= this.#weather.tamper) return bytes;
    this.tampered = true;
    const at = Math.floor(this.#draw() * bytes.length);
    const old = this.#recorded[Math.floor(this.#draw() * this.#recorded.length)] ?? bytes;
    switch (Math.floor(this.#draw() * 5)) {
      case 0: {
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << Math.floor(this.#draw() * 8));
        return flipped;
      }
      case 1:
        return bytes.subarray(0, at);
      case 2:
        return Buffer.concat([bytes, bytes]);
      case 3:
        return old;
      default:
        return Buffer.concat([bytes.subarray(at), bytes.subarray(0, at)]);
    }
  }
}
