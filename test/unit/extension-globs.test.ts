import { describe, expect, it } from 'vitest';
import { excludePatterns, expandBraces } from '../../src/extension/sending/globs.js';

describe('globs of files.exclude', () => {
  it.each([
    ['a', ['a']],
    ['*.{js,map}', ['*.js', '*.map']],
    ['{a,b}/{c,d}', ['a/c', 'a/d', 'b/c', 'b/d']],
    ['{a,b{c,d}}x', ['ax', 'bcx', 'bdx']],
    ['a{b', ['a{b']],
    ['{}', ['']],
  ])('%s is %j', (glob, expanded) => {
    expect(expandBraces(glob)).toEqual(expanded);
  });

  it('hold from the workspace folder, unless they begin with **/', () => {
    const globs = { '**/.git': true, out: true, './dist/*.js': true, 'a/{b,c}': true };
    expect(excludePatterns(globs)).toEqual(['**/.git', '/out', '/dist/*.js', '/a/b', '/a/c']);
  });

  it('that are off, or hold only beside another file, leave out nothing', () => {
    expect(excludePatterns({ a: false, '**/*.js': { when: '$(basename).ts' } })).toEqual([]);
    expect(excludePatterns(undefined)).toEqual([]);
    expect(excludePatterns('a')).toEqual([]);
  });
});
