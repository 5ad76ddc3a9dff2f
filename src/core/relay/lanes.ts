/** The TCP ports of a relay: lets parties in, one a port, and staples them. */
import type { Socket } from 'node:net';
import type { Clock } from '../edges.js';
import { addressKey } from './address.js';
import { errorAnswer, refusedEvent } from './answers.js';
import { laneCount, sameHome } from './channel.js';
import type { Home } from './channel.js';
import { ChannelLanes } from './channelLanes.js';
import type { CrocRelay } from './crocRelay.js';
import type { RelayEvent } from './events.js';
import { parseLaneLine, readFirstLine } from './firstLine.js';
import type { FirstLine } from './firstLine.js';
import type { RelayLimits } from './limits.js';
import { channelOf, parseJson } from './parse.js';
import type { Refusal } from './answers.js';
import { Meters } from './meter.js';
import type { Rendezvous } from './rendezvous.js';
import type { Sockets } from './sockets.js';
import { LaneEnd } from './staple.js';
import type { ChannelStore } from './store.js';

/** How long a refused connection is kept so that its client can read why, milliseconds. */
const LINGER_MS = 1000;
/** After how long without traffic TCP asks whether a client is still there, milliseconds. */
const KEEP_ALIVE_MS = 30_000;

/** What the lanes need. */
export interface LanesParts {
  readonly store: ChannelStore;
  readonly rendezvous: Rendezvous;
  readonly sockets: Sockets;
  readonly clock: Clock;
  readonly limits: RelayLimits;
  /** Where the lanes of this process are. */
  readonly home: Home;
  /** Takes clients that speak croc's own protocol. */
  readonly croc: CrocRelay;
  readonly onEvent: (event: RelayEvent) => void;
  /** Told when a connection came or went. */
  readonly onConnections: () => void;
}

/** All lanes of a relay. */
export class Lanes {
  readonly #parts: LanesParts;
  readonly #channels = new Map<string, ChannelLanes>();
  readonly #meters: Meters;
  #connections = 0;
  #goneBytes = 0;

  constructor(parts: LanesParts) {
    this.#parts = parts;
    this.#meters = new Meters({
      ...parts,
      onOver: (name) => void parts.rendezvous.end(name),
      onSlow: () => parts.onEvent({ kind: 'limited', limit: 'bytesPerSecond' }),
    });
  }

  /** Open connections. */
  get connections(): number {
    return this.#connections;
  }

  /** Channels with connections. */
  get channels(): number {
    return this.#channels.size;
  }

  /** Bytes that came into staples so far. */
  get bytes(): number {
    let bytes = this.#goneBytes + this.#parts.croc.bytes;
    for (const lanes of this.#channels.values()) bytes += lanes.stapledBytes;
    return bytes;
  }

  /** Names of the channels whose bytes moved since this was last asked. */
  busy(): string[] {
    return [...this.#channels.values()].filter((lanes) => lanes.moved()).map(({ name }) => name);
  }

  /** Takes a new connection on port number `index`. Never rejects. */
  async accept(socket: Socket, index: number): Promise<void> {
    const { sockets, clock, limits } = this.#parts;
    const over = sockets.admit(socket);
    if (over === 'cut') return;
    this.#count(1);
    socket.once('close', () => this.#count(-1));
    if (over !== undefined) {
      this.#refuse(socket, over);
      return;
    }
    const first = await readFirstLine(socket, clock, limits.identifyMs);
    if (first === 'gone') socket.destroy();
    else if (first === 'too_large') this.#refuse(socket, { ok: false, code: 'too_large' });
    else if (first === 'slow')
      this.#refuse(socket, { ok: false, code: 'bad_request', limit: 'identifyMs' });
    else if ('croc' in first) await this.#parts.croc.accept(socket, index, first.croc);
    else await this.#enter(socket, index, first);
  }

  #count(change: number): void {
    this.#connections += change;
    this.#parts.onConnections();
  }

  /** Parses the first line and lets the party in, or tells it why not. */
  async #enter(socket: Socket, index: number, { line, rest }: FirstLine): Promise<void> {
    const { rendezvous, limits } = this.#parts;
    const address = addressKey(socket.remoteAddress ?? '');
    if (address === undefined) {
      socket.destroy(); // its peer has gone
      return;
    }
    const json = parseJson(line);
    const laneLine = parseLaneLine(json);
    if (laneLine === undefined) {
      const name = channelOf(json);
      const refusal = name === undefined ? undefined : await rendezvous.knock(name, address);
      this.#refuse(socket, refusal ?? { ok: false, code: 'bad_request' });
      return;
    }
    let lanes = this.#lanesOf(laneLine.channel);
    let release = lanes.hold();
    const entered = await rendezvous.lane(laneLine, address);
    if (entered.ok && !lanes.belongTo(entered.value.channel.sender)) {
      // Those are of a channel that the store has lost, whose name was given away again since.
      lanes.end();
      this.#channels.delete(laneLine.channel);
      release();
      lanes = this.#lanesOf(laneLine.channel);
      release = lanes.hold();
      lanes.belongTo(entered.value.channel.sender);
    }
    const { lane = index } = laneLine;
    let refused = entered.ok ? lanes.refusal : entered.code;
    if (entered.ok) {
      const ports = laneCount(entered.value.channel);
      lanes.expect(ports);
      // Lane i is at port i, further ones at the ports from the first on again.
      if (lane !== index && lane % ports !== index) refused ??= 'bad_request';
    }
    if (entered.ok && refused === undefined && !socket.destroyed) {
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      socket.write('{"ok":true}\n');
      const end = new LaneEnd(socket, rest, limits.laneBufferBytes);
      lanes.put(lane, entered.value.role, end);
    } else if (refused !== undefined) this.#refuse(socket, { ok: false, code: refused });
    release();
  }

  /** The lanes of a channel, watched for the channel's end while there are any. */
  #lanesOf(name: string): ChannelLanes {
    const known = this.#channels.get(name);
    if (known !== undefined) return known;
    const { store, rendezvous, home } = this.#parts;
    const unwatch = store.watch(name, (channel) => {
      if (channel?.status === 'closed') lanes.end();
      else if (channel !== undefined && !sameHome(channel.home, home)) lanes.movedAway();
    });
    const lanes = new ChannelLanes(name, home.ports.length, {
      meter: this.#meters.of(name),
      onStapled: () => void rendezvous.stapled(name),
      onEmpty: () => {
        unwatch();
        this.#goneBytes += lanes.stapledBytes;
        if (lanes.stapledBytes > 0)
          this.#parts.onEvent({ kind: 'lanes-ended', bytes: lanes.stapledBytes });
        if (this.#channels.get(name) === lanes) this.#channels.delete(name);
        this.#parts.onConnections();
      },
    });
    this.#channels.set(name, lanes);
    return lanes;
  }

  /** Says why and closes; what the client still sends meanwhile is thrown away. */
  #refuse(socket: Socket, refusal: Refusal): void {
    const address = addressKey(socket.remoteAddress ?? '');
    this.#parts.onEvent(refusedEvent(refusal, address));
    socket.end(`${JSON.stringify(errorAnswer(refusal))}\n`);
    socket.resume();
    const cancel = this.#parts.clock.after(LINGER_MS, () => socket.destroy());
    socket.once('close', cancel);
  }
}
