import { describe, expect, it } from 'vitest';
import { Gate } from '../../src/core/relay/gate.js';
import { Guesses } from '../../src/core/relay/guesses.js';
import { DEFAULT_LIMITS } from '../../src/core/relay/limits.js';
import { Meter } from '../../src/core/relay/meter.js';
import { RelayPassword } from '../../src/core/relay/password.js';
import { FakeClock } from '../integration/relay-client.js';

const clock = new FakeClock();
const bearer = (text: string): string => `Bearer ${Buffer.from(text).toString('base64')}`;

describe('guessing', () => {
  it('is free at first and then waits twice as long each time, up to a bound', () => {
    const guesses = new Guesses({ failedJoins: 2, failedJoinMs: 10_000 });
    const waits = Array.from({ length: 8 }, () => {
      guesses.failed('a', 0);
      return guesses.wait('a', 0);
    });
    expect(waits).toEqual([undefined, undefined, 1, 2, 4, 8, 10, 10]);
    expect(guesses.wait('b', 0)).toBeUndefined();
  });

  it('is forgotten one a minute, and in the end the address too', () => {
    const guesses = new Guesses({ failedJoins: 1, failedJoinMs: 300_000 });
    guesses.failed('a', 0);
    guesses.failed('a', 60_000);
    expect(guesses.wait('a', 60_000)).toBeUndefined();
    guesses.failed('a', 60_000);
    expect(guesses.wait('a', 60_000)).toBe(1);
    guesses.sweep(120_000);
    expect(guesses.size).toBe(1);
    guesses.sweep(180_000);
    expect(guesses.size).toBe(0);
  });

  it('of an hour costs an address more than it gains, however it is spread', () => {
    const { failedJoins, failedJoinMs } = DEFAULT_LIMITS;
    const guesses = new Guesses(DEFAULT_LIMITS);
    let tries = 0;
    for (let nowMs = 0; nowMs < 3_600_000; nowMs += 1000) {
      if (guesses.wait('a', nowMs) !== undefined) continue;
      guesses.failed('a', nowMs);
      tries += 1;
    }
    // The free ones, one for every minute that forgives one, and one for each longest wait.
    expect(tries).toBeLessThan(failedJoins + 60 + 3_600_000 / failedJoinMs);
  });
});

describe('the gate', () => {
  const join = { role: 'recipient', channel: '1' } as const;

  it('holds one channel to its joins a minute, from however many addresses', () => {
    const gate = new Gate({ clock, limits: { ...DEFAULT_LIMITS, joinsPerMinutePerChannel: 2 } });
    expect(gate.join(join, 'a')).toBeUndefined();
    expect(gate.join(join, 'b')).toBeUndefined();
    expect(gate.join(join, 'c')).toMatchObject({
      code: 'rate_limited',
      limit: 'joinsPerMinutePerChannel',
      retryAfterSeconds: 30,
    });
    expect(gate.join({ ...join, channel: '2' }, 'c')).toBeUndefined();
  });

  it('opens nothing without memory, until there is some again; recipients come in', async () => {
    let used = 11;
    const limits = { ...DEFAULT_LIMITS, memoryBytes: 10 };
    const gate = new Gate({ clock, limits, memoryUsed: () => used });
    const full = { code: 'relay_full', limit: 'memoryBytes' };
    expect(gate.join({ role: 'sender' }, 'a')).toMatchObject(full);
    expect(gate.join(join, 'a')).toBeUndefined();
    used = 10;
    await clock.advance(1000);
    expect(gate.join({ role: 'sender' }, 'a')).toBeUndefined();
  });

  it('lets an address that guessed too often not even ask, whatever it asks', () => {
    const gate = new Gate({ clock, limits: { ...DEFAULT_LIMITS, failedJoins: 3 } });
    gate.burnt('a');
    expect(gate.join(join, 'a')).toBeUndefined();
    gate.failed('a');
    expect(gate.join({ role: 'sender' }, 'a')).toMatchObject({ limit: 'failedJoins' });
    expect(gate.join(join, 'b')).toBeUndefined();
  });
});

describe('a meter', () => {
  const on = { over: () => undefined, slow: () => undefined };

  it('lets a second’s worth pass at once and makes the rest wait as long as it takes', async () => {
    const meter = new Meter(clock, { bytesPerChannel: 0, bytesPerSecond: 1000 }, on);
    expect([meter.passed(600), meter.passed(400), meter.passed(500)]).toEqual([0, 0, 500]);
    await clock.advance(500);
    expect(meter.passed(1)).toBe(1);
    await clock.advance(60_000);
    expect([meter.passed(1000), meter.passed(1000)]).toEqual([0, 1000]);
  });

  it('tells once of more bytes than may pass', () => {
    let told = 0;
    const limits = { bytesPerChannel: 10, bytesPerSecond: 0 };
    const meter = new Meter(clock, limits, { ...on, over: () => (told += 1) });
    meter.passed(10);
    expect(told).toBe(0);
    meter.passed(1);
    meter.passed(1);
    expect(told).toBe(1);
  });
});

describe('a password', () => {
  const password = new RelayPassword('pässword');

  it('is admitted however the scheme is spelt', () => {
    expect(password.admits(bearer('pässword'))).toBe(true);
    expect(password.admits(bearer('pässword').replace('Bearer', 'bearer  '))).toBe(true);
  });

  it.each([undefined, '', 'Bearer ', 'Bearer', bearer(''), bearer('passwor'), bearer('pässword!')])(
    'is not %j',
    (header) => {
      expect(password.admits(header)).toBe(false);
    },
  );

  it('is not itself in clear, nor by another scheme, nor in a header without end', () => {
    const token = bearer('pässword').slice(7);
    expect(password.admits(`Basic ${token}`)).toBe(false);
    expect(password.admits(token)).toBe(false);
    expect(new RelayPassword('plain').admits('Bearer plain')).toBe(false);
    expect(password.admits(`Bearer ${token}${' '.repeat(5000)}`)).toBe(false);
  });
});
