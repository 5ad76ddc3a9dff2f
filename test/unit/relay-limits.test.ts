import { describe, expect, it } from 'vitest';
import { Counter, RateLimiter } from '../../src/core/relay/limits.js';

describe('the rate limiter', () => {
  it('lets so many through at once, then says when to come back, and then lets one through', () => {
    const limiter = new RateLimiter(6);
    for (let i = 0; i < 6; i += 1) expect(limiter.take('a', 0)).toBeUndefined();
    expect(limiter.take('a', 0)).toBe(10);
    expect(limiter.take('a', 4_000)).toBe(6);
    expect(limiter.take('a', 10_000)).toBeUndefined();
    expect(limiter.take('a', 10_000)).toBe(10);
  });

  it('counts each key for itself', () => {
    const limiter = new RateLimiter(1);
    expect(limiter.take('a', 0)).toBeUndefined();
    expect(limiter.take('b', 0)).toBeUndefined();
    expect(limiter.take('a', 0)).toBe(60);
  });

  it('forgets keys that were quiet for a minute, and only those', () => {
    const limiter = new RateLimiter(5);
    limiter.take('a', 0);
    limiter.take('b', 30_000);
    limiter.take('a', 40_000);
    limiter.take('c', 50_000);
    limiter.sweep(95_000);
    expect(limiter.size).toBe(2);
  });

  it('remembers a bounded number of keys', () => {
    const limiter = new RateLimiter(1);
    for (let i = 0; i < 100_500; i += 1) limiter.take(`k${i}`, 0);
    expect(limiter.size).toBe(100_000);
    expect(limiter.take('k0', 0)).toBeUndefined(); // forgotten
    expect(limiter.take('k100499', 0)).toBe(60);
  });
});

describe('the counter', () => {
  it('counts per key and in all, and forgets keys at zero', () => {
    const counter = new Counter();
    counter.add('a');
    counter.add('a');
    counter.add('b');
    expect([counter.of('a'), counter.of('b'), counter.of('c'), counter.total]).toEqual([
      2, 1, 0, 3,
    ]);
    counter.remove('a');
    counter.remove('b');
    expect([counter.of('a'), counter.of('b'), counter.total]).toEqual([1, 0, 1]);
  });
});
