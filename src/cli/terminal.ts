/** Questions to the person at the terminal. */
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Screen } from './bar.js';

/** A place where questions can be asked, one after the other. */
export interface Terminal {
  /**
   * Asks and waits for a line.
   * @returns the line without spaces around it; undefined when the input ended
   * @throws the signal's reason when it is aborted
   */
  ask(question: string, signal: AbortSignal): Promise<string | undefined>;
  /** Lets go of the input, so that the process can end. */
  close(): void;
}

/** Reads answers a line at a time and writes questions, both to given streams. */
export class LineTerminal implements Terminal {
  readonly #input: Readable;
  readonly #output: Screen;
  readonly #lines: string[] = [];
  #reader: Interface | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  /** @param input - where answers come from @param output - where questions go */
  constructor(input: Readable, output: Screen) {
    this.#input = input;
    this.#output = output;
  }

  async ask(question: string, signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted();
    this.#open();
    this.#output.write(question);
    const wake = () => this.#wake?.();
    signal.addEventListener('abort', wake);
    try {
      while (this.#lines.length === 0 && !this.#ended) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        if (signal.aborted) this.#output.write('\n');
        signal.throwIfAborted();
      }
    } finally {
      signal.removeEventListener('abort', wake);
      this.#wake = undefined;
    }
    return this.#lines.shift()?.trim();
  }

  close(): void {
    this.#reader?.close();
  }

  /** Starts to read with the first question: a verb that asks nothing leaves stdin alone. */
  #open(): void {
    if (this.#reader !== undefined) return;
    // Not `terminal: true`: that takes Ctrl+C away from the process.
    this.#reader = createInterface({ input: this.#input, terminal: false });
    this.#reader.on('line', (line) => {
      this.#lines.push(line);
      this.#wake?.();
    });
    this.#reader.on('close', () => {
      this.#ended = true;
      this.#wake?.();
    });
  }
}
