/** Looks for relays on the local network: asks, collects answers for a moment, and listens no more. */
import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import { decode, encode } from 'dns-packet';
import { systemClock, systemRandom } from '../edges.js';
import type { Clock, RandomBytes } from '../edges.js';
import type { Multicast } from '../types.js';
import { MULTICAST_GROUP, MULTICAST_PORT, addressesToAskFrom } from './network.js';
import { question, relaysIn } from './records.js';

/** When the question is asked, in milliseconds from the start: a datagram can be lost. */
const ASK_AT_MS = [0, 250, 750];
/** Relays that are told at most: more are nobody's office. */
const MAX_FOUND = 32;
/** Interfaces that are asked on, at most. */
const MAX_INTERFACES = 16;

/** How to look. */
export interface FindOptions {
  /** How long to look, in milliseconds; default 1500. */
  readonly timeoutMs?: number;
  /** Ends the search early; nothing is thrown. */
  readonly signal?: AbortSignal;
  readonly multicast?: Multicast;
  readonly clock?: Clock;
  readonly random?: RandomBytes;
}

/** A relay that answered. */
export interface FoundRelay {
  /** `http://address:port`; the address is the one that the answer came from. */
  readonly url: string;
  /** The random name under which it is announced. */
  readonly name: string;
}

/**
 * Relays on the local network, each as soon as it answers, once. The question goes out from a free
 * port, so nothing else has to share port 5353, and no answer goes to anybody but us.
 */
export async function* findRelays(options: FindOptions = {}): AsyncGenerator<FoundRelay, void> {
  const search = new Search(options);
  try {
    for (;;) {
      const found = await search.next();
      if (found === undefined) return;
      yield found;
    }
  } finally {
    search.stop();
  }
}

class Search {
  readonly #port: number;
  readonly #id: number;
  readonly #sockets: readonly Socket[];
  readonly #cancels: (() => void)[];
  readonly #names = new Set<string>();
  readonly #queue: FoundRelay[] = [];
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.stop();
  #over = false;
  #wake: () => void = () => undefined;

  constructor({ timeoutMs = 1500, signal, multicast = {}, ...edges }: FindOptions) {
    const { clock = systemClock, random = systemRandom } = edges;
    this.#port = multicast.port ?? MULTICAST_PORT;
    this.#id = Buffer.from(random(2)).readUInt16BE();
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort);
    const addresses = addressesToAskFrom(multicast).slice(0, MAX_INTERFACES);
    this.#sockets = addresses.map((address) => this.#open(address));
    this.#cancels = [
      ...ASK_AT_MS.filter((atMs) => atMs > 0 && atMs < timeoutMs).map((atMs) =>
        clock.after(atMs, () => this.#ask()),
      ),
      clock.after(timeoutMs, () => this.stop()),
    ];
    if (signal?.aborted === true || addresses.length === 0) this.stop();
  }

  /** The next relay; undefined when the search is over. */
  async next(): Promise<FoundRelay | undefined> {
    while (this.#queue.length === 0 && !this.#over)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#queue.shift();
  }

  stop(): void {
    if (this.#over) return;
    this.#over = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    for (const cancel of this.#cancels) cancel();
    for (const socket of this.#sockets) socket.close();
    this.#wake();
  }

  #open(address: string): Socket {
    const socket = createSocket('udp4');
    // An interface that cannot be used finds nothing; the others go on.
    socket.on('error', () => undefined);
    socket.on('message', (bytes, from) => this.#heard(bytes, from));
    socket.bind(0, address, () => {
      if (!this.#over && usable(socket, address)) this.#ask([socket]);
    });
    return socket;
  }

  #ask(sockets: readonly Socket[] = this.#sockets): void {
    const packet = encode(question(this.#id));
    for (const socket of sockets) socket.send(packet, this.#port, MULTICAST_GROUP, () => undefined);
  }

  #heard(bytes: Buffer, { address, port: from }: RemoteInfo): void {
    if (this.#over || from !== this.#port) return;
    for (const { instance, port } of this.#read(bytes)) {
      if (this.#names.has(instance) || this.#names.size >= MAX_FOUND) continue;
      this.#names.add(instance);
      this.#queue.push({ url: `http://${address}:${port}`, name: instance });
    }
    this.#wake();
  }

  #read(bytes: Buffer): ReturnType<typeof relaysIn> {
    try {
      return relaysIn(decode(bytes), this.#id);
    } catch {
      return []; // not a packet of DNS
    }
  }
}

/** Sends multicast out of one interface. @returns false when that is gone already */
function usable(socket: Socket, address: string): boolean {
  try {
    socket.setMulticastInterface(address);
    socket.setMulticastTTL(255);
    return true;
  } catch {
    return false;
  }
}
