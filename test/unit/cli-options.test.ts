import { describe, expect, test } from 'vitest';
import { CrocError } from '../../src/core/index.js';
import { chooseCode, chooseLimit, chooseRelay } from '../../src/cli/options.js';

/** The code and detail of what was thrown. */
function failure(run: () => unknown): { code: string; detail: string | undefined } | 'nothing' {
  try {
    run();
  } catch (error) {
    if (error instanceof CrocError) return { code: error.code, detail: error.detail };
    throw error;
  }
  return 'nothing';
}

describe('chooseRelay', () => {
  test('the option wins over the environment, and neither is none', () => {
    expect(chooseRelay('a:1', { CROC_RELAY: 'b:2' })).toBe('http://a:1');
    expect(chooseRelay(undefined, { CROC_RELAY: 'b:2' })).toBe('http://b:2');
    expect(chooseRelay(undefined, { CROC_RELAY: ' ' })).toBeUndefined();
    expect(chooseRelay(undefined, {})).toBeUndefined();
    expect(failure(() => chooseRelay('http://host/path', {}))).toMatchObject({ code: 'usage' });
  });
});

describe('chooseCode', () => {
  const whole = '417-dozen-lunar-quilt';
  test.each<[string[], string | undefined, string | undefined]>([
    [[whole], undefined, whole],
    [['417', 'dozen', 'lunar', 'quilt'], undefined, '417 dozen lunar quilt'],
    [['417 - dozen  lunar quilt '], 'other', '417 - dozen  lunar quilt'],
    [[whole], '5-other-words-here', whole],
    [['417'], 'dozen-lunar-quilt', whole],
    [['417'], 'dozen lunar quilt', '417-dozen lunar quilt'],
    [['417'], '417 dozen lunar quilt', '417 dozen lunar quilt'],
    [['417'], whole, whole],
    [['Desk7'], 'desk7-dozen-lunar-quilt', 'desk7-dozen-lunar-quilt'],
    [['41'], whole, `41-${whole}`],
    [[], whole, whole],
    [[], '', undefined],
    [[], undefined, undefined],
    [['417'], undefined, '417'],
  ])('%j with CROC_SECRET %j is %j', (words, secret, code) => {
    expect(chooseCode(words, { CROC_SECRET: secret })).toBe(code);
  });
});

describe('--limit', () => {
  test.each([
    ['1', 1],
    ['500k', 500_000],
    ['2M', 2_000_000],
    ['1.5mb', 1_500_000],
    ['1G', 1_000_000_000],
  ])('%s is %i bytes a second', (text, limit) => {
    expect(chooseLimit(text)).toEqual({ limit });
  });

  test.each(['', '0', 'fast', '-1', '5x', '1e3', '0.1', '9'.repeat(30)])('refuses "%s"', (text) => {
    expect(() => chooseLimit(text)).toThrow('--limit');
  });

  test('is none when it is not given', () => {
    expect(chooseLimit(undefined)).toEqual({});
  });
});
