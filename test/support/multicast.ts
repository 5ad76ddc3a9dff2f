/** Multicast for tests: on loopback, on a port that nobody else has, so that nothing leaves the machine. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Multicast } from '../../src/core/types.js';

/** A place of its own to announce and to look. */
export async function ownMulticast(): Promise<Multicast & { readonly port: number }> {
  const socket = createSocket('udp4');
  socket.bind(0, '0.0.0.0');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return { interfaceAddress: '127.0.0.1', port };
}
