/** Progress on stderr: a bar on a terminal, a line now and then elsewhere. */
import { SingleBar } from 'cli-progress';
import type { Progress } from '../core/index.js';
import { formatBytes, formatSeconds } from './format.js';

/** A stream that may be a terminal. */
export type Screen = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** Milliseconds between two lines where there is no terminal. */
const LINE_EVERY_MS = 5_000;

/** Draws how far a transfer is. */
export class ProgressDisplay {
  readonly #stderr: Screen;
  readonly #nowMs: () => number;
  #bar: SingleBar | undefined;
  #startedMs: number | undefined;
  #lineMs = 0;

  /** @param stderr - where to draw @param nowMs - a clock in milliseconds that never goes back */
  constructor(stderr: Screen, nowMs: () => number = () => performance.now()) {
    this.#stderr = stderr;
    this.#nowMs = nowMs;
  }

  /** Shows the newest numbers. */
  update(progress: Progress): void {
    const now = this.#nowMs();
    this.#startedMs ??= this.#lineMs = now;
    if (this.#stderr.isTTY === true) this.#draw(progress, now - this.#startedMs);
    else if (now - this.#lineMs >= LINE_EVERY_MS) {
      this.#lineMs = now;
      const percent = Math.floor((100 * progress.bytes) / Math.max(1, progress.total));
      this.#stderr.write(
        `${percent} %, ${formatBytes(progress.bytes)} of ${formatBytes(progress.total)}${resuming(progress)}\n`,
      );
    }
  }

  /** Leaves the bar as it is and gives the line back to other text. */
  end(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #draw(progress: Progress, elapsedMs: number): void {
    const { bytes, total, transferred } = progress;
    const rate = elapsedMs > 0 ? (1000 * transferred) / elapsedMs : 0;
    // An empty transfer is a full bar.
    const value = total === 0 ? 1 : bytes;
    const shown = {
      size: `${formatBytes(bytes)} of ${formatBytes(total)}`,
      rate: `${formatBytes(Math.round(rate))}/s`,
      left: formatSeconds(bytes < total ? (total - bytes) / rate : 0),
      resuming: resuming(progress),
    };
    if (this.#bar === undefined) {
      this.#bar = new SingleBar({
        format: '[{bar}] {percentage} %  {size}  {rate}  {left} left{resuming}',
        stream: this.#stderr,
        barCompleteChar: '#',
        barIncompleteChar: '.',
        barsize: 24,
        hideCursor: true,
        // Signals are handled in one place (signals.ts).
        gracefulExit: false,
      });
      this.#bar.start(Math.max(1, total), value, shown);
    }
    this.#bar.update(value, shown);
  }
}

/** Says how much did not have to be sent; nothing where all had to. */
function resuming({ resumed = 0, total }: Progress): string {
  const percent = Math.floor((100 * resumed) / Math.max(1, total));
  return resumed > 0 ? `, resuming: ${percent} % was here` : '';
}
