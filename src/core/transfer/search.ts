/** How a lane finds its peer again: on connections that it dials, or on one that was dialled for it. */
import { deferred } from '../async.js';
import type { Deferred } from '../async.js';
import type { LaneConnection } from './laneConnection.js';
import { redial } from './redial.js';
import type { RedialParts } from './redial.js';

/** The search of one lane; one connection at a time. */
export class Search {
  readonly #parts: RedialParts;
  readonly #use: (connection: LaneConnection) => void;
  readonly #abort = new AbortController();
  /** Settles when the peer is on the connection that was last used, or that came to nothing. */
  #meeting: Deferred<boolean> | undefined;
  #dialling = false;

  /** @param use - makes a connection the one in use; says by `settle` what becomes of it */
  constructor(parts: RedialParts, use: (connection: LaneConnection) => void) {
    this.#parts = parts;
    this.#use = use;
  }

  /** Whether it goes on. */
  get runs(): boolean {
    return this.#dialling || this.#meeting !== undefined;
  }

  /** Whether it was stopped. */
  get stopped(): boolean {
    return this.#abort.signal.aborted;
  }

  /**
   * Dials until the peer is there, too.
   *
   * @param untilMs - when to give up, on the clock of `performance.now()`
   * @param silent - whether the lane was lost because the peer said nothing
   * @throws CrocError as `redial`
   */
  async dial(untilMs: number, silent: boolean): Promise<void> {
    this.#dialling = true;
    try {
      const meet = (connection: LaneConnection, patienceMs: number): Promise<boolean> =>
        this.meet(connection, patienceMs);
      await redial(this.#parts, untilMs, this.#abort.signal, meet, silent);
    } finally {
      this.#dialling = false;
    }
  }

  /** Waits on a connection for the peer. @returns whether it came; else the connection is closed */
  async meet(connection: LaneConnection, patienceMs: number): Promise<boolean> {
    const meeting = deferred<boolean>();
    this.#meeting = meeting;
    const timer = setTimeout(() => meeting.resolve(false), patienceMs);
    this.#use(connection);
    const met = await meeting.promise;
    clearTimeout(timer);
    if (this.#meeting === meeting) this.#meeting = undefined;
    if (!met) connection.destroy();
    return met;
  }

  /** The peer is there, or the connection came to nothing. @returns false when nobody waits for that */
  settle(met: boolean): boolean {
    if (!this.#meeting) return false;
    this.#meeting.resolve(met);
    if (met) this.#meeting = undefined;
    return true;
  }

  /** Ends it for good. */
  stop(): void {
    this.#abort.abort();
    this.settle(false);
  }
}
