/** Whether the relay can be reached over HTTP, and for how long it could not: such time is nobody's fault. */
import type { Clock } from '../edges.js';
import type { Connection } from '../types.js';

/** A request that fails for less is repeated without a word, milliseconds. */
const TELL_AFTER_MS = 1000;

/** Keeps the time that a relay was away. */
export class Reach {
  readonly #clock: Clock;
  /** Told when the relay is away for more than a moment, and when it is back. */
  onChange: (connection: Connection) => void = () => undefined;
  #sinceMs: number | undefined;
  #goneMs = 0;
  #told = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the last request failed. */
  get away(): boolean {
    return this.#sinceMs !== undefined;
  }

  /** For how long the relay has been away so far, in all, milliseconds. */
  get awayMs(): number {
    return this.#goneMs + (this.#sinceMs === undefined ? 0 : this.#clock.now() - this.#sinceMs);
  }

  /** A request failed. @param sinceMs - when it began @param giveUpMs - until when it is repeated */
  lost(sinceMs: number, giveUpMs: number): void {
    this.#sinceMs ??= sinceMs;
    const nowMs = this.#clock.now();
    if (this.#told || nowMs - this.#sinceMs < TELL_AFTER_MS) return;
    this.#told = true;
    this.onChange({ connected: false, giveUpInMs: Math.max(0, Math.round(giveUpMs - nowMs)) });
  }

  /** The relay answered. */
  found(): void {
    this.#goneMs = this.awayMs;
    this.#sinceMs = undefined;
    if (!this.#told) return;
    this.#told = false;
    this.onChange({ connected: true, giveUpInMs: 0 });
  }
}
