/** Asking a relay again: the one loop for every request that fails or is put off (docs/protocol.md, "Asking again"). */
import { sleep } from '../async.js';
import type { Clock, RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import { NoAnswer } from './postJson.js';

/** The first pause before a request is repeated, and the longest, milliseconds. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 3000;
/** For how long a client comes back with `/join` to a relay that says when to, milliseconds in all. */
export const JOIN_PATIENCE_MS = 60_000;
/** For how long it comes back where nobody says when, because a proxy finds no relay, milliseconds. */
export const PROXY_PATIENCE_MS = 12_000;
/** For how long `/join` is repeated whose answer was lost, milliseconds: nobody waits long for a typo. */
export const LOST_JOIN_MS = 3000;

/** What waiting needs. */
export interface PatienceParts {
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** How long something is tried, and who hears of it. */
export interface Policy {
  /** For how long such a failure is tried again since the first one, milliseconds; 0: it is one for good. */
  patienceMs(error: unknown): number;
  /** Told of each failure that is tried again: when that attempt began, and when it is given up. */
  onFailure?(sinceMs: number, giveUpMs: number): void;
}

/** Whether a relay refused for now only, and said when to come back. */
export function mayComeBack(error: unknown): error is CrocError & { retryAfterSeconds: number } {
  return error instanceof CrocError && error.retryAfterSeconds !== undefined;
}

/** Whether nobody answered: the connection failed, broke, or stayed silent. */
export function isNoAnswer(error: unknown): boolean {
  if (error instanceof NoAnswer) return true;
  return error instanceof CrocError && /^relay_(silent|unreachable)$/.test(error.code);
}

/** Whether a relay that is there cannot serve for the moment, or a proxy finds none. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof CrocError && error.code === 'relay_unavailable';
}

/** How a join is tried: first contact with a relay that is not there fails at once. */
export const JOINING: Policy = {
  patienceMs: (error) => {
    if (mayComeBack(error)) return JOIN_PATIENCE_MS;
    if (isUnavailable(error)) return PROXY_PATIENCE_MS;
    const lost = error instanceof CrocError && error.cause instanceof NoAnswer && error.cause.sent;
    return lost ? LOST_JOIN_MS : 0;
  },
};

/**
 * For how long to wait, milliseconds: as long as the relay said and a random part of it, up to a half, so that
 * not all who were refused come back at once.
 */
export function waitMs(parts: PatienceParts, retryAfterSeconds: number): number {
  return Math.round(retryAfterSeconds * 1000 * (1 + fraction(parts) / 2));
}

/**
 * Asks until there is an answer, the policy's time is over, or what went wrong will stay so. Pauses double from
 * 0.25 s to 3 s, each shortened by a random part of up to a half; a relay that says when to come back is obeyed.
 *
 * @param ask - gets the number of the attempt, from 0
 * @throws what the last attempt threw, or the abort reason
 */
export async function persist<T>(
  parts: PatienceParts,
  policy: Policy,
  signal: AbortSignal,
  ask: (attempt: number) => Promise<T>,
): Promise<T> {
  const { clock } = parts;
  let failedMs: number | undefined;
  let usualMs = FIRST_PAUSE_MS;
  for (let attempt = 0; ; attempt += 1) {
    const sinceMs = clock.now();
    try {
      return await ask(attempt);
    } catch (error) {
      if (signal.aborted) throw error;
      failedMs ??= clock.now();
      const patienceMs = policy.patienceMs(error);
      const leftMs = failedMs + patienceMs - clock.now();
      const told = mayComeBack(error) ? waitMs(parts, error.retryAfterSeconds) : undefined;
      if (patienceMs === 0 || leftMs <= 0 || (told !== undefined && told > leftMs)) throw error;
      policy.onFailure?.(sinceMs, failedMs + patienceMs);
      await sleep(clock, told ?? Math.min(leftMs, usualMs * (1 - fraction(parts) / 2)), signal);
      usualMs = Math.min(usualMs * 2, LONGEST_PAUSE_MS);
    }
  }
}

/** A random number from 0 to below 1. */
function fraction({ random }: PatienceParts): number {
  return Buffer.from(random(2)).readUInt16BE() / 0x10000;
}
