/** Tells who watches a relay that its numbers changed, but not more often than people can read. */
import type { RelayStats } from '../api.js';
import type { Clock } from '../edges.js';

/** The least time between two notices, in milliseconds. */
const QUIET_MS = 500;

/** Who watches the numbers of a relay. */
export class StatsWatchers {
  readonly #clock: Clock;
  readonly #stats: () => Promise<RelayStats>;
  readonly #watchers = new Set<(stats: RelayStats) => void>();
  #cancel: (() => void) | undefined;

  /** @param stats - the numbers at the moment */
  constructor(clock: Clock, stats: () => Promise<RelayStats>) {
    this.#clock = clock;
    this.#stats = stats;
  }

  /** Adds one; the answer takes it away. */
  add(watcher: (stats: RelayStats) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Something changed: everybody hears of it in a moment. Costs nothing while nobody watches. */
  changed(): void {
    if (this.#watchers.size === 0 || this.#cancel !== undefined) return;
    this.#cancel = this.#clock.after(QUIET_MS, () => {
      this.#cancel = undefined;
      void this.#stats().then((stats) => this.tell(stats));
    });
  }

  /** Tells everybody. */
  tell(stats: RelayStats): void {
    for (const watcher of [...this.#watchers]) watcher(stats);
  }

  /** Nothing is told any more. */
  close(): void {
    this.#cancel?.();
    this.#watchers.clear();
  }
}
