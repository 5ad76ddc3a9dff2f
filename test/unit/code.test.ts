import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  completeWord,
  formatCode,
  generateSecret,
  looksLikeCode,
  parseCode,
} from '../../src/core/code.js';
import type { RandomBytes } from '../../src/core/edges.js';
import { systemRandom } from '../../src/core/edges.js';
import { WORDS } from '../../src/core/words.js';

/** Gives the listed 16-bit numbers, one a draw, and throws when they are used up. */
function scripted(...numbers: readonly number[]): RandomBytes {
  const left = [...numbers];
  return (length) => {
    const next = left.shift();
    if (next === undefined) throw new Error('the script is exhausted');
    expect(length).toBe(2);
    return Uint8Array.of(next >> 8, next & 0xff);
  };
}

describe('the word list', () => {
  it("is the EFF's short list 1, whole and unchanged", () => {
    expect(WORDS).toHaveLength(1296);
    expect([WORDS[0], WORDS.at(-1)]).toEqual(['acid', 'zoom']);
    expect([...WORDS].sort()).toEqual(WORDS);
    expect(new Set(WORDS).size).toBe(1296);
    // Of the words joined by line feeds; two packages that ship the list agree on it.
    expect(createHash('sha256').update(WORDS.join('\n')).digest('hex')).toBe(
      '3680fb8483e03eab3067f20ef8b8848a086006b25981b0df6c8bdc603c4ed55e',
    );
  });
});

describe('parseCode', () => {
  const quilt = { channel: '417', secret: 'dozen-lunar-quilt' };
  it.each([
    ['417-dozen-lunar-quilt', quilt],
    ['  417-dozen-lunar-quilt\n', quilt],
    ['417 dozen lunar quilt', quilt],
    ['417 \t dozen   lunar\u00a0quilt', quilt],
    ['417 - dozen- lunar -quilt', quilt],
    ['417-DOZEN-Lunar-quilT', quilt],
    ['Team7-Ma\u0308rz 2026', { channel: 'team7', secret: 'märz-2026' }],
    ['7-yo-yo-acid-zoom', { channel: '7', secret: 'yo-yo-acid-zoom' }],
    ['0-abcd', { channel: '0', secret: 'abcd' }],
    ['0-🐊🐊🐊🐊', { channel: '0', secret: '🐊🐊🐊🐊' }],
    [`${'a'.repeat(31)}1-abcd`, { channel: `${'a'.repeat(31)}1`, secret: 'abcd' }],
    [`1-${'ä'.repeat(128)}`, { channel: '1', secret: 'ä'.repeat(128) }],
  ])('reads %j', (typed, code) => {
    expect(parseCode(typed)).toEqual(code);
  });

  it.each([
    ['', 'it is empty'],
    [' \n ', 'it is empty'],
    ['417', 'it has no dash'],
    ['dozen', 'it has no dash'],
    ['-417-dozen', 'it starts with a dash'],
    ['417-', 'the words after the first dash are missing'],
    ['417-abc', 'what follows the first dash is shorter than 4 characters'],
    ['417-🐊🐊🐊', 'what follows the first dash is shorter than 4 characters'],
    [`417-${'a'.repeat(129)}`, 'what follows the first dash is longer than 128 characters'],
    [`1${'a'.repeat(32)}-abcd`, 'what stands before the first dash is longer than 32 characters'],
    ['4.17-abcd', 'what stands before the first dash may only have the letters a to z and digits'],
    ['ä1-abcd', 'what stands before the first dash may only have the letters a to z and digits'],
    ['417-do\u0000zen', 'it contains an invisible character'],
    ['417-do\u001bzen', 'it contains an invisible character'],
    ['417-do\u200bzen', 'it contains an invisible character'],
    ['417-do\u202ezen', 'it contains an invisible character'],
    ['417-do\ud800zen', 'it contains an invisible character'],
  ])('refuses %j', (typed, detail) => {
    expect(() => parseCode(typed)).toThrow(
      expect.objectContaining({ name: 'CrocError', code: 'invalid_code', detail }),
    );
  });

  it.each(['dozen-lunar-quilt', 'Dozen Lunar Quilt', 'my.own-4-words', '٣-abcd'])(
    "says that %j is of croc's own network",
    (typed) => {
      expect(() => parseCode(typed)).toThrow(
        expect.objectContaining({ code: 'croc_network', detail: undefined }),
      );
    },
  );

  it('reads what it gave the same way again, whatever was typed', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }));
    fc.assert(
      fc.property(text, (typed) => {
        const code = parsed(`7a-${typed}`);
        fc.pre(code !== undefined);
        expect(parseCode(formatCode(code))).toEqual(code);
      }),
      { numRuns: 1000 },
    );
  });

  it('throws nothing but its own errors, and never tells what was typed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (typed) => {
        const error = thrown(() => parseCode(`${typed}-swordfish\u0007`));
        expect(error).toMatchObject({ name: 'CrocError' });
        expect(JSON.stringify(error)).not.toContain('swordfish');
        expect(String(error instanceof Error ? error.stack : error)).not.toContain('swordfish');
      }),
    );
  });
});

function parsed(text: string): ReturnType<typeof parseCode> | undefined {
  try {
    return parseCode(text);
  } catch {
    return undefined;
  }
}

function thrown(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

describe('generateSecret', () => {
  it('draws three words, and again where a word would be likelier than another', () => {
    const limit = 50 * 1296;
    expect(generateSecret(scripted(0, 1295, 1296))).toBe('acid-zoom-acid');
    expect(generateSecret(scripted(limit, 65_535, limit - 1, 1, 2))).toBe('zoom-acorn-acre');
    expect(() => generateSecret(scripted(1, 2))).toThrow('the script is exhausted');
  });

  it('makes every word equally often from all possible draws', () => {
    const counts = new Map<string, number>();
    for (let number = 0; number < 50 * 1296; number += 1) {
      const word = generateSecret(scripted(number, 0, 0)).replace(/-acid-acid$/, '');
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    expect(counts.size).toBe(1296);
    expect(new Set(counts.values())).toEqual(new Set([50]));
  });

  it('makes secrets that are codes behind a channel', () => {
    for (let i = 0; i < 200; i += 1) {
      const code = { channel: '417', secret: generateSecret(systemRandom) };
      expect(parseCode(formatCode(code))).toEqual(code);
      expect(looksLikeCode(formatCode(code))).toBe(true);
    }
  });

  it('gives up on a broken generator', () => {
    expect(() => generateSecret(() => Uint8Array.of(255, 255))).toThrow(
      expect.objectContaining({ code: 'internal' }),
    );
    expect(() => generateSecret(() => Uint8Array.of(1))).toThrow(RangeError);
  });
});

describe('completeWord', () => {
  it.each([
    ['qu', ['quack', 'quake', 'query', 'quiet', 'quill', 'quilt', 'quit', 'quota', 'quote']],
    [' QUIL', ['quill', 'quilt']],
    ['yo', ['yo-yo', 'yodel', 'yoga', 'yoyo']],
    ['zoom', ['zoom']],
    ['qx', []],
    ['', []],
    [' ', []],
  ])('completes %j', (typed, words) => {
    expect(completeWord(typed)).toEqual(words);
  });
});

describe('looksLikeCode', () => {
  it.each(['417-lunar-acorn-quilt', ' 0-acid-acid-acid\n', '9-yo-yo-zoom-yo-yo'])(
    'takes %j',
    (text) => {
      expect(looksLikeCode(text)).toBe(true);
    },
  );

  it.each([
    '',
    '417',
    'lunar-acorn-quilt',
    '417-lunar-acorn',
    '417-lunar-acorn-quilt-acid',
    '417-lunar-acorn-quilts',
    '417-lunar-acorn-',
    '417--lunar-acorn-quilt',
    '417 lunar acorn quilt',
    '417-Lunar-acorn-quilt',
    'team7-lunar-acorn-quilt',
    'see 417-lunar-acorn-quilt',
    '417-lunar-acorn-quilt\n417-lunar-acorn-quilt',
    '417-dozen-lunar-quilt', // dozen is not on the list
    '2026-release-notes-draft',
    '417-yo-yo-acid',
    `${'1'.repeat(33)}-lunar-acorn-quilt`,
  ])('does not take %j', (text) => {
    expect(looksLikeCode(text)).toBe(false);
  });
});
