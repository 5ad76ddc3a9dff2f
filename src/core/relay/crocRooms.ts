/** Where two croc clients meet: rooms by name, each with one client that waits or two that are stapled. */
import type { Socket } from 'node:net';
import type { Clock } from '../edges.js';
import { encodeCrocFrame } from '../wire/crocFrame.js';
import type { RelayEvent } from './events.js';
import { RateLimiter } from './limits.js';
import type { CountedLimit, RelayLimits } from './limits.js';
import { LaneEnd, Staple } from './staple.js';

/** Between two signs of life to a client that waits. */
const KEEP_ALIVE_MS = 1000;
const KEEP_ALIVE = encodeCrocFrame(Uint8Array.of(1));

/** What the relay says to somebody who wants into a room. */
export type Entry = 'ok' | 'room full' | 'rate limited';

interface Room {
  readonly first: LaneEnd;
  staple: Staple | undefined;
  /** Stops signs of life and the clock of a room that waits. */
  readonly settle: () => void;
}

/** What rooms need. */
export interface CrocRoomsParts {
  readonly clock: Clock;
  readonly limits: RelayLimits;
  /** Whether nobody new may begin to wait, because the relay is about to stop. */
  readonly draining: () => boolean;
  readonly onEvent: (event: RelayEvent) => void;
  /** Told when somebody left a room. */
  readonly onRooms: () => void;
}

/** The rooms of a relay. */
export class CrocRooms {
  readonly #parts: CrocRoomsParts;
  readonly #rooms = new Map<string, Room>();
  readonly #byAddress: RateLimiter;
  readonly #byRoom: RateLimiter;
  #goneBytes = 0;

  constructor(parts: CrocRoomsParts) {
    this.#parts = parts;
    this.#byAddress = new RateLimiter(parts.limits.crocJoinsPerMinute);
    this.#byRoom = new RateLimiter(parts.limits.crocJoinsPerMinute);
  }

  /** Bytes that came into staples so far. */
  get bytes(): number {
    let bytes = this.#goneBytes;
    for (const { staple } of this.#rooms.values()) bytes += staple?.bytes ?? 0;
    return bytes;
  }

  /** Rooms with somebody in it. */
  get size(): number {
    return this.#rooms.size;
  }

  /** Rooms with two in it. */
  get stapled(): number {
    return [...this.#rooms.values()].filter(({ staple }) => staple !== undefined).length;
  }

  /** Whether a client may come in; counts as an attempt. @param address - as `addressKey` gives it */
  check(name: string, address: string): Entry {
    const now = this.#parts.clock.now();
    const often =
      this.#byAddress.take(address, now) !== undefined ||
      this.#byRoom.take(name, now) !== undefined;
    if (often) {
      this.#limited('crocJoinsPerMinute');
      return 'rate limited';
    }
    const room = this.#rooms.get(name);
    // croc has no word for a relay that is about to stop.
    if (room === undefined && this.#parts.draining()) return 'room full';
    return room?.staple === undefined ? 'ok' : 'room full';
  }

  /** Takes in a client that was told `ok`. @param rest - what it has said already to its peer */
  enter(name: string, socket: Socket, rest: Buffer): void {
    const room = this.#rooms.get(name);
    const end = new LaneEnd(socket, rest, this.#parts.limits.laneBufferBytes);
    if (room === undefined) this.#wait(name, end);
    else this.#join(name, room, end);
  }

  #wait(name: string, first: LaneEnd): void {
    const { clock, limits } = this.#parts;
    this.#evict();
    let stop: () => void;
    const tick = (): void => {
      stop = clock.after(KEEP_ALIVE_MS, tick);
      // A client that does not read its signs of life gets no more of them.
      if (first.socket.writableLength === 0) first.socket.write(KEEP_ALIVE);
    };
    tick();
    const stopWaiting = clock.after(limits.crocWaitMs, () => {
      this.#limited('crocWaitMs');
      first.socket.destroy();
    });
    const settle = (): void => {
      stop();
      stopWaiting();
    };
    const room: Room = { first, staple: undefined, settle };
    this.#rooms.set(name, room);
    // A client that ends its side while it is alone has gone.
    first.socket.once('end', () => {
      if (room.staple === undefined) first.socket.destroy();
    });
    first.socket.once('close', () => {
      settle();
      if (room.staple === undefined) this.#forget(name, room);
    });
  }

  #join(name: string, room: Room, second: LaneEnd): void {
    room.settle();
    room.staple = new Staple(room.first, second, () => this.#forget(name, room));
  }

  #forget(name: string, room: Room): void {
    if (this.#rooms.get(name) !== room) return;
    this.#rooms.delete(name);
    this.#goneBytes += room.staple?.bytes ?? 0;
    this.#parts.onRooms();
  }

  #evict(): void {
    let waiting = 0;
    let oldest: Room | undefined;
    for (const room of this.#rooms.values()) {
      if (room.staple !== undefined) continue;
      oldest ??= room;
      waiting += 1;
    }
    if (waiting < this.#parts.limits.crocRooms) return;
    this.#limited('crocRooms');
    oldest?.first.socket.destroy();
  }

  #limited(limit: CountedLimit): void {
    this.#parts.onEvent({ kind: 'limited', limit });
  }
}
