/** Small tools for waiting: every wait of the core has a deadline and an `AbortSignal`. */
import type { Clock } from './edges.js';
import { CrocError } from './errors.js';

/** A promise that is settled from outside. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

/** Makes a promise that is settled from outside; a rejection nobody waits for is not a crash. */
export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

/** Throws the reason of an aborted signal as a CrocError, `cancelled` when it carries none. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortReason(signal);
}

/** The reason of an aborted signal as a CrocError; `cancelled` unless somebody gave another. */
export function abortReason(signal: AbortSignal): CrocError {
  return signal.reason instanceof CrocError ? signal.reason : new CrocError('cancelled');
}

/** What bounds a wait. */
export interface WaitLimits {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Milliseconds from now. */
  readonly timeoutMs: number;
  /** What it means when the time is over. */
  readonly onTimeout: () => CrocError;
  /** Asked when the time is over: for how many milliseconds more; 0: it is over indeed. Default 0. */
  readonly moreMs?: () => number;
}

/**
 * Runs `work` with a signal that fires when the caller's does or when the time is over; the answer
 * settles at that moment even when `work` does not listen.
 *
 * @throws the abort reason, `onTimeout()`, or what `work` throws
 */
export async function within<T>(
  limits: WaitLimits,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  throwIfAborted(limits.signal);
  const controller = new AbortController();
  const stop = deferred<never>();
  const end = (reason: CrocError): void => {
    controller.abort(reason);
    stop.reject(reason);
  };
  const onAbort = (): void => end(abortReason(limits.signal));
  limits.signal.addEventListener('abort', onAbort, { once: true });
  let cancelTimer: () => void = () => undefined;
  const arm = (timeoutMs: number): void => {
    cancelTimer = limits.clock.after(timeoutMs, () => {
      const moreMs = limits.moreMs?.() ?? 0;
      if (moreMs > 0) arm(moreMs);
      else end(limits.onTimeout());
    });
  };
  arm(limits.timeoutMs);
  try {
    return await Promise.race([work(controller.signal), stop.promise]);
  } finally {
    cancelTimer();
    limits.signal.removeEventListener('abort', onAbort);
  }
}

/** Waits; rejects when the signal fires. @param delayMs - milliseconds */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(abortReason(signal));
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(abortReason(signal));
    };
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
