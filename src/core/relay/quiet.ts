/** Waits until nothing runs any more. */
export class Quiet {
  readonly #waiting = new Map<() => void, () => boolean>();

  /** Resolves when `quiet` holds, now or after some later change. */
  until(quiet: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.set(resolve, quiet);
      this.changed();
    });
  }

  /** Something ended: looks again. */
  changed(): void {
    for (const [resolve, quiet] of this.#waiting) {
      if (!quiet()) continue;
      this.#waiting.delete(resolve);
      resolve();
    }
  }
}
