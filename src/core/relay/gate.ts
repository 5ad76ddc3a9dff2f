/** Who may join: the limits that are asked before any channel is looked at. */
import type { Clock } from '../edges.js';
import type { JoinRequest } from '../wire/http.js';
import type { Refusal } from './answers.js';
import { Guesses } from './guesses.js';
import { RateLimiter } from './limits.js';
import type { CountedLimit, RelayLimits } from './limits.js';

/** When to come back to a relay that stops, or that has no memory left, seconds. */
const DRAINING_RETRY_SECONDS = 5;
const MEMORY_RETRY_SECONDS = 15;
/** How long one look at the memory counts, milliseconds. */
const MEMORY_LOOK_MS = 250;
/** As how many failures a guess counts that burnt somebody's code. */
const BURNT_WEIGHT = 3;

/** What a gate needs. */
export interface GateParts {
  readonly clock: Clock;
  readonly limits: RelayLimits;
  /** Bytes that the relay's thread holds now. */
  readonly memoryUsed?: () => number;
}

/** Lets joins in or not. */
export class Gate {
  readonly #parts: GateParts;
  readonly #byAddress: RateLimiter;
  readonly #byChannel: RateLimiter;
  readonly #guesses: Guesses;
  #draining = false;
  #memory = { bytes: 0, atMs: -MEMORY_LOOK_MS };

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#byAddress = new RateLimiter(parts.limits.joinsPerMinute);
    this.#byChannel = new RateLimiter(parts.limits.joinsPerMinutePerChannel);
    this.#guesses = new Guesses(parts.limits);
  }

  /** Whether no new channel is opened any more, because the relay is about to stop. */
  get draining(): boolean {
    return this.#draining;
  }

  /** From now on opens no new channel. */
  drain(): void {
    this.#draining = true;
  }

  /** Why a join goes no further; counts it. @param address - address key of the client */
  join({ role, channel }: JoinRequest, address: string): Refusal | undefined {
    const nowMs = this.#parts.clock.now();
    const often = this.#byAddress.take(address, nowMs);
    if (often !== undefined) return limited(often, 'joinsPerMinute');
    const guessed = this.guessed(address);
    if (guessed !== undefined) return guessed;
    const crowded = channel === undefined ? undefined : this.#byChannel.take(channel, nowMs);
    if (crowded !== undefined) return limited(crowded, 'joinsPerMinutePerChannel');
    return role === 'sender' ? this.#opening(nowMs) : undefined;
  }

  /** Why an address that guessed too often goes no further for now. */
  guessed(address: string): Refusal | undefined {
    const wait = this.#guesses.wait(address, this.#parts.clock.now());
    return wait === undefined ? undefined : limited(wait, 'failedJoins');
  }

  /** An address named a channel that is not there, or a wrong password. */
  failed(address: string): void {
    this.#guesses.failed(address, this.#parts.clock.now());
  }

  /** An address guessed a code wrong, which is now burnt. */
  burnt(address: string): void {
    this.#guesses.failed(address, this.#parts.clock.now(), BURNT_WEIGHT);
  }

  /** Forgets what no longer counts. */
  sweep(nowMs: number): void {
    this.#byAddress.sweep(nowMs);
    this.#byChannel.sweep(nowMs);
    this.#guesses.sweep(nowMs);
  }

  #opening(nowMs: number): Refusal | undefined {
    if (this.#draining) {
      const retryAfterSeconds = DRAINING_RETRY_SECONDS;
      return { ok: false, code: 'relay_draining', retryAfterSeconds };
    }
    if (this.#memoryBytes(nowMs) <= this.#parts.limits.memoryBytes) return undefined;
    const retryAfterSeconds = MEMORY_RETRY_SECONDS;
    return { ok: false, code: 'relay_full', retryAfterSeconds, limit: 'memoryBytes' };
  }

  #memoryBytes(nowMs: number): number {
    if (Math.abs(nowMs - this.#memory.atMs) >= MEMORY_LOOK_MS)
      this.#memory = { bytes: (this.#parts.memoryUsed ?? memoryUsed)(), atMs: nowMs };
    return this.#memory.bytes;
  }
}

function limited(retryAfterSeconds: number, limit: CountedLimit): Refusal {
  return { ok: false, code: 'rate_limited', retryAfterSeconds, limit };
}

/** Of this thread only; the resident size would be that of the whole process, an editor perhaps. */
function memoryUsed(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
