/** Relays that are announced and found, by real multicast on the loopback interface only. */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import os from 'node:os';
import { decode, encode } from 'dns-packet';
import type { DecodedPacket, Packet } from 'dns-packet';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startRelay, startRelayThread } from '../../src/core/relays.js';
import type { Relay, RelayOptions } from '../../src/core/api.js';
import { findRelays } from '../../src/core/discovery/find.js';
import type { FoundRelay } from '../../src/core/discovery/find.js';
import { MULTICAST_GROUP } from '../../src/core/discovery/network.js';
import { SERVICE } from '../../src/core/discovery/records.js';
import type { Multicast } from '../../src/core/types.js';
import path from 'node:path';
import { DIST } from '../support/croc.js';
import { ownMulticast } from '../support/multicast.js';
import { post, verifiedPair } from './relay-client.js';

async function announced(multicast: Multicast, options: RelayOptions = {}): Promise<Relay> {
  const relay = await startRelay({
    ...{ host: '127.0.0.1', port: 0, tcpPorts: [0], announce: true, multicast },
    ...options,
  });
  onTestFinished(() => relay.close());
  return relay;
}

async function found(multicast: Multicast, timeoutMs = 700): Promise<FoundRelay[]> {
  const all: FoundRelay[] = [];
  for await (const relay of findRelays({ multicast, timeoutMs })) all.push(relay);
  return all;
}

/** The first relay that is found, however long the machine takes. */
async function first(multicast: Multicast): Promise<FoundRelay | undefined> {
  for await (const relay of findRelays({ multicast, timeoutMs: 10_000 })) return relay;
  return undefined;
}

/** A socket on loopback, in the group or from a port of its own. */
async function listener({ port = 0 }: Multicast, member: boolean): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  onTestFinished(() => {
    socket.close();
  });
  socket.bind(member ? port : 0, member ? '0.0.0.0' : '127.0.0.1');
  await once(socket, 'listening');
  socket.setMulticastInterface('127.0.0.1');
  if (member) socket.addMembership(MULTICAST_GROUP, '127.0.0.1');
  return socket;
}

/** The next packet that `wanted` takes. */
async function heard(
  socket: Socket,
  wanted: (packet: DecodedPacket) => boolean,
): Promise<DecodedPacket> {
  return new Promise((resolve) => {
    const look = (bytes: Buffer): void => {
      const packet = decode(bytes);
      if (!wanted(packet)) return;
      socket.off('message', look);
      resolve(packet);
    };
    socket.on('message', look);
  });
}

const ask = (socket: Socket, { port = 0 }: Multicast, packet: Packet): void => {
  socket.send(encode(packet), port, MULTICAST_GROUP);
};
const isResponse = ({ type }: Packet): boolean => type === 'response';
const ttlsOf = ({ answers = [] }: Packet): (number | undefined)[] =>
  answers.map((answer) => (answer.type === 'OPT' ? undefined : answer.ttl));

describe('a relay that is announced', () => {
  it('is found with its address and port', async () => {
    const multicast = await ownMulticast();
    const relay = await announced(multicast);
    expect(relay.announced).toBe(true);
    expect((await first(multicast))?.url).toBe(relay.url);
  });

  it('is found once, beside others', async () => {
    const multicast = await ownMulticast();
    const relays = [await announced(multicast), await announced(multicast)];
    const urls = (await found(multicast, 1500)).map(({ url }) => url);
    expect(urls.sort()).toEqual(relays.map(({ url }) => url).sort());
  });

  it('is found when it runs in a thread of its own', async () => {
    const multicast = await ownMulticast();
    const relay = await startRelayThread(
      { host: '127.0.0.1', port: 0, tcpPorts: [0], announce: true, multicast, nameDigits: 4 },
      path.join(DIST, 'relayWorker.js'),
    );
    expect(relay.announced).toBe(true);
    expect((await first(multicast))?.url).toBe(relay.url);
    await relay.close();
    expect(await found(multicast)).toEqual([]);
  });

  it('is withdrawn when it stops: says goodbye, and answers no more', async () => {
    const multicast = await ownMulticast();
    const group = await listener(multicast, true);
    const hello = heard(group, isResponse);
    const relay = await announced(multicast);
    expect(ttlsOf(await hello).every((ttl) => (ttl ?? 0) > 0)).toBe(true);
    const goodbye = heard(group, (packet) => isResponse(packet) && ttlsOf(packet).includes(0));
    await relay.close();
    expect(ttlsOf(await goodbye)).toEqual([0, 0, 0, 0]);
    expect(await found(multicast)).toEqual([]);
  });

  it('is withdrawn before it drains, while transfers still run', async () => {
    const multicast = await ownMulticast();
    const group = await listener(multicast, true);
    const goodbye = heard(group, (packet) => isResponse(packet) && ttlsOf(packet).includes(0));
    const relay = await startRelay({
      ...{ host: '127.0.0.1', port: 0, tcpPorts: [0], announce: true, multicast },
    });
    onTestFinished(() => relay.close());
    const { recipient } = await verifiedPair(relay);
    const drained = relay.drain(600_000);
    await goodbye;
    expect(await found(multicast)).toEqual([]);
    // All of that while the transfer may still go on.
    expect((await post(relay, recipient, { close: true })).status).toBe(200);
    await drained;
  });

  it('names no person, no machine, and no address but the one in the network of who asks', async () => {
    const multicast = await ownMulticast();
    const group = await listener(multicast, true);
    const hello = heard(group, isResponse);
    await announced(multicast);
    const socket = await listener(multicast, false);
    const answer = heard(socket, isResponse);
    ask(socket, multicast, { type: 'query', id: 7, questions: [{ name: SERVICE, type: 'PTR' }] });
    for (const packet of [await hello, await answer]) {
      const text = JSON.stringify(packet).toLowerCase();
      expect(text).not.toContain(os.hostname().toLowerCase());
      expect(text).not.toContain(os.userInfo().username.toLowerCase());
      const records = [...(packet.answers ?? []), ...(packet.additionals ?? [])];
      const addresses = records.flatMap((one) => (one.type === 'A' ? [one.data] : []));
      expect(addresses).toEqual(['127.0.0.1']);
      const targets = records.flatMap((one) => (one.type === 'SRV' ? [one.data.target] : []));
      expect(targets).toHaveLength(1);
      for (const target of targets) expect(target).toMatch(/^[0-9a-f]{16}\.local$/);
    }
  });

  it('is named anew each time', async () => {
    const multicast = await ownMulticast();
    const relay = await announced(multicast);
    const before = await first(multicast);
    await relay.close();
    await announced(multicast);
    expect((await first(multicast))?.name).not.toBe(before?.name);
  });

  it('goes on after packets that are none', async () => {
    const multicast = await ownMulticast();
    const relay = await announced(multicast);
    const socket = await listener(multicast, false);
    for (const bytes of [Buffer.alloc(0), Buffer.from('hello'), Buffer.alloc(1400, 0xff)])
      socket.send(bytes, multicast.port, MULTICAST_GROUP);
    expect((await first(multicast))?.url).toBe(relay.url);
  });
});

describe('a relay that is not announced', () => {
  it.each<[string, RelayOptions]>([
    ['because nobody asked for it', { announce: false }],
    ['because it listens on loopback only', { multicast: {} }],
  ])('%s is not found', async (_, options) => {
    const multicast = await ownMulticast();
    const relay = await announced(multicast, options);
    expect(relay.announced).toBe(false);
    expect(await found(multicast)).toEqual([]);
  });
});

describe('looking for relays', () => {
  it('ends when it is told to', async () => {
    const abort = new AbortController();
    const multicast = await ownMulticast();
    const search = findRelays({ multicast, timeoutMs: 60_000, signal: abort.signal });
    const next = search.next();
    abort.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it('believes no answer to another question, and no address that an answer names', async () => {
    const multicast = await ownMulticast();
    const liar = await listener(multicast, true);
    liar.on('message', (bytes: Buffer, from) => {
      const { id = 0, type } = decode(bytes);
      if (type !== 'query') return;
      const tell = (name: string, answerId: number): void => {
        const instance = `${name}.${SERVICE}`;
        const packet = encode({
          ...{ type: 'response', id: answerId },
          answers: [
            { type: 'PTR', name: SERVICE, ttl: 10, data: instance },
            { type: 'SRV', name: instance, data: { port: 1234, target: 'elsewhere.local' } },
            { type: 'A', name: 'elsewhere.local', data: '192.0.2.1' },
          ],
        });
        liar.send(packet, from.port, from.address);
      };
      tell('another', (id + 1) % 65_536);
      tell('ours', id);
    });
    const all = await found(multicast, 1500);
    expect(all).toEqual([{ url: 'http://127.0.0.1:1234', name: `ours.${SERVICE}` }]);
  });

  it('takes no more than 32, however many there are', async () => {
    const multicast = await ownMulticast();
    const liar = await listener(multicast, true);
    liar.on('message', (bytes: Buffer, from) => {
      const { id = 0, type } = decode(bytes);
      if (type !== 'query') return;
      for (let number = 0; number < 100; number += 1) {
        const instance = `${number}.${SERVICE}`;
        const packet = encode({
          ...{ type: 'response', id },
          answers: [
            { type: 'PTR', name: SERVICE, ttl: 10, data: instance },
            { type: 'SRV', name: instance, data: { port: 1000 + number, target: 'x.local' } },
          ],
        });
        liar.send(packet, from.port, from.address);
      }
    });
    expect((await found(multicast, 1500)).length).toBe(32);
  });
});
