/** Waiting with an end. */

/**
 * Gives what `promise` gives, or rejects after `ms` milliseconds with a sentence that names `what`.
 * The promise itself runs on; the caller stops its source.
 */
export async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms.`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Asks `probe` every `everyMs` until it gives something else than undefined. For states that send no
 * event: another program's process, page or files. Rejects after `ms` milliseconds.
 */
export async function until<T>(
  probe: () => T | undefined | Promise<T | undefined>,
  ms: number,
  what: string,
  everyMs = 50,
): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    if (performance.now() > end) throw new Error(`${what}: not within ${ms} ms.`);
    await pause(everyMs);
  }
}

/** Waits `ms` milliseconds. Only between two looks at something that sends no event. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
