import { describe, expect, it } from 'vitest';
import { parseRelayAddress } from '../../src/core/channel/relayUrl.js';
import { CrocError } from '../../src/core/errors.js';

describe('the address of a relay', () => {
  it.each([
    ['http://10.0.0.5:8003', 'http://10.0.0.5:8003'],
    ['http://10.0.0.5:8003/', 'http://10.0.0.5:8003'],
    ['  host.example:9000 ', 'http://host.example:9000'],
    ['host', 'http://host:8003'],
    ['host:80', 'http://host:80'],
    ['HTTP://Host', 'http://host:80'],
    ['HTTP://Relay.Example:1', 'http://relay.example:1'],
    ['https://relay.example', 'https://relay.example:443'],
    ['localhost:1234', 'http://localhost:1234'],
    ['[fe80::1]:8003', 'http://[fe80::1]:8003'],
    ['[::1]', 'http://[::1]:8003'],
  ])('%j is %s', (typed, url) => {
    expect(parseRelayAddress(typed)).toBe(url);
    expect(parseRelayAddress(url)).toBe(url);
  });

  it.each([
    ...['', '   ', 'http://', 'ftp://host:1', 'file:///tmp', 'host:port', 'host:0', 'host:70000'],
    ...['http://user:pass@host:1', 'user@host:80', 'http://host:1/path', 'host:8003/path'],
    ...['http://host:1/?a=b', 'host?x=1', 'http://host:1/#part', 'two words', 'a\\b', '::1'],
  ])('%j is none', (typed) => {
    expect(() => parseRelayAddress(typed)).toThrow(CrocError);
    expect(() => parseRelayAddress(typed)).toThrow(/not the address of a relay/);
  });
});
