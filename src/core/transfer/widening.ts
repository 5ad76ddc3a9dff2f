/**
 * Further lanes in the middle of a transfer, where a link carries more over many connections than over few: the sender
 * connects them and proposes, the recipient connects its own and agrees (docs/protocol.md, "Further lanes").
 */
import { deferred } from '../async.js';
import type { Deferred } from '../async.js';
import { CrocError } from '../errors.js';
import type { Role } from '../types.js';
import type { ControlOf } from '../wire/control.js';
import type { Lane } from './lane.js';
import type { LaneConnection } from './laneConnection.js';

/** Where connecting takes so many times as long as at first, and that much longer, much is waiting on the way: it is full. */
const FULL = 1.3;
const FULL_MS = 25;

/** What is widened. */
export interface WideningParts {
  readonly role: Role;
  /** How long the quickest of the first lanes took to connect, milliseconds. */
  readonly connectMs: number;
  /** Whether relay and peer can do it. */
  readonly possible: () => boolean;
  /** Lanes now, and how many the relay lets in. */
  readonly count: () => number;
  readonly most: () => number;
  /** Opens one connection of a further lane; rejects when that cannot be. */
  readonly connect: (index: number) => Promise<LaneConnection>;
  /** Takes connections into use. */
  readonly add: (connections: readonly LaneConnection[]) => readonly Lane[];
  readonly tell: (message: ControlOf<'lanes'>) => void;
}

/** Both sides of it. */
export class Widening {
  readonly #parts: WideningParts;
  /** Admitted, and not in use yet. */
  #spare: readonly LaneConnection[] = [];
  #answer: Deferred<number> | undefined;
  #busy = false;
  #closed = false;

  constructor(parts: WideningParts) {
    this.#parts = parts;
  }

  /** How many lanes there may be. */
  get most(): number {
    const { possible, count, most } = this.#parts;
    return possible() ? Math.max(count(), most()) : count();
  }

  /**
   * Proposes to have so many lanes. Never rejects.
   *
   * @param count - more than there are, at most `most`
   * @returns the further ones; none when it came to nothing
   */
  async widen(count: number): Promise<readonly Lane[]> {
    if (!(await this.#connect(count))) return [];
    this.#answer = deferred();
    this.#parts.tell({ t: 'lanes', count });
    const agreed = await this.#answer.promise;
    this.#answer = undefined;
    if (agreed === count) return this.#add();
    this.#drop();
    return [];
  }

  /** The sender proposes, or the recipient has agreed or not. @throws CrocError `protocol_error` */
  onMessage({ count }: ControlOf<'lanes'>): void {
    const now = this.#parts.count();
    if (this.#parts.role === 'sender') {
      if (!this.#answer || (count !== now && count !== now + this.#spare.length)) throw broken();
      this.#answer.resolve(count);
    } else {
      if (this.#busy || count <= now || count > this.most) throw broken();
      void this.#follow(count);
    }
  }

  /** The session is over. */
  close(): void {
    this.#closed = true;
    this.#drop();
    this.#answer?.resolve(0);
  }

  async #follow(count: number): Promise<void> {
    this.#busy = true;
    const connected = await this.#connect(count);
    this.#busy = false;
    if (this.#closed) return;
    if (connected) this.#add();
    this.#parts.tell({ t: 'lanes', count: this.#parts.count() });
  }

  /** All or none; none, too, when what is there already fills the way. */
  async #connect(count: number): Promise<boolean> {
    const first = this.#parts.count();
    const indices = Array.from({ length: count - first }, (_, index) => first + index);
    const attempts = await Promise.allSettled(indices.map((index) => this.#parts.connect(index)));
    this.#spare = attempts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const quickestMs = Math.min(...this.#spare.map(({ connectMs }) => connectMs));
    const full = quickestMs > FULL * this.#parts.connectMs + FULL_MS;
    if (this.#spare.length === indices.length && !this.#closed && !full) return true;
    this.#drop();
    return false;
  }

  #add(): readonly Lane[] {
    const connections = this.#spare;
    this.#spare = [];
    return this.#parts.add(connections);
  }

  #drop(): void {
    for (const connection of this.#spare) connection.destroy();
    this.#spare = [];
  }
}

function broken(): CrocError {
  return new CrocError('protocol_error', { detail: '"lanes" that cannot be' });
}
