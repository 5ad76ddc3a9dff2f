/** The password of a relay as a client sends it (docs/protocol.md, "A relay with a password"). */
import { BlockList, isIP } from 'node:net';
import { CrocError } from '../errors.js';

/** Networks in which a password may go unencrypted: this machine, and private ones. */
const NEAR = new BlockList();
for (const [network, bits] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
] as const)
  NEAR.addSubnet(network, bits, 'ipv4');
NEAR.addAddress('::1', 'ipv6');
NEAR.addSubnet('fc00::', 7, 'ipv6');
NEAR.addSubnet('fe80::', 10, 'ipv6');

/**
 * The `Authorization` header that carries a password.
 * @param url - of the relay @param address - IP address that is connected to
 * @throws CrocError `password_in_clear` when anybody on the way could read it
 */
export function authorization(password: string, url: URL, address: string): string {
  const [bare = ''] = address.split('%', 1);
  const near = isIP(bare) !== 0 && NEAR.check(bare, isIP(bare) === 4 ? 'ipv4' : 'ipv6');
  if (url.protocol !== 'https:' && !near)
    throw new CrocError('password_in_clear', { detail: url.host });
  return `Bearer ${Buffer.from(password).toString('base64')}`;
}
