/**
 * Turns at the event loop. Left alone, it reads two mebibytes of a fast connection before it looks at the next one:
 * with hundreds of them everybody stands still for a second.
 */

/** What all connections together may pass on in one turn, unless there are so many that `LEAST_BYTES` is more. */
const TURN_BYTES = 2 << 20;
/** What every connection may pass on in one turn: about one read. */
const LEAST_BYTES = 65_536;

/** One connection's part in turns that it shares with others. */
export class Turn {
  readonly #turns: Turns;
  readonly #pause: () => void;
  readonly #resume: () => void;
  #bytes = 0;
  #over = false;

  /**
   * @param pause - stops reading
   * @param resume - called in the next turn after `pause`; reads on if nothing else is against it
   */
  constructor(turns: Turns, pause: () => void, resume: () => void) {
    this.#turns = turns;
    this.#pause = pause;
    this.#resume = resume;
  }

  /** Whether nothing is read until the next turn. */
  get over(): boolean {
    return this.#over;
  }

  /** Bytes were read; pauses when those were enough for this turn. */
  count(bytes: number): void {
    if (this.#bytes === 0) this.#turns.join(this);
    this.#bytes += bytes;
    if (this.#over || this.#bytes < this.#turns.shareBytes) return;
    this.#over = true;
    this.#pause();
  }

  /** A new turn has begun. */
  begin(): void {
    this.#bytes = 0;
    if (!this.#over) return;
    this.#over = false;
    this.#resume();
  }
}

/** The turns of all connections of a thread; those that had something to read in the last turn share the next. */
export class Turns {
  #now: Turn[] = [];
  #before = 0;

  /** What one connection may pass on in this turn. */
  get shareBytes(): number {
    return Math.max(LEAST_BYTES, TURN_BYTES / Math.max(this.#now.length, this.#before, 1));
  }

  /** Takes part in this turn: its `begin` is called when the next one begins. */
  join(turn: Turn): void {
    if (this.#now.length === 0)
      setImmediate(() => {
        const ended = this.#now;
        this.#now = [];
        this.#before = ended.length;
        for (const one of ended) one.begin();
      });
    this.#now.push(turn);
  }
}
