import { describe, expect, it } from 'vitest';
import { AddressResolver, addressKey } from '../../src/core/relay/address.js';

describe('the key under which an address counts', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['::FFFF:10.1.2.3', '10.1.2.3'],
    ['::ffff:7f00:1', '127.0.0.1'],
    ['0:0:0:0:0:ffff:1.2.3.4', '1.2.3.4'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::5', '2001:db8:0:0::/64'],
    ['2001:0db8:0001:0002:ffff::1', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('%s counts as %s', (ip, key) => {
    expect(addressKey(ip)).toBe(key);
  });

  it('keeps two networks apart that differ in the last bit of the prefix', () => {
    expect(addressKey('2001:db8:1:2::1')).not.toBe(addressKey('2001:db8:1:3::1'));
  });

  it.each([
    '',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '::ffff:300.1.1.1',
    'fe80::%',
    '[::1]',
    '1.2.3.4:80',
  ])('takes %j for no address, or for a whole one', (text) => {
    expect(addressKey(text)).toBe(text === 'fe80::%' ? 'fe80:0:0:0::/64' : undefined);
  });
});

describe('X-Forwarded-For', () => {
  it('does not count by default', () => {
    expect(new AddressResolver().client('10.0.0.1', '1.2.3.4')).toBe('10.0.0.1');
  });

  it('counts from a listed proxy, the last hop that no listed proxy stands for', () => {
    const resolver = new AddressResolver(['10.0.0.0/8', '::1']);
    expect(resolver.client('10.0.0.1', '6.6.6.6, 1.2.3.4, 10.9.9.9')).toBe('1.2.3.4');
    expect(resolver.client('::ffff:10.0.0.1', '1.2.3.4')).toBe('1.2.3.4');
    expect(resolver.client('::1', '2001:db8::7')).toBe('2001:db8:0:0::/64');
    expect(resolver.client('9.0.0.1', '1.2.3.4')).toBe('9.0.0.1');
  });

  it('stops at a hop that is no address, and at the proxy when it names nobody', () => {
    const resolver = new AddressResolver(['10.0.0.1']);
    expect(resolver.client('10.0.0.1', '1.2.3.4, unknown')).toBe('10.0.0.1');
    expect(resolver.client('10.0.0.1', undefined)).toBe('10.0.0.1');
    expect(resolver.client(undefined, '1.2.3.4')).toBeUndefined();
  });

  it.each(['nonsense', '10.0.0.1/99', '10.0.0.0/x', ''])('refuses %j as a proxy', (proxy) => {
    expect(() => new AddressResolver([proxy])).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});
