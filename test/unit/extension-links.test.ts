import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCode } from '../../src/core/code.js';
import { makeLink, parseLink } from '../../src/extension/links.js';

const APP = { scheme: 'vscode', extension: 'croc-share.croc-share' };
const RELAY = 'http://192.168.1.20:8003';

/** A link as the editor hands it over: the query decoded once. */
function opened(link: string): { path: string; query: string } {
  const { pathname, search } = new URL(link);
  return { path: pathname, query: decodeURIComponent(search.slice(1)) };
}

describe('a link', () => {
  it('is short, for the editor that runs here', () => {
    expect(makeLink(APP, { code: '417-lunar-acorn-quilt', relay: RELAY })).toBe(
      'vscode://croc-share.croc-share/receive?code=417-lunar-acorn-quilt&relay=192.168.1.20:8003',
    );
  });

  it.each([RELAY, 'https://relay.example:443', 'http://[2001:db8::1]:8003'])(
    'brings code and relay %s back',
    (relay) => {
      const code = '417-lunar-acorn-quilt';
      expect(parseLink(opened(makeLink(APP, { code, relay })))).toEqual({ code, relay });
    },
  );

  it('brings back every code, whatever is in it', () => {
    const secret = fc.string({ minLength: 4, maxLength: 40, unit: 'grapheme-ascii' });
    fc.assert(
      fc.property(secret, (words) => {
        const code = `41-${words.trim()}`;
        try {
          parseCode(code);
        } catch {
          return;
        }
        expect(parseLink(opened(makeLink(APP, { code, relay: RELAY })))).toEqual({
          code,
          relay: RELAY,
        });
      }),
    );
  });

  it('need not name a relay, and may carry what the editor adds', () => {
    const query = 'code=417-lunar-acorn-quilt&windowId=_blank';
    expect(parseLink({ path: '/receive', query })).toEqual({ code: '417-lunar-acorn-quilt' });
  });
});

describe('a link that is not ours', () => {
  const code = 'code=417-lunar-acorn-quilt';
  it.each([
    ['another path', '/send', code],
    ['a path below', '/receive/now', code],
    ['no code', '/receive', 'relay=host:1'],
    ['no query', '/receive', ''],
    ['a word for a code', '/receive', 'code=password'],
    ['two codes', '/receive', `${code}&code=418-lunar-acorn-quilt`],
    ['two relays', '/receive', `${code}&relay=a:1&relay=b:1`],
    ['a relay that is a command', '/receive', `${code}&relay=command:workbench.action.quit`],
    ['a relay with a password', '/receive', `${code}&relay=http://user:pass@host:1`],
    ['a relay with a path', '/receive', `${code}&relay=http://host:1/x`],
    ['an empty relay', '/receive', `${code}&relay=`],
    ['a code with control characters', '/receive', 'code=417-lunar%1b-acorn'],
    ['a code that is too long', '/receive', `code=417-${'x'.repeat(300)}`],
    ['a relay that is too long', '/receive', `${code}&relay=${'x'.repeat(400)}`],
    ['a query that is too long', '/receive', `${code}&${'x'.repeat(2000)}`],
  ])('is refused: %s', (_, path, query) => {
    expect(parseLink({ path, query })).toBeUndefined();
  });

  it('never throws, whatever it says', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (path, query) => {
        expect(parseLink({ path, query })).toBeUndefined();
      }),
    );
  });
});
