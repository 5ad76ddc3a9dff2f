import { describe, expect, it } from 'vitest';
import { Processors } from '../../src/core/transfer/processors.js';

/** Two processors with clocks to set. */
class Machine {
  #nowMs = 1000;
  #usedMs = 5000;
  readonly processors = new Processors({
    nowMs: () => this.#nowMs,
    usedMs: () => this.#usedMs,
    count: 2,
  });

  run(ms: number, share: number): void {
    this.#nowMs += ms;
    this.#usedMs += 2 * ms * share;
  }
}

describe('the processors', () => {
  it('are busy when the process took most of their time', () => {
    const machine = new Machine();
    machine.run(300, 0.85);
    expect(machine.processors.busy).toBe(true);
  });

  it('are not busy while one thread of two has all it can take', () => {
    const machine = new Machine();
    machine.run(300, 0.5);
    expect(machine.processors.busy).toBe(false);
  });

  it('are judged by what was lately, not by all there was', () => {
    const machine = new Machine();
    machine.run(60_000, 0.1);
    expect(machine.processors.busy).toBe(false);
    machine.run(250, 0.9);
    expect(machine.processors.busy).toBe(true);
  });

  it('stay what they were until there is something new to say', () => {
    const machine = new Machine();
    machine.run(200, 1);
    expect(machine.processors.busy).toBe(false);
    machine.run(100, 1);
    expect(machine.processors.busy).toBe(true);
    machine.run(200, 0);
    expect(machine.processors.busy).toBe(true);
    machine.run(100, 0);
    expect(machine.processors.busy).toBe(false);
  });
});
