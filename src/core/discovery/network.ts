/** Where multicast goes: the group, the port, and the addresses of this machine. */
import { BlockList, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Multicast } from '../types.js';

/** The group and port of multicast DNS (RFC 6762, section 3). */
export const MULTICAST_GROUP = '224.0.0.251';
export const MULTICAST_PORT = 5353;

/** An IPv4 address of this machine, with the network around it. */
interface OwnAddress {
  readonly address: string;
  readonly internal: boolean;
  readonly holds: (peer: string) => boolean;
}

function ownAddresses({ interfaceAddress }: Multicast): OwnAddress[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family }) => family === 'IPv4')
    .filter(({ address }) => interfaceAddress === undefined || address === interfaceAddress)
    .map(({ address, cidr, internal }) => {
      const network = new BlockList();
      const bits = Number(cidr?.split('/')[1] ?? 32);
      network.addSubnet(address, bits, 'ipv4');
      return { address, internal, holds: (peer) => isIPv4(peer) && network.check(peer, 'ipv4') };
    });
}

/** The IPv4 addresses to ask from: one an interface; loopback only where there is nothing else. */
export function addressesToAskFrom(multicast: Multicast): readonly string[] {
  const all = ownAddresses(multicast);
  const outside = all.filter(({ internal }) => !internal);
  return (outside.length > 0 ? outside : all).map(({ address }) => address);
}

/**
 * The address of this machine in the network of `peer`: the only one that it is told.
 * @returns undefined for a peer that is in none of our networks; it gets no answer
 */
export function addressFor(peer: string, multicast: Multicast): string | undefined {
  return ownAddresses(multicast).find(({ holds }) => holds(peer))?.address;
}

/**
 * Reads where to announce and to look, as `CROC_MULTICAST` says it: `off`, or the IPv4 address of the one
 * interface to use, with `:port` if it is to be another than 5353.
 *
 * @returns `{}` for an empty text, which means everywhere; undefined when it is none of these
 */
export function parseMulticast(text: string): Multicast | 'nowhere' | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return {};
  if (trimmed === 'off') return 'nowhere';
  const [interfaceAddress = '', portText] = trimmed.split(':', 2);
  const port = portText === undefined ? MULTICAST_PORT : Number(portText);
  const right = isIPv4(interfaceAddress) && Number.isInteger(port) && port > 0 && port <= 65_535;
  return right ? { interfaceAddress, port } : undefined;
}
