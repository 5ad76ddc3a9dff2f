/** Whether this process has its hands full: then time is short, and not the way to the recipient. */
import { availableParallelism } from 'node:os';

/** Over how long is measured, milliseconds. */
const WINDOW_MS = 250;
/** Of the time of all processors; of one of two that is alone, a single busy thread takes half. */
const BUSY_SHARE = 0.6;

/** What is measured; a test can give others. */
export interface ProcessorClocks {
  /** Time, milliseconds. */
  readonly nowMs: () => number;
  /** Time of processors that the whole process took, in the system too, milliseconds. */
  readonly usedMs: () => number;
  /** How many processors there are for it. */
  readonly count: number;
}

function systemClocks(): ProcessorClocks {
  return {
    nowMs: () => performance.now(),
    usedMs: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
    count: availableParallelism(),
  };
}

/** Measures while it is asked. */
export class Processors {
  readonly #clocks: ProcessorClocks;
  #sinceMs: number;
  #usedMs: number;
  #busy = false;

  constructor(clocks: ProcessorClocks = systemClocks()) {
    this.#clocks = clocks;
    this.#sinceMs = clocks.nowMs();
    this.#usedMs = clocks.usedMs();
  }

  /** Whether the whole process, with all its transfers, took most of the processors' time lately. */
  get busy(): boolean {
    const nowMs = this.#clocks.nowMs();
    const spanMs = nowMs - this.#sinceMs;
    if (spanMs < WINDOW_MS) return this.#busy;
    const usedMs = this.#clocks.usedMs();
    this.#busy = usedMs - this.#usedMs > BUSY_SHARE * spanMs * this.#clocks.count;
    this.#sinceMs = nowMs;
    this.#usedMs = usedMs;
    return this.#busy;
  }
}
