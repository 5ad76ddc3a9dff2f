/** Clients at a relay that wants a password, or that says to come back later. */
import { createServer } from 'node:http';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { authorization } from '../../src/core/channel/relayPassword.js';
import { JOINING, JOIN_PATIENCE_MS, persist, waitMs } from '../../src/core/channel/patience.js';
import { systemClock } from '../../src/core/edges.js';
import { CrocError } from '../../src/core/errors.js';
import { Cli, startRelayProcess, temporaryFolder as cliFolder } from '../support/cli.js';
import { codeOf, temporaryFolder, testCroc, testRelay } from '../support/croc.js';
import { FakeClock } from './relay-client.js';

const random = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(128);

async function fileToSend(): Promise<string> {
  const file = path.join(await temporaryFolder(), 'note.txt');
  await writeFile(file, 'through a locked door');
  return file;
}

describe('a relay with a password', () => {
  it('serves both sides that know it, by option of Croc or of a call', async () => {
    const relay = await testRelay({ password: 'ø pen' });
    const sender = testCroc(relay, { relayPassword: 'ø pen' });
    const send = await sender.send([await fileToSend()]);
    const to = await temporaryFolder();
    const offer = await testCroc(relay).receive(send.code, { relayPassword: 'ø pen' });
    await offer.accept({ to }).done;
    await send.done;
    expect(await readFile(path.join(to, 'note.txt'), 'utf8')).toBe('through a locked door');
  });

  it.each([undefined, 'wrong'])('tells a client that says %j what is wrong', async (said) => {
    const relay = await testRelay({ password: 'right' });
    const croc = testCroc(relay, said === undefined ? {} : { relayPassword: said });
    expect(await codeOf(croc.send([await fileToSend()]))).toBe('relay_password');
    expect(await codeOf(croc.receive('1-lunar-acorn-quilt'))).toBe('relay_password');
  });

  it('is used by the command line from the environment, and nothing of it is told', async () => {
    const env = { CROC_RELAY_PASSWORD: 'sesame-sesame' };
    const { cli: relay, url } = await startRelayProcess(1, [], env);
    const [from, to] = [await cliFolder(), await cliFolder()];
    await writeFile(path.join(from, 'a'), 'a');
    const sender = Cli.json(['send', path.join(from, 'a'), '--relay', url], { env });
    const { code } = await sender.event('code');
    const args = ['receive', code, '--relay', url, '--out', to, '--yes'];
    const stranger = Cli.json(args, { env: { CROC_RELAY_PASSWORD: '' } });
    await stranger.exit;
    expect(stranger.errors).toEqual(['relay_password']);
    const recipient = Cli.json([...args, '--relay-password', 'sesame-sesame']);
    expect([await sender.exit, await recipient.exit]).toEqual([0, 0]);
    relay.child.kill('SIGTERM');
    expect(await relay.exit).toBe(0);
    for (const { stdout, stderr } of [relay, sender, recipient, stranger])
      expect(stdout + stderr).not.toMatch(/sesame|c2VzYW1l/);
  });

  it('is not told to a relay far away without encryption', () => {
    const told = (url: string, address: string): string => {
      try {
        return authorization('p', new URL(url), address);
      } catch (error) {
        return CrocError.from(error).code;
      }
    };
    for (const near of ['127.0.0.1', '10.1.2.3', '172.31.0.1', '192.168.1.2', '::1', 'fd00::1'])
      expect(told('http://relay.example:8003', near)).toBe('Bearer cA==');
    for (const far of ['192.0.2.1', '172.32.0.1', '11.0.0.1', '2001:db8::1', '8.8.8.8', 'x'])
      expect(told('http://relay.example:8003', far)).toBe('password_in_clear');
    expect(told('https://relay.example', '192.0.2.1')).toBe('Bearer cA==');
  });
});

describe('a client that is told to come back', () => {
  it('does, and gets in', async () => {
    const relay = await testRelay({ limits: { joinsPerMinute: 60, channelsPerAddress: 100 } });
    // Nobody has joined yet; take every join of this minute, so that one is free in a second.
    for (let taken = 0; taken < 60; taken += 1)
      await fetch(`${relay.url}/join`, { method: 'POST', body: '{"role":"sender"}' });
    const send = await testCroc(relay).send([await fileToSend()]);
    expect(send.code).toMatch(/^\d+-/);
    await send.cancel();
    await send.done.catch(() => undefined);
  });

  it('tells why when it has waited long enough, or when it would have to for too long', async () => {
    const asked: number[] = [];
    const clock = new FakeClock();
    const refusal = new CrocError('relay_full', { retryAfterSeconds: 30 });
    const waiting = persist({ clock, random }, JOINING, new AbortController().signal, () => {
      asked.push(clock.now());
      return Promise.reject(refusal);
    });
    const ended = codeOf(waiting);
    while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(JOIN_PATIENCE_MS);
    expect(await ended).toBe('relay_full');
    expect(asked.length).toBe(2);
    const later = new CrocError('rate_limited', { retryAfterSeconds: 300 });
    const parts = { clock: systemClock, random };
    const signal = new AbortController().signal;
    expect(await codeOf(persist(parts, JOINING, signal, () => Promise.reject(later)))).toBe(
      'rate_limited',
    );
  });

  it('waits as long as was said and up to half of that more', () => {
    const waits = [0, 128, 255].map((byte) =>
      waitMs({ clock: systemClock, random: (n) => new Uint8Array(n).fill(byte) }, 10),
    );
    expect(waits[0]).toBe(10_000);
    expect(waits[1]).toBeGreaterThan(12_000);
    expect(waits[2]).toBeLessThan(15_001);
    expect(waits[2]).toBeGreaterThan(14_900);
  });

  it('heeds Retry-After of what stands in front of the relay, and only of a relay', async () => {
    let asked = 0;
    const relay = await testRelay();
    const front = createServer((_request, response) => {
      asked += 1;
      const body = '{"error":{"code":"relay_full","message":"m"}}';
      if (asked === 1) response.writeHead(503, { 'retry-after': '1' }).end(body);
      else response.writeHead(307, { location: `${relay.url}/join` }).end('moved');
    });
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void front.close());
    const address = front.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const croc = testCroc(`http://127.0.0.1:${port}`);
    expect(await codeOf(croc.send([await fileToSend()]))).toBe('not_a_relay');
    expect(asked).toBe(2);
  });
});
