/** Which relay a recipient goes to: the named ones, then those on the local network, and no harm to strangers. */
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Relay, Send } from '../../src/core/api.js';
import type { Croc, CrocOptions } from '../../src/core/croc.js';
import { announce } from '../../src/core/discovery/announce.js';
import { systemClock, systemRandom } from '../../src/core/edges.js';
import { Croc as Library } from '../../src/core/croc.js';
import { startRelay } from '../../src/core/relays.js';
import type { Multicast } from '../../src/core/types.js';
import { DIST, codeOf, temporaryFolder, testCroc, testRelay } from '../support/croc.js';
import { ownMulticast } from '../support/multicast.js';

const SECRET = 'lunar-acorn-quilt';

async function announcedRelay(multicast: Multicast): Promise<Relay> {
  const relay = await startRelay({
    ...{ host: '127.0.0.1', port: 0, tcpPorts: [0, 0], announce: true, multicast },
  });
  onTestFinished(() => relay.close());
  return relay;
}

/** Sends a file with this text over a relay. */
async function sendText(relay: Relay, text: string, code?: string): Promise<Send> {
  const file = path.join(await temporaryFolder(), 'note.txt');
  await writeFile(file, text);
  const send = await testCroc(relay).send([file], code === undefined ? {} : { code });
  send.done.catch(() => undefined);
  onTestFinished(() => send.cancel());
  return send;
}

/** A recipient that looks on the test's own network. */
function finder(multicast: Multicast, options: CrocOptions = {}): Croc {
  return new Library({ discover: true, multicast, distFolder: DIST, ...options });
}

/** Receives and gives the text that arrived. */
async function receiveText(croc: Croc, code: string, relay?: string | string[]): Promise<string> {
  const offer = await croc.receive(code, relay === undefined ? {} : { relay });
  const to = await temporaryFolder();
  await offer.accept({ to }).done;
  return readFile(path.join(to, 'note.txt'), 'utf8');
}

/** Something that is announced as a relay but is none: takes connections and says nothing. */
async function silentRelay(multicast: Multicast): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const edges = { clock: systemClock, random: systemRandom };
  const announced = await announce({ port, multicast, ...edges });
  onTestFinished(async () => {
    await announced?.stop();
    server.close();
  });
}

async function closedPort(): Promise<string> {
  const relay = await startRelay({ host: '127.0.0.1', port: 0, tcpPorts: [0] });
  await relay.close();
  return relay.url;
}

describe('a recipient without any setting', () => {
  it('finds the relay of the sender on the local network', async () => {
    const multicast = await ownMulticast();
    const send = await sendText(await announcedRelay(multicast), 'hello');
    expect(await receiveText(finder(multicast), send.code)).toBe('hello');
  });

  it('finds the right one of several, by the name of the channel', async () => {
    const multicast = await ownMulticast();
    const relays = [await announcedRelay(multicast), await announcedRelay(multicast)];
    const codes = [`11-${SECRET}`, `22-${SECRET}`];
    for (const [index, relay] of relays.entries()) await sendText(relay, `${index}`, codes[index]);
    expect(await receiveText(finder(multicast), `22-${SECRET}`)).toBe('1');
    expect(await receiveText(finder(multicast), `11-${SECRET}`)).toBe('0');
  });

  it('is told when there is no relay, and when none has the channel', async () => {
    const multicast = await ownMulticast();
    const croc = finder(multicast);
    expect(await codeOf(croc.receive(`11-${SECRET}`))).toBe('no_relay');
    await announcedRelay(multicast);
    expect(await codeOf(croc.receive(`11-${SECRET}`))).toBe('no_such_channel');
  });

  it('does not wait for one that is silent', async () => {
    const multicast = await ownMulticast();
    await silentRelay(multicast);
    const send = await sendText(await announcedRelay(multicast), 'hello');
    expect(await receiveText(finder(multicast), send.code)).toBe('hello');
  });

  it('tells the password of its own relays to none that was only found', async () => {
    const multicast = await ownMulticast();
    const heard: string[] = [];
    // Says that it has every channel, and wants a password.
    const liar = createHttpServer((request, response) => {
      heard.push(`${request.url ?? ''} ${request.headers.authorization ?? 'nothing'}`);
      const code = request.url === '/join' ? 'relay_password' : 'unauthorized';
      response.writeHead(401).end(JSON.stringify({ error: { code, message: 'm' } }));
    });
    liar.listen(0, '127.0.0.1');
    await once(liar, 'listening');
    const { port } = liar.address() as AddressInfo;
    const edges = { clock: systemClock, random: systemRandom };
    const announced = await announce({ port, multicast, ...edges });
    onTestFinished(async () => {
      await announced?.stop();
      liar.closeAllConnections();
      liar.close();
    });
    const croc = finder(multicast, { relayPassword: 'hand in hand' });
    expect(await codeOf(croc.receive(`11-${SECRET}`))).toBe('relay_password');
    expect(heard).toEqual(['/channel nothing', '/join nothing']);
  });

  it('stops looking when it is told to', async () => {
    const multicast = await ownMulticast();
    await silentRelay(multicast);
    const abort = new AbortController();
    const receive = finder(multicast).receive(`11-${SECRET}`, { signal: abort.signal });
    abort.abort();
    expect(await codeOf(receive)).toBe('cancelled');
  });
});

describe('two relays with a channel of the same name', () => {
  it('are left alone: nobody is joined, and the real recipients still get theirs', async () => {
    const multicast = await ownMulticast();
    const relays = [await announcedRelay(multicast), await announcedRelay(multicast)];
    const [one, other] = relays;
    if (one === undefined || other === undefined) throw new Error('two relays');
    await sendText(one, 'one', '42-lunar-acorn-quilt');
    await sendText(other, 'other', '42-dozen-olive-crane');
    const croc = finder(multicast);
    await expect(croc.receive('42-lunar-acorn-quilt')).rejects.toMatchObject({
      code: 'several_relays',
      detail: expect.stringContaining(one.url) as unknown,
    });
    expect(await receiveText(testCroc(other), '42-dozen-olive-crane')).toBe('other');
    expect(await receiveText(testCroc(one), '42-lunar-acorn-quilt')).toBe('one');
  });

  it('are told apart by the person', async () => {
    const multicast = await ownMulticast();
    const [one, other] = [await announcedRelay(multicast), await announcedRelay(multicast)];
    await sendText(one, 'one', '42-lunar-acorn-quilt');
    await sendText(other, 'other', '42-dozen-olive-crane');
    const asked: string[][] = [];
    const offer = await finder(multicast).receive('42-dozen-olive-crane', {
      onSeveral: (relays) => {
        asked.push([...relays].sort());
        return Promise.resolve(other.url);
      },
    });
    await offer.reject();
    expect(asked).toEqual([[one.url, other.url].sort()]);
    const nobody = finder(multicast).receive('42-lunar-acorn-quilt', {
      onSeveral: () => Promise.resolve(undefined),
    });
    // The other's channel ended with the refusal, so there is nothing left to ask about.
    await (await nobody).reject();
  });

  it('are no question when one of them was named', async () => {
    const multicast = await ownMulticast();
    const named = await testRelay();
    const stranger = await announcedRelay(multicast);
    await sendText(named, 'mine', '42-lunar-acorn-quilt');
    await sendText(stranger, 'theirs', '42-dozen-olive-crane');
    const croc = finder(multicast, { relay: named.url });
    expect(await receiveText(croc, '42-lunar-acorn-quilt')).toBe('mine');
    expect(await receiveText(testCroc(stranger), '42-dozen-olive-crane')).toBe('theirs');
  });
});

describe('a recipient with relays of its own', () => {
  it('goes on to the local network when they have no such channel', async () => {
    const multicast = await ownMulticast();
    const named = await testRelay();
    const send = await sendText(await announcedRelay(multicast), 'hello');
    expect(await receiveText(finder(multicast, { relay: named.url }), send.code)).toBe('hello');
  });

  it('goes on when one of them does not answer, and tells so when nobody else has the channel', async () => {
    const multicast = await ownMulticast();
    const croc = finder(multicast, { relay: await closedPort() });
    expect(await codeOf(croc.receive(`11-${SECRET}`))).toBe('relay_unreachable');
    const send = await sendText(await announcedRelay(multicast), 'hello');
    expect(await receiveText(croc, send.code)).toBe('hello');
  });

  it('asks them in their order, and nobody else when it is not to look around', async () => {
    const multicast = await ownMulticast();
    const relays = [await testRelay(), await testRelay()];
    const [one, other] = relays;
    if (one === undefined || other === undefined) throw new Error('two relays');
    await sendText(one, 'one', '42-lunar-acorn-quilt');
    await sendText(other, 'other', '42-dozen-olive-crane');
    const croc = finder(multicast, { discover: false });
    const urls = relays.map(({ url }) => url);
    expect(await receiveText(croc, '42-lunar-acorn-quilt', urls)).toBe('one');
    expect(await receiveText(croc, '42-dozen-olive-crane', urls.reverse())).toBe('other');
    const found = await sendText(await announcedRelay(multicast), 'hello', `77-${SECRET}`);
    expect(await codeOf(croc.receive(found.code, { relay: urls }))).toBe('no_such_channel');
    expect(await codeOf(croc.receive(found.code))).toBe('no_relay');
  });

  it('refuses an address that is none', async () => {
    const croc = finder(await ownMulticast());
    expect(await codeOf(croc.receive(`11-${SECRET}`, { relay: 'ftp://x' }))).toBe('invalid_relay');
  });
});
