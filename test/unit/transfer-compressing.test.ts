import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Compressing, sizeOf } from '../../src/core/transfer/compressing.js';
import { LinkRate } from '../../src/core/transfer/linkRate.js';
import { decompress } from '../../src/core/wire/compressed.js';
import { RecordType } from '../../src/core/wire/control.js';

const MIB = 2 ** 20;
const TEXT = Buffer.alloc(MIB, 'what one reads in logs, over and over, 2026-11-25 18:03 ');
const NOISE = randomBytes(MIB);
const head = Buffer.of(RecordType.data);

describe('the rate of a link', () => {
  /** A clock to set, and a rate by it. */
  function clock(): { rate: LinkRate; at: (ms: number) => void } {
    let nowMs = 0;
    const rate = new LinkRate(() => nowMs);
    return { rate, at: (ms) => (nowMs = ms) };
  }

  it('is not known before the first record has arrived', async () => {
    const { rate, at } = clock();
    const arrived = rate.sent(1000);
    expect([rate.bytesPerSecond, rate.onTheirWay]).toEqual([undefined, 1]);
    at(10);
    arrived();
    expect(rate.onTheirWay).toBe(0);
    await rate.first;
  });

  it('is beyond measure while the link never held us up', () => {
    const { rate, at } = clock();
    for (let round = 0; round < 10; round += 1) {
      at(round * 300);
      const arrived = rate.sent(1000);
      rate.spent(100, 3);
      at(round * 300 + 5);
      arrived();
      expect(rate.bytesPerSecond).toBe(Infinity);
    }
  });

  it('is not thought to be beyond measure because one record came over a long way', () => {
    const { rate, at } = clock();
    const arrived = rate.sent(50_000);
    rate.spent(10, 1);
    at(100);
    arrived();
    expect(rate.bytesPerSecond).toBe(1.5 * 500_000);
  });

  it('shows when records wait for their sockets', () => {
    const { rate, at } = clock();
    for (let round = 0; round < 10; round += 1) {
      const arrived = rate.sent(300_000);
      rate.spent(1, 100);
      at((round + 1) * 100);
      arrived();
    }
    expect(rate.bytesPerSecond).toBeCloseTo(3_000_000, -5);
  });

  it('shows when sockets take all, but it arrives late: a relay near by, a slow recipient behind it', () => {
    const { rate, at } = clock();
    const pending = Array.from({ length: 20 }, () => rate.sent(100_000));
    rate.spent(50, 1);
    for (const [index, arrived] of pending.entries()) {
      at((index + 1) * 100);
      arrived();
    }
    expect(rate.bytesPerSecond).toBeGreaterThan(500_000);
    expect(rate.bytesPerSecond).toBeLessThan(1_500_000);
  });

  it('is thought to be higher and higher while compressing holds us up', () => {
    const { rate, at } = clock();
    let arrived = rate.sent(300_000);
    rate.spent(1, 100);
    at(300);
    arrived();
    const slow = rate.bytesPerSecond ?? 0;
    expect(slow).toBeLessThan(2_000_000);
    for (let round = 1; round < 20; round += 1) {
      arrived = rate.sent(300_000);
      rate.spent(100, 1);
      at(300 * (round + 1));
      arrived();
    }
    expect(rate.bytesPerSecond).toBeGreaterThan(100 * slow);
  });
});

describe('a record', () => {
  /** A link of which a rate is known. */
  function known(bytesPerSecond: number): LinkRate {
    let nowMs = 0;
    const rate = new LinkRate(() => nowMs);
    const arrived = rate.sent(bytesPerSecond);
    rate.spent(0, 1);
    nowMs = 1000;
    arrived();
    expect(rate.bytesPerSecond).toBe(bytesPerSecond);
    return rate;
  }

  it('of text is compressed for a slow link, and comes back', async () => {
    const packed = await new Compressing(known(10_000)).compress([head, TEXT]);
    if (!packed) throw new Error('not compressed');
    expect(sizeOf(packed)).toBeLessThan(MIB / 10);
    const plain = await decompress(Buffer.concat(packed));
    expect(plain.equals(Buffer.concat([head, TEXT]))).toBe(true);
  });

  it('goes as it is on a link that is faster than compressing', async () => {
    expect(await new Compressing(known(1e12)).compress([head, TEXT])).toBeUndefined();
  });

  it('is compressed on a fast link with a limit that is slow', async () => {
    for (const rate of [known(1e12), new LinkRate()])
      expect(await new Compressing(rate, 10_000, true).compress([head, TEXT])).toBeDefined();
  });

  it('of noise, or of nearly nothing, goes as it is', async () => {
    const compressing = new Compressing(known(10_000));
    expect(await compressing.compress([head, NOISE])).toBeUndefined();
    expect(await compressing.compress([head, TEXT.subarray(0, 200)])).toBeUndefined();
  });

  it('of a file whose sample did not get smaller is not tried again for the next 16 MiB', async () => {
    const compressing = new Compressing(known(10_000));
    expect(await compressing.compress([head, NOISE], 7)).toBeUndefined();
    for (let piece = 0; piece < 16; piece += 1)
      expect(await compressing.compress([TEXT], 7)).toBeUndefined();
    expect(await compressing.compress([TEXT], 7)).toBeDefined();
    expect(await compressing.compress([head, TEXT], 8)).toBeDefined();
  });

  it('waits for the first word about the link once enough are on their way', async () => {
    const rate = new LinkRate();
    const compressing = new Compressing(rate);
    const arrivals = [];
    for (let sent = 0; sent < 4; sent += 1) {
      expect(await compressing.compress([head, TEXT])).toBeDefined();
      arrivals.push(rate.sent(1000));
    }
    let settled = false;
    const fifth = compressing.compress([head, TEXT]).finally(() => (settled = true));
    await new Promise(setImmediate);
    expect(settled).toBe(false);
    rate.spent(1, 0);
    arrivals[0]?.();
    // It was there at once, and nothing had to wait: the link is fast.
    expect(await fifth).toBeUndefined();
  });

  it('to somebody near goes as it is, and the next ones wait for what it shows', async () => {
    let nowMs = 0;
    const rate = new LinkRate(() => nowMs);
    const compressing = new Compressing(rate, Infinity, true);
    expect(await compressing.compress([head, NOISE])).toBeUndefined();
    expect(await compressing.compress([head, TEXT])).toBeUndefined();
    const arrived = rate.sent(MIB);
    let settled = false;
    const second = compressing.compress([head, TEXT]).finally(() => (settled = true));
    await new Promise(setImmediate);
    expect(settled).toBe(false);
    // It had to wait for its socket: the link is slow after all.
    rate.spent(1, 1000);
    nowMs = 1000;
    arrived();
    expect(await second).toBeDefined();
  });

  it('gets its turn, however many want it at once', async () => {
    const compressing = new Compressing(known(10_000));
    const all = Array.from({ length: 9 }, () => compressing.compress([head, TEXT]));
    for (const packed of await Promise.all(all)) expect(packed).toBeDefined();
  });
});
