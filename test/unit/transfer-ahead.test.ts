import { describe, expect, it } from 'vitest';
import { Ahead } from '../../src/core/transfer/ahead.js';
import { LinkRate } from '../../src/core/transfer/linkRate.js';
import { MAX_PAYLOAD_BYTES } from '../../src/core/wire/limits.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** A lane over a link with a clock to set, and a round trip of 100 ms. */
class Bench {
  nowMs = 0;
  readonly processors = { busy: false };
  readonly link = new LinkRate(() => this.nowMs);
  readonly ahead = new Ahead(
    this.link,
    () => 100,
    this.processors,
    MIB,
    () => this.nowMs,
  );
  readonly #pending: { readonly bytes: number; readonly arrived: () => void }[] = [];
  #arrivedBytes = 0;

  get onTheirWay(): number {
    return this.#pending.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  send(bytes: number, sentBytes = bytes): void {
    this.#pending.push({ bytes: sentBytes, arrived: this.ahead.sent(bytes, sentBytes) });
  }

  arrive(): void {
    const record = this.#pending.shift();
    this.#arrivedBytes += record?.bytes ?? 0;
    record?.arrived();
  }

  /** Sends whatever may be sent over a lane that carries so much, for so long. Gives what arrived, bytes. */
  run(bytesPerSecond: number, ms: number): number {
    const before = this.#arrivedBytes;
    const startMs = this.nowMs;
    const due = (): number => ((this.nowMs - startMs) * bytesPerSecond) / 1000;
    for (; this.nowMs < startMs + ms; this.nowMs += 1) {
      while (!this.ahead.room()) this.send(this.ahead.recordBytes);
      this.link.spent(0, 1);
      while ((this.#pending[0]?.bytes ?? Infinity) <= due() - this.#arrivedBytes + before)
        this.arrive();
    }
    return this.#arrivedBytes - before;
  }
}

describe('a lane', () => {
  it('gets a megabyte in four records while nothing is known of it', () => {
    const { ahead, ...bench } = new Bench();
    expect(bench.link.bytesPerSecond).toBeUndefined();
    for (let record = 0; record < 4; record += 1) {
      expect(ahead.room()).toBeUndefined();
      expect(ahead.recordBytes).toBe(256 * KIB);
      ahead.sent(ahead.recordBytes, ahead.recordBytes);
    }
    expect(ahead.room()).toBeInstanceOf(Promise);
  });

  it('that is slow gets what it carries in 0.6 s, and not less than two small records', () => {
    for (const [bytesPerSecond, most] of [
      [1_000_000, 600_000],
      [10_000, 128 * KIB],
    ] as const) {
      const bench = new Bench();
      bench.run(bytesPerSecond, 300_000);
      expect(bench.onTheirWay).toBeGreaterThanOrEqual(most - 150_000);
      expect(bench.onTheirWay).toBeLessThanOrEqual(most + 150_000);
    }
  });

  it('is kept busy, and found out to be faster than it was', () => {
    const bench = new Bench();
    for (const bytesPerSecond of [300_000, 8_000_000, 300_000, 8_000_000]) {
      bench.run(bytesPerSecond, 60_000);
      expect(bench.run(bytesPerSecond, 20_000)).toBeGreaterThan(19 * bytesPerSecond);
    }
  });

  it('that never held us up gets whatever it takes, in the largest records', () => {
    const bench = new Bench();
    bench.send(MAX_PAYLOAD_BYTES);
    bench.link.spent(10, 1);
    bench.nowMs = 5;
    bench.arrive();
    for (let record = 0; record < 100; record += 1) {
      expect(bench.ahead.recordBytes).toBe(MAX_PAYLOAD_BYTES);
      expect(bench.ahead.room()).toBeUndefined();
      bench.send(MAX_PAYLOAD_BYTES);
    }
  });

  it('is not bounded while what it carries is compressed well', () => {
    const bench = new Bench();
    bench.run(300_000, 10_000);
    expect(bench.ahead.room()).toBeInstanceOf(Promise);
    for (let record = 0; record < 5; record += 1) bench.send(256 * KIB, 64 * KIB);
    expect(bench.ahead.room()).toBeUndefined();
    expect(bench.ahead.recordBytes).toBe(MAX_PAYLOAD_BYTES);
    for (let record = 0; record < 5; record += 1) bench.send(256 * KIB);
    expect(bench.ahead.room()).toBeInstanceOf(Promise);
  });

  it('is not bounded while the processors are busy', () => {
    const bench = new Bench();
    bench.run(300_000, 10_000);
    expect(bench.ahead.room()).toBeInstanceOf(Promise);
    expect(bench.ahead.recordBytes).toBe(64 * KIB);
    bench.processors.busy = true;
    expect(bench.ahead.room()).toBeUndefined();
    expect(bench.ahead.recordBytes).toBe(MAX_PAYLOAD_BYTES);
    bench.processors.busy = false;
    expect(bench.ahead.room()).toBeInstanceOf(Promise);
  });

  it('that is waited for says when to ask again', async () => {
    const bench = new Bench();
    while (!bench.ahead.room()) bench.send(256 * KIB);
    const room = bench.ahead.room();
    let asked = false;
    void room?.then(() => (asked = true));
    await new Promise(setImmediate);
    expect(asked).toBe(false);
    bench.arrive();
    await room;
    expect(bench.ahead.room()).toBeUndefined();
  });
});
