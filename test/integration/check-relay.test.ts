/** Is this relay of use from here? Asked of real ones, of one with a closed port, and of what is none. */
import { createServer as createHttp } from 'node:http';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Relay } from '../../src/core/api.js';
import { checkRelay } from '../../src/core/checkRelay.js';
import { startRelay } from '../../src/core/relay/relay.js';
import { Cli, ending, failed } from '../support/cli.js';
import { codeOf, testCroc, testRelay } from '../support/croc.js';
import { GatedRelay } from '../support/gate.js';

const HERE = { timeoutMs: 10_000 };

async function listening(server: Server, port: number, host: string): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return address.port;
}

/** @param open - how many of the relay's two ports are let through */
async function withGate(open: number): Promise<GatedRelay> {
  const gated = await GatedRelay.start(open);
  onTestFinished(() => gated.close());
  return gated;
}

/** A relay of whose two ports only the first is let through. */
const halfBlocked = async (): Promise<Relay> => (await withGate(1)).relay;

describe('checking a relay', () => {
  it('tells version, distance and ports, and leaves nothing behind', async () => {
    const relay = await testRelay();
    const check = await checkRelay(new URL(relay.url).host, HERE);
    expect(check).toMatchObject({
      address: '127.0.0.1',
      version: '1',
      ports: relay.ports.map((port) => ({ port, reachable: true })),
    });
    expect(check.roundTripMs).toBeGreaterThan(0);
    expect((await relay.stats()).channels).toBe(0);
  });

  it('says which port is blocked', async () => {
    const relay = await halfBlocked();
    const [open, blocked] = relay.ports;
    expect((await checkRelay(relay.url, HERE)).ports).toEqual([
      { port: open, reachable: true },
      { port: blocked, reachable: false, problem: 'relay_port_blocked' },
    ]);
  });

  it('tells what is not there, and what is no relay', async () => {
    const gone = await startRelay({ host: '127.0.0.1', port: 0, tcpPorts: [0] });
    await gone.close();
    expect(await codeOf(checkRelay(gone.url, HERE))).toBe('relay_unreachable');
    const web = createHttp((_, response) => response.end('hello'));
    const port = await listening(web, 0, '127.0.0.1');
    expect(await codeOf(checkRelay(`127.0.0.1:${port}`, HERE))).toBe('not_a_relay');
    const mute = await listening(createServer(), 0, '127.0.0.1');
    const silent = checkRelay(`127.0.0.1:${mute}`, { timeoutMs: 200 });
    expect(await codeOf(silent)).toBe('relay_silent');
    expect(await codeOf(checkRelay('ftp://x', HERE))).toBe('invalid_relay');
  });

  it('stops when it is told to', async () => {
    const mute = await listening(createServer(), 0, '127.0.0.1');
    const abort = new AbortController();
    const check = checkRelay(`127.0.0.1:${mute}`, { ...HERE, signal: abort.signal });
    abort.abort();
    expect(await codeOf(check)).toBe('cancelled');
  });
});

describe("checking a relay of croc's own network", () => {
  const at = (relay: Relay, host = '127.0.0.1'): string => `croc://${host}:${relay.ports[0]}`;

  it('tells distance and ports once it is let in, and leaves nothing behind', async () => {
    const relay = await testRelay({ tcpPorts: [0, 0, 0] });
    const check = await checkRelay(at(relay), HERE);
    expect(check).toEqual({
      ...{ url: at(relay), address: '127.0.0.1', roundTripMs: check.roundTripMs },
      ports: relay.ports.map((port) => ({ port, reachable: true })),
    });
    expect(check.roundTripMs).toBeGreaterThan(0);
    await expect.poll(async () => (await relay.stats()).connections).toBe(0);
    // One port is for control and data.
    const small = await testRelay({ tcpPorts: [0] });
    expect((await checkRelay(at(small), HERE)).ports).toHaveLength(1);
  });

  it('tells a wrong password from a right one', async () => {
    const relay = await testRelay({ crocPassword: 'heron' });
    const relayPassword = 'heron';
    expect(await codeOf(checkRelay(at(relay), HERE))).toBe('relay_password');
    expect(await codeOf(checkRelay(at(relay), { ...HERE, relayPassword: 'wren' }))).toBe(
      'relay_password',
    );
    expect((await checkRelay(at(relay), { ...HERE, relayPassword })).ports).toHaveLength(2);
  });

  it('says which port is blocked, also one that takes connections and stays silent', async () => {
    const { relay } = await withGate(1);
    const [open, blocked = 0] = relay.ports;
    const ports = [
      { port: open, reachable: true },
      { port: blocked, reachable: false, problem: 'relay_port_blocked' },
    ];
    expect((await checkRelay(at(relay, '127.0.0.3'), HERE)).ports).toEqual(ports);
    await listening(createServer(), blocked, '127.0.0.3');
    const impatient = checkRelay(at(relay, '127.0.0.3'), { timeoutMs: 1000 });
    expect((await impatient).ports).toEqual(ports);
  });

  it('tells what is not there, what is no such relay, and stops when it is told to', async () => {
    const gone = await startRelay({ host: '127.0.0.1', port: 0, tcpPorts: [0] });
    await gone.close();
    expect(await codeOf(checkRelay(at(gone), HERE))).toBe('relay_unreachable');
    const web = createHttp((_, response) => response.end('hello'));
    const port = await listening(web, 0, '127.0.0.1');
    expect(await codeOf(checkRelay(`croc://127.0.0.1:${port}`, HERE))).toBe('not_a_relay');
    const mute = await listening(createServer(), 0, '127.0.0.1');
    const url = `croc://127.0.0.1:${mute}`;
    expect(await codeOf(checkRelay(url, { timeoutMs: 200 }))).toBe('relay_silent');
    expect(await codeOf(checkRelay('croc://a b', HERE))).toBe('invalid_relay');
    const abort = new AbortController();
    const check = checkRelay(url, { ...HERE, signal: abort.signal });
    abort.abort();
    expect(await codeOf(check)).toBe('cancelled');
  });

  it('goes by command line', async () => {
    const relay = await testRelay({ crocPassword: 'heron' });
    const url = at(relay);
    const cli = Cli.text(['check', '--relay', url, '--relay-password', 'heron']);
    expect(await cli.exit).toBe(0);
    expect(cli.stdout).toContain(`${url}: a relay of the croc program that lets you in, `);
    expect(cli.stdout).toContain(`TCP port ${relay.ports[1]}: can be reached`);
    expect(await ending(Cli.json(['check', '--relay', url]))).toEqual(failed('relay_password'));
  });
});

describe('a transfer that cannot connect', () => {
  it('checks by itself, and its error names every port', async () => {
    const relay = await halfBlocked();
    const [open, blocked] = relay.ports;
    const send = await testCroc(relay).send([import.meta.filename]);
    send.done.catch(() => undefined);
    await expect(testCroc(relay).receive(send.code)).rejects.toMatchObject({
      code: 'relay_port_blocked',
      detail: `127.0.0.3: blocked ${blocked}; open ${open}`,
    });
    await send.cancel();
  });

  it('checks, too, when something in between accepts the connection and stays silent', async () => {
    const { relay } = await withGate(1);
    const [open, blocked = 0] = relay.ports;
    const mute = createServer((socket) => socket.write('{'));
    await listening(mute, blocked, '127.0.0.3');
    const send = await testCroc(relay).send([import.meta.filename]);
    send.done.catch(() => undefined);
    const impatient = testCroc(relay, { timing: { connectMs: 500 } });
    await expect(impatient.receive(send.code)).rejects.toMatchObject({
      code: 'relay_port_blocked',
      detail: `127.0.0.3: blocked ${blocked}; open ${open}`,
    });
    await send.cancel();
  });
});

describe('croc-share check', () => {
  it('tells it as a line, and as an error when a port is blocked', async () => {
    const relay = await halfBlocked();
    const cli = Cli.json(['check', '--relay', relay.url]);
    expect(await ending(cli)).toEqual(failed('relay_port_blocked'));
    const [check] = cli.all('check');
    expect(check?.ports.map(({ reachable }) => reachable)).toEqual([true, false]);
  });

  it('says it to people', async () => {
    const relay = await testRelay();
    const cli = Cli.text(['check', '--relay', relay.url]);
    expect(await cli.exit).toBe(0);
    expect(cli.stdout).toMatch(/a Croc relay, protocol 1, \d+(\.\d)? ms away\./);
    expect(cli.stdout).toContain(`TCP port ${relay.ports[0]}: can be reached`);
  });

  it('has nothing to look at without a relay', async () => {
    expect(await ending(Cli.json(['check']))).toEqual(failed('no_relay'));
  });
});
