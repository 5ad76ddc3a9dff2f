/** Announces a relay on the local network for as long as it runs. */
import mdns from 'multicast-dns';
import type { Clock, RandomBytes } from '../edges.js';
import type { Multicast } from '../types.js';
import { MULTICAST_PORT, addressFor, addressesToAskFrom } from './network.js';
import { announcement, answerTo, goodbye, newService } from './records.js';
import type { Service } from './records.js';

/** Pauses before the announcement is said once more, in milliseconds (RFC 6762, section 8.3). */
const AGAIN_MS = [1000];
/** How long the goodbye may take, in milliseconds. */
const GOODBYE_MS = 500;
/** Answers in one second, at most: more than a busy network asks for. */
const MAX_ANSWERS_A_SECOND = 50;

/** What to announce, and the edges. */
export interface AnnounceOptions {
  /** The relay's HTTP port. */
  readonly port: number;
  readonly multicast: Multicast;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** A relay that is announced. */
export interface Announced {
  readonly service: Service;
  /** Withdraws it. Never throws. */
  stop(): Promise<void>;
}

/**
 * Announces a relay and answers who asks for one.
 *
 * @returns undefined where that cannot be done (somebody keeps the port to himself, or there is no
 *   network): a relay is of use without it
 */
export async function announce(options: AnnounceOptions): Promise<Announced | undefined> {
  const announcer = new Announcer(options);
  return (await announcer.ready) ? announcer : undefined;
}

class Announcer implements Announced {
  readonly service: Service;
  /** Whether the socket could be bound. */
  readonly ready: Promise<boolean>;
  readonly #options: AnnounceOptions;
  readonly #socket: mdns.MulticastDNS;
  #cancel: () => void = () => undefined;
  #stopping: Promise<void> | undefined;
  #secondStartedMs = -Infinity;
  #answers = 0;

  constructor(options: AnnounceOptions) {
    this.#options = options;
    this.service = newService(options.port, options.random);
    const { interfaceAddress, port = MULTICAST_PORT } = options.multicast;
    this.#socket = mdns({
      port,
      bind: '0.0.0.0',
      ...(interfaceAddress === undefined ? {} : { interface: interfaceAddress }),
    });
    // A packet that is none, a network that went away: neither is the end of the announcement.
    this.#socket.on('warning', () => undefined);
    this.#socket.on('query', (query, { address, port: from }) => {
      this.#answer(query, address, from);
    });
    this.ready = new Promise((resolve) => {
      this.#socket.on('ready', () => resolve(true));
      this.#socket.on('error', () => {
        this.#socket.destroy();
        resolve(false);
      });
    });
    void this.ready.then((ready) => {
      if (ready) this.#tell(AGAIN_MS);
    });
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  #answer(query: Parameters<typeof answerTo>[0], peer: string, from: number): void {
    const { multicast } = this.#options;
    const { port = MULTICAST_PORT } = multicast;
    const address = addressFor(peer, multicast);
    if (this.#stopping !== undefined || address === undefined) return;
    const legacy = from !== port;
    const answer = answerTo(query, this.service, address, legacy);
    if (answer === undefined || this.#tooMany()) return;
    if (legacy) this.#socket.respond(answer, { address: peer, port: from });
    else this.#socket.respond(answer);
  }

  #tooMany(): boolean {
    const nowMs = this.#options.clock.now();
    if (nowMs - this.#secondStartedMs >= 1000) {
      this.#secondStartedMs = nowMs;
      this.#answers = 0;
    }
    this.#answers += 1;
    return this.#answers > MAX_ANSWERS_A_SECOND;
  }

  #tell([againMs, ...later]: readonly number[]): void {
    const [address] = addressesToAskFrom(this.#options.multicast);
    if (this.#stopping !== undefined) return;
    if (address !== undefined) this.#socket.respond(announcement(this.service, address));
    if (againMs !== undefined)
      this.#cancel = this.#options.clock.after(againMs, () => this.#tell(later));
  }

  async #stop(): Promise<void> {
    this.#cancel();
    const [address] = addressesToAskFrom(this.#options.multicast);
    if (address !== undefined)
      await new Promise<void>((resolve) => {
        const cancel = this.#options.clock.after(GOODBYE_MS, resolve);
        this.#socket.respond(goodbye(this.service, address), () => {
          cancel();
          resolve();
        });
      });
    await new Promise<void>((resolve) => this.#socket.destroy(resolve));
  }
}
