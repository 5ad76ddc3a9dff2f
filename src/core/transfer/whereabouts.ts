/** Where the lanes of a transfer are. That can change: another process of the relay may take the channel over. */
import { CrocError } from '../errors.js';
import type { LanePlace, LaneTarget } from '../wire/keys.js';
import type { LaneAddress } from './laneConnection.js';

/** Asks the relay where the lanes are now; rejects with a CrocError. */
export type Locate = () => Promise<LanePlace>;

/** The newest answer of the relay, and how to get a newer one. */
export class Whereabouts {
  readonly #target: LaneTarget;
  readonly #locate: Locate | undefined;
  #place: LanePlace;
  #count: number;
  /** Whether there are more lanes than ports. */
  #widened = false;
  #mayShrink: (count: number) => boolean = () => true;
  #asking: Promise<void> | undefined;

  /** @param locate - absent: the lanes stay where they are */
  constructor(target: LaneTarget, locate?: Locate) {
    this.#target = target;
    this.#place = target;
    this.#count = target.ports.length;
    this.#locate = locate;
  }

  /** How many lanes there are to be. */
  get count(): number {
    return this.#count;
  }

  /**
   * Lanes are open now.
   * @param mayShrink - asked when the relay has ports for fewer: gives those up that are too many, or says no
   */
  settle(mayShrink: (count: number) => boolean): void {
    this.#mayShrink = mayShrink;
  }

  /** Where a lane is, and who we say we are. */
  lane(index: number): LaneAddress {
    const { channel, uuid, localAddress } = this.#target;
    const { address, ports } = this.#place;
    const port = ports[index % ports.length] ?? 0;
    const from = localAddress === undefined ? {} : { localAddress };
    // A relay that knows nothing of further lanes never gets any.
    const named = index < ports.length ? {} : { lane: index };
    return { index, address, port, channel, uuid, ...from, ...named };
  }

  /** How many lanes the relay lets in. */
  get most(): number {
    const { ports, lanes = 0 } = this.#place;
    return Math.max(ports.length, lanes);
  }

  /** There are more lanes from now on, at most `most`. */
  widen(count: number): void {
    this.#count = count;
    this.#widened = true;
  }

  /**
   * Asks anew, once for all lanes that want to know at the same time.
   * @throws CrocError why nobody knows; `relay_fewer_ports` when a lane that cannot be given up has no port there
   */
  refresh(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<void> {
    const place = await this.#locate?.();
    if (place === undefined) return;
    const { ports, lanes = 0 } = place;
    const has = this.#widened ? Math.max(ports.length, lanes) : ports.length;
    const needs = this.#count;
    // The peer has as many lanes as we have; ports that are left over stay without one.
    if (has < needs && !this.#mayShrink(has))
      throw new CrocError('relay_fewer_ports', { detail: `${has} instead of ${needs}` });
    this.#count = Math.min(has, needs);
    this.#place = place;
  }
}
