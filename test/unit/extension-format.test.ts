import { describe, expect, it } from 'vitest';
import { formatBytes, formatRate, percentOf, roughDuration } from '../../src/extension/format.js';
import { RateMeter } from '../../src/extension/rate.js';

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [9.94 * 1024, '9.9 KiB'],
    [9.96 * 1024, '10 KiB'],
    [1023 * 1024, '1023 KiB'],
    // Would be "1024 KiB" if it were rounded after the unit was chosen.
    [1023.6 * 1024, '1.0 MiB'],
    [5 * 1024 ** 3, '5.0 GiB'],
    [3 * 1024 ** 6, '3072 PiB'],
    [-5, '0 B'],
  ])('%d bytes is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it('uses the decimal mark of the language', () => {
    expect(formatBytes(1536, 'de')).toBe('1,5 KiB');
    expect(formatRate(1536, 'de')).toBe('1,5 KiB/s');
  });
});

describe('roughDuration', () => {
  it.each([
    [0, 1, 'seconds'],
    [0.4, 1, 'seconds'],
    [89.4, 89, 'seconds'],
    [90, 2, 'minutes'],
    [150, 3, 'minutes'],
    [89 * 60, 89, 'minutes'],
    [90 * 60, 2, 'hours'],
    [36_000, 10, 'hours'],
  ])('%d seconds is %d %s', (seconds, value, unit) => {
    expect(roughDuration(seconds)).toEqual({ value, unit });
  });
});

describe('percentOf', () => {
  it.each([
    [0, 100, 0],
    [999, 1000, 99],
    [1000, 1000, 100],
    [1001, 1000, 100],
    [0, 0, 100],
  ])('%d of %d is %d', (bytes, total, percent) => {
    expect(percentOf(bytes, total)).toBe(percent);
  });
});

describe('RateMeter', () => {
  it('says nothing before it has seen half a second', () => {
    const meter = new RateMeter();
    expect(meter.bytesPerSecond).toBeUndefined();
    meter.add(0, 0);
    meter.add(499, 1000);
    expect(meter.bytesPerSecond).toBeUndefined();
    expect(meter.secondsLeft(1)).toBeUndefined();
    meter.add(500, 1000);
    expect(meter.bytesPerSecond).toBe(2000);
    expect(meter.secondsLeft(3000)).toBe(1.5);
  });

  it('forgets what is older than its window', () => {
    const meter = new RateMeter(1000);
    meter.add(0, 0);
    meter.add(1000, 1_000_000);
    for (let atMs = 1500; atMs <= 5000; atMs += 500) meter.add(atMs, 1_000_000 + atMs);
    expect(meter.bytesPerSecond).toBe(1000);
  });

  it('gives no time left while nothing moves', () => {
    const meter = new RateMeter();
    meter.add(0, 7);
    meter.add(1000, 7);
    expect(meter.bytesPerSecond).toBe(0);
    expect(meter.secondsLeft(10)).toBeUndefined();
  });
});
