/** Coming back to a relay that said when (docs/protocol.md, "Errors"). */
import { sleep } from '../async.js';
import type { Clock, RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';

/** For how long a client comes back to a relay that refuses, milliseconds in all. */
export const PATIENCE_MS = 60_000;

/** What waiting needs. */
export interface PatienceParts {
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** Whether a relay refused for now only, and said when to come back. */
export function mayComeBack(error: unknown): error is CrocError & { retryAfterSeconds: number } {
  return error instanceof CrocError && error.retryAfterSeconds !== undefined;
}

/**
 * For how long to wait, milliseconds: as long as the relay said and a random part of it, up to a half, so that
 * not all who were refused come back at once.
 */
export function waitMs({ random }: PatienceParts, retryAfterSeconds: number): number {
  const part = Buffer.from(random(2)).readUInt16BE() / 0x10000;
  return Math.round(retryAfterSeconds * 1000 * (1 + part / 2));
}

/**
 * Asks a relay, again whenever it refuses and says when to come back, until a minute is over.
 * @throws CrocError the last refusal, or what else went wrong
 */
export async function patiently<T>(
  parts: PatienceParts,
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T> {
  const untilMs = parts.clock.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!mayComeBack(error)) throw error;
      const pauseMs = waitMs(parts, error.retryAfterSeconds);
      if (parts.clock.now() + pauseMs > untilMs) throw error;
      await sleep(parts.clock, pauseMs, signal);
    }
  }
}
