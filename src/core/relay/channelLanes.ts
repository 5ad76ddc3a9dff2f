/** The TCP connections of one channel: who stands where, and what is stapled. */
import type { RelayErrorCode } from '../errors.js';
import type { Role } from '../types.js';
import { MAX_LANES } from '../wire/http.js';
import type { Meter } from './meter.js';
import { Staple } from './staple.js';
import type { LaneEnd } from './staple.js';

/** One lane: up to one party that waits for the other, or a staple. */
interface Port {
  waiting: { readonly role: Role; readonly end: LaneEnd } | undefined;
  staple: Staple | undefined;
}

/** Who is told what. */
interface Notices {
  /** Every port that the parties use has a staple, for the first time. */
  readonly onStapled: () => void;
  /** No connection is left. */
  readonly onEmpty: () => void;
  /** Counts what passes, and may slow it down. */
  readonly meter?: Meter | undefined;
}

/** The lanes of one channel. */
export class ChannelLanes {
  readonly name: string;
  readonly #ports: readonly Port[];
  readonly #notices: Notices;
  /** Connections that are open, or on their way in. */
  #held = 0;
  #ended = false;
  #sender: string | undefined;
  #stapled = false;
  #expected: number;
  /** Bytes of staples and waiting connections that are gone. */
  #goneStapled = 0;
  #goneWaiting = 0;
  #seenBytes = 0;

  /** @param count - number of ports */
  constructor(name: string, count: number, notices: Notices) {
    this.name = name;
    this.#notices = notices;
    this.#expected = count;
    const length = Math.max(count, MAX_LANES);
    this.#ports = Array.from({ length }, () => ({ waiting: undefined, staple: undefined }));
  }

  /**
   * Tells whether these are the lanes of the channel that this sender opened. A name can come back
   * for another channel; whoever asks first decides which one these are of.
   * @param sender - what the relay keeps of the sender's capability
   */
  belongTo(sender: string): boolean {
    this.#sender ??= sender;
    return this.#sender === sender;
  }

  /** Says how many of the ports, from the first on, the parties use: `stapled` waits for no other. */
  expect(lanes: number): void {
    this.#expected = lanes;
  }

  /** Bytes that came into this channel's staples. */
  get stapledBytes(): number {
    return this.#ports.reduce((sum, { staple }) => sum + (staple?.bytes ?? 0), this.#goneStapled);
  }

  /** Tells whether bytes moved since the last call. */
  moved(): boolean {
    let bytes = this.stapledBytes + this.#goneWaiting;
    for (const { waiting } of this.#ports) bytes += waiting?.end.bytes ?? 0;
    const moved = bytes !== this.#seenBytes;
    this.#seenBytes = bytes;
    return moved;
  }

  /** Keeps this from being empty until the answer is called, once. */
  hold(): () => void {
    this.#held += 1;
    return () => {
      this.#held -= 1;
      if (this.#held === 0) this.#notices.onEmpty();
    };
  }

  /** Why nobody may connect any more, if that is so. */
  get refusal(): RelayErrorCode | undefined {
    return this.#ended ? 'channel_closed' : undefined;
  }

  /**
   * Takes a connection and staples it when the other party waits. It takes the place of the party's
   * older one: a network that was cut leaves connections that only the client knows to be dead. A staple
   * that the older one was in is cut, so that the peer connects anew as well.
   */
  put(index: number, role: Role, end: LaneEnd): void {
    const port = this.#ports[index];
    if (port === undefined) return;
    end.socket.once('close', this.hold());
    this.#clear(port, role);
    const { waiting } = port;
    if (waiting === undefined) {
      port.waiting = { role, end };
      end.socket.once('close', () => {
        if (port.waiting?.end === end) this.#clear(port, role);
      });
    } else {
      port.waiting = undefined;
      this.#join(port, role === 'sender' ? [end, waiting.end] : [waiting.end, end]);
    }
  }

  /** The channel's lanes are elsewhere now: whoever waits here waits in vain. What is stapled goes on. */
  movedAway(): void {
    for (const { waiting } of this.#ports) waiting?.end.socket.destroy();
  }

  /** The channel has ended: destroys everything. */
  end(): void {
    this.#ended = true;
    for (const { waiting, staple } of this.#ports) {
      waiting?.end.socket.destroy();
      staple?.cut();
    }
  }

  #join(port: Port, [sender, recipient]: readonly [LaneEnd, LaneEnd]): void {
    const staple = new Staple(
      sender,
      recipient,
      () => {
        if (port.staple === staple) this.#unstaple(port);
      },
      this.#notices.meter,
    );
    port.staple = staple;
    const expected = this.#ports.slice(0, this.#expected);
    if (this.#stapled || expected.some((one) => one.staple === undefined)) return;
    this.#stapled = true;
    this.#notices.onStapled();
  }

  /** Makes room for another connection of `role`. */
  #clear(port: Port, role: Role): void {
    this.#unstaple(port);
    if (port.waiting?.role !== role) return;
    this.#goneWaiting += port.waiting.end.bytes;
    port.waiting.end.socket.destroy();
    port.waiting = undefined;
  }

  #unstaple(port: Port): void {
    this.#goneStapled += port.staple?.bytes ?? 0;
    port.staple?.cut();
    port.staple = undefined;
  }
}
