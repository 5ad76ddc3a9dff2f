/** Codes of croc's own network. Values of the rooms by hand: SHA-256 of selector and `croc`. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  PUBLIC_RELAYS,
  generateCrocCode,
  parseCrocCode,
  relayOf,
} from '../../src/core/croc11/code.js';
import { systemRandom } from '../../src/core/edges.js';
import { CrocError } from '../../src/core/errors.js';

const roomOf = (selector: string): string =>
  createHash('sha256').update(`${selector}croc`).digest('hex');

describe('a code', () => {
  it.each([
    ['three words', 'river-otter-lantern', 'river', 'otter-lantern'],
    ['a word with a dash first', 'yo-yo-otter-acorn', 'yo-yo', 'otter-acorn'],
    ['a word with a dash last', 'otter-acorn-yo-yo', 'otter', 'acorn-yo-yo'],
    ['three words of no list', 'qqq-www-eee', 'qqq', 'www-eee'],
    ['four words', 'one-two-three-four', 'one-two', 'three-four'],
    ['words in capitals and with spaces', '  River  otter LANTERN ', 'river', 'otter-lantern'],
    ['a number and words', '1234-otter-lantern', '1234', 'otter-lantern'],
    ['a short number and words', '12-otter', '12-o', 'ter'],
    ['five words', 'one-two-three-four-five', 'one-', 'wo-three-four-five'],
    ['no dash', 'Swordfish', 'Swor', 'fish'],
  ])('of %s names its room and its password', (_, text, selector, password) => {
    const code = parseCrocCode(text);
    expect(code.room).toBe(roomOf(selector));
    expect(code.password).toBe(password);
  });

  it.each(['', 'abcde', 'x'.repeat(201), 'naïve-code-words', 'tab\t1here'])(
    'is refused when it is none: %j',
    (text) => {
      let code = 'none';
      try {
        parseCrocCode(text);
      } catch (error) {
        code = error instanceof CrocError ? error.code : String(error);
      }
      expect(code).toBe('invalid_code');
    },
  );

  it('takes one of the public relays by its hash', () => {
    const code = parseCrocCode('river-otter-lantern');
    const last = createHash('sha256').update('river-otter-lantern').digest().at(-1) ?? 0;
    expect(relayOf(code, PUBLIC_RELAYS)).toBe(`${(last % 4) + 1}.getcroc.com:9009`);
    expect(relayOf(code, ['one.example:1'])).toBe('one.example:1');
  });

  it('that is made is one of three words', () => {
    for (let round = 0; round < 100; round += 1) {
      const made = generateCrocCode(systemRandom);
      const code = parseCrocCode(made);
      expect(made.endsWith(`-${code.password}`)).toBe(true);
      expect(code.room).toBe(roomOf(made.slice(0, -code.password.length - 1)));
    }
  });
});
