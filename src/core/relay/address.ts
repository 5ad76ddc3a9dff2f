/** Who a client is to the two-address rule (docs/protocol.md, "Two addresses"). */
import { BlockList, isIP, isIPv4 } from 'node:net';
import { CrocError } from '../errors.js';

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * The one spelling under which an IP address counts: IPv4 as it is, IPv4-mapped IPv6 as that
 * IPv4, any other IPv6 as its /64, because one host has all of those.
 * @param ip - an address as a socket or a proxy names it; a zone (`%eth0`) is dropped
 * @returns nothing when `ip` is not an IP address
 */
export function addressKey(ip: string): string | undefined {
  if (isIPv4(ip)) return ip;
  const mapped = MAPPED.exec(ip)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;
  const bare = ip.split('%', 1)[0] ?? '';
  if (isIP(bare) !== 6) return undefined;
  const groups = expand(bare);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return groups
      .slice(6)
      .flatMap((group) => [group >> 8, group & 0xff])
      .join('.');
  }
  const prefix = groups.slice(0, 4).map((group) => group.toString(16));
  return `${prefix.join(':')}::/64`;
}

/** The eight 16-bit groups of a valid IPv6 address. */
function expand(ip: string): number[] {
  // The URL parser turns every spelling, dotted IPv4 tails too, into plain groups.
  const plain = new URL(`http://[${ip}]`).hostname.slice(1, -1);
  const [left = '', right] = plain.split('::');
  const parse = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const head = parse(left);
  if (right === undefined) return head;
  const tail = parse(right);
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}

/** Finds the client behind a connection: its peer, or what a listed proxy says. */
export class AddressResolver {
  readonly #proxies = new BlockList();
  readonly #some: boolean;

  /**
   * @param trustedProxies - addresses (`10.0.0.1`) or subnets (`10.0.0.0/8`, `fd00::/8`) whose
   *   `X-Forwarded-For` counts
   * @throws CrocError `usage` when one of them is neither
   */
  constructor(trustedProxies: readonly string[] = []) {
    this.#some = trustedProxies.length > 0;
    for (const proxy of trustedProxies) {
      const [ip = '', bits] = proxy.split('/');
      const family = isIP(ip) === 4 ? 'ipv4' : 'ipv6';
      try {
        if (bits === undefined) this.#proxies.addAddress(ip, family);
        else this.#proxies.addSubnet(ip, Number.parseInt(bits, 10), family);
      } catch (cause) {
        throw new CrocError('usage', { detail: `not an address or subnet: ${proxy}`, cause });
      }
    }
  }

  /** Tells whether connections from `peer` speak for others. */
  isProxy(peer: string): boolean {
    if (!this.#some) return false; // a look at the list takes some 10 µs, at each request
    const plain = MAPPED.exec(peer)?.[1] ?? peer;
    const family = isIP(plain);
    return family !== 0 && this.#proxies.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  }

  /**
   * @param peer - the address at the other end of the socket
   * @param forwardedFor - the `X-Forwarded-For` header, each proxy's entry appended at its end
   * @returns the client's address key: the last address that no listed proxy stands for
   */
  client(peer: string | undefined, forwardedFor: string | undefined): string | undefined {
    if (peer === undefined) return undefined;
    let client = peer;
    const hops = forwardedFor?.split(',') ?? [];
    while (this.isProxy(client)) {
      const hop = hops.pop()?.trim();
      if (hop === undefined || isIP(hop) === 0) break;
      client = hop;
    }
    return addressKey(client);
  }
}
