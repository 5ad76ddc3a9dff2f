/**
 * When further lanes are worth it. A connection that takes every lost packet for congestion carries little over a long
 * way, however fast the link is; then twice as many carry twice as much. On a link that is full they carry no more, which
 * shows by the time that it takes to connect them (widening.ts).
 */

/** Between two looks, milliseconds. */
const LOOK_MS = 1000;
/** A recipient that confirms a message sooner is near: connections to it are quick to recover. Milliseconds. */
const FAR_MS = 25;
/** What lasts less long is not worth it, seconds. */
const LEAST_LEFT_S = 4;
/** A rate that has grown more than that since the last look is still growing by itself. */
const STEADY = 1.2;
/** Looks that are left out once lanes were added: these have to find their own speed. */
const SETTLING_LOOKS = 1;
/** The same where the link was full, at first; each further time twice as many, up to the most. */
const PUT_OFF_LOOKS = 3;
const MOST_PUT_OFF_LOOKS = 48;

/** What there is to see. */
export interface Sight {
  readonly nowMs: number;
  /** Bytes that the recipient has confirmed so far, and those that are left to be sent. */
  readonly arrivedBytes: number;
  readonly leftBytes: number;
  /** The least time that a message took to be confirmed, milliseconds. */
  readonly quickestMs: number;
  /** Whether the link holds us up, as far as is known. */
  readonly limited: boolean;
}

/** Says how many lanes there should be. */
export interface Grower {
  /** Between two looks, milliseconds. */
  readonly lookMs: number;
  /** Whether there is nothing more to look for. */
  readonly over: boolean;
  /** @returns how many lanes there should be from now on; undefined: as many as there are */
  look(sight: Sight): number | undefined;
  /** What `look` last said is not to be for now. */
  putOff(): void;
}

/** Doubles the lanes for as long as they can be had. */
export class Growth implements Grower {
  readonly lookMs = LOOK_MS;
  #lanes: number;
  readonly #most: number;
  #lastMs: number;
  #lastBytes = 0;
  /** Bytes a second at the last look. */
  #rate = 0;
  /** Looks that are still left out. */
  #settling = 0;
  /** How many lanes there were before the last growth. */
  #grownFrom: number;
  #putOffLooks = PUT_OFF_LOOKS;

  /** @param lanes - now @param most - how many there may be */
  constructor(lanes: number, most: number, nowMs: number) {
    this.#lanes = lanes;
    this.#grownFrom = lanes;
    this.#most = most;
    this.#lastMs = nowMs;
  }

  get over(): boolean {
    return this.#lanes >= this.#most;
  }

  look(sight: Sight): number | undefined {
    const seconds = Math.max(1, sight.nowMs - this.#lastMs) / 1000;
    const rate = (sight.arrivedBytes - this.#lastBytes) / seconds;
    const last = this.#rate;
    this.#lastMs = sight.nowMs;
    this.#lastBytes = sight.arrivedBytes;
    this.#rate = rate;
    if (this.over || !sight.limited || sight.quickestMs < FAR_MS) return undefined;
    if (this.#settling > 0) {
      this.#settling -= 1;
      return undefined;
    }
    if (rate === 0 || rate > last * STEADY || sight.leftBytes < rate * LEAST_LEFT_S)
      return undefined;
    this.#settling = SETTLING_LOOKS;
    this.#grownFrom = this.#lanes;
    this.#lanes = Math.min(2 * this.#lanes, this.#most);
    return this.#lanes;
  }

  putOff(): void {
    this.#lanes = this.#grownFrom;
    this.#settling = this.#putOffLooks;
    this.#putOffLooks = Math.min(2 * this.#putOffLooks, MOST_PUT_OFF_LOOKS);
  }
}
