/** What goes wrong before data flows: codes, relays and peers, in every state of both machines. */
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Relay, Send } from '../../src/core/api.js';
import type { Timing } from '../../src/core/timing.js';
import { systemClock } from '../../src/core/edges.js';
import { RelayClient } from '../../src/core/channel/relayClient.js';
import { codeOf, filesBelow, temporaryFolder, testCroc, testRelay } from '../support/croc.js';
import { RawPeer } from '../support/rawPeer.js';

const SHORT: Partial<Timing> = {
  initializeMs: 4000,
  stepMs: 1500,
  answerMs: 800,
  connectMs: 1000,
  silenceMs: 1500,
  laneSilenceMs: 3000,
  pingMs: 300,
  reconnectMs: 1000,
};
const never = new AbortController().signal;
const base64 = (length: number, fill = 1): string => Buffer.alloc(length, fill).toString('base64');

async function sample(): Promise<string> {
  const file = path.join(await temporaryFolder(), 'file');
  await writeFile(file, 'content');
  return file;
}

/** Sends the sample file. The end is watched from the start. */
async function sending(
  url: string,
  options = SHORT,
): Promise<{ send: Send; ended: Promise<string> }> {
  const send = await testCroc(url, { timing: options }).send([await sample()]);
  return { send, ended: codeOf(send.done) };
}

async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const http = (answer: RequestListener): Promise<string> => listen(createServer(answer));

/** Waits until a relay has no open lanes any more. */
async function quiet(relay: { stats(): Promise<{ connections: number }> }): Promise<void> {
  while ((await relay.stats()).connections > 0) await new Promise((r) => setTimeout(r, 20));
}

describe('a code', () => {
  it.each([
    ['', 'invalid_code'],
    ['417', 'invalid_code'],
    ['417-', 'invalid_code'],
    ['417-ab', 'invalid_code'],
    ['-lunar-acorn-quilt', 'invalid_code'],
    ['lunar-acorn-quilt', 'croc_network'],
    ['417-lunar-acorn-quilt', 'no_such_channel'],
  ])('"%s" is %s', async (code, expected) => {
    const relay = await testRelay();
    expect(await codeOf(testCroc(relay).receive(code, { relay: relay.url }))).toBe(expected);
  });

  it('is burnt by one wrong guess: both know within five seconds, nothing is written', async () => {
    const relay = await testRelay();
    const { send, ended } = await sending(relay.url, {});
    const wrong = `${send.code.slice(0, send.code.indexOf('-'))}-zoom-zoom-zoom`;
    const startedMs = performance.now();
    expect(await codeOf(testCroc(relay).receive(wrong))).toBe('wrong_code');
    expect(await ended).toBe('wrong_code');
    expect(performance.now() - startedMs).toBeLessThan(5000);
    // The right code is of no use any more.
    expect(await codeOf(testCroc(relay).receive(send.code))).toBe('channel_closed');
  });

  it('cannot be used by a third address, whatever it presents', async () => {
    const relay = await testRelay();
    const { send, ended } = await sending(relay.url);
    const peer = new RawPeer(relay.url, '127.0.0.2');
    await peer.join('recipient', send.code.slice(0, send.code.indexOf('-')));
    const third = testCroc(relay, { localAddress: '127.0.0.3' });
    expect(await codeOf(third.receive(send.code))).toBe('channel_full');
    await peer.relay.close();
    expect(await ended).toBe('channel_closed');
  });

  it('is not needed to learn that there is nothing to send', async () => {
    const croc = testCroc(await testRelay());
    expect(await codeOf(croc.send([]))).toBe('nothing_to_send');
    expect(await codeOf(croc.send(['/does/not/exist']))).toBe('file_not_found');
    expect(await codeOf(croc.send(['/dev/null']).then((send) => send.done))).toBe(
      'unsupported_file',
    );
  });

  it('that nobody uses runs out', async () => {
    const relay = await testRelay();
    const send = await testCroc(relay).send([await sample()], { waitMs: 300 });
    expect(await codeOf(send.done)).toBe('nobody_came');
    expect(await codeOf(testCroc(relay).receive(send.code))).toBe('channel_closed');
  });
});

describe('a relay that is none', () => {
  it.each([
    ['is not there', () => Promise.resolve('http://127.0.0.1:1'), 'relay_unreachable'],
    ['has no name', () => Promise.resolve('http://no.such.host.invalid:80'), 'relay_unreachable'],
    ['is no address', () => Promise.resolve('ftp://example'), 'invalid_relay'],
    ['says nothing', () => listen(createTcpServer()), 'relay_silent'],
    ['hangs up', () => listen(createTcpServer((socket) => socket.destroy())), 'relay_unreachable'],
    [
      'speaks SSH',
      () => listen(createTcpServer((socket) => socket.end('SSH-2.0-x\r\n'))),
      'not_a_relay',
    ],
    ['serves a page', () => http((_q, a) => a.end('<html>')), 'not_a_relay'],
    ['has other JSON', () => http((_q, a) => a.end('{"hello":1}')), 'not_a_relay'],
    [
      'answers 404 in its own way',
      () => http((_q, a) => ((a.statusCode = 404), a.end('no'))),
      'not_a_relay',
    ],
    ['never stops talking', () => http((_q, a) => a.end('x'.repeat(200_000))), 'not_a_relay'],
    [
      'has a curve that nobody knows',
      () =>
        http((_q, a) =>
          a.end(
            '{"channel":"1","uuid":"u","role":"sender","curve":"p999","ports":[1],"expires_in":1}',
          ),
        ),
      'unsupported_curve',
    ],
    [
      'refuses with a code of the list',
      () =>
        http(
          (_q, a) => ((a.statusCode = 503), a.end('{"error":{"code":"relay_full","message":"m"}}')),
        ),
      'relay_full',
    ],
    [
      'refuses with a code of tomorrow',
      () =>
        http((_q, a) => ((a.statusCode = 418), a.end('{"error":{"code":"teapot","message":"m"}}'))),
      'bad_request',
    ],
  ])('%s', async (_name, start, expected) => {
    const croc = testCroc(await start(), { timing: SHORT });
    expect(await codeOf(croc.send([await sample()]))).toBe(expected);
    expect(await codeOf(croc.receive('417-lunar-acorn-quilt'))).toBe(expected);
  });

  it('whose TCP port is closed is told with its number', async () => {
    const front = await withPort(await testRelay(), 1);
    const { send, ended } = await sending(front);
    const received = codeOf(testCroc(front, { timing: SHORT }).receive(send.code));
    expect(await ended).toBe('relay_port_blocked');
    await expect(send.done).rejects.toThrow(/port 1\b/);
    expect(['relay_port_blocked', 'channel_closed']).toContain(await received);
  });

  it('whose TCP port is silent for longer than a step may take is told as what took too long', async () => {
    const silent = new URL(await listen(createTcpServer()));
    // The ports cannot be checked at a relay that opens no second channel, so only the step is left to tell of.
    const relay = await testRelay({ limits: { channelsPerAddress: 1 } });
    const front = await withPort(relay, Number(silent.port));
    const timing = { ...SHORT, connectMs: 20_000 };
    const { send, ended } = await sending(front, timing);
    const received = codeOf(testCroc(front, { timing }).receive(send.code));
    const codes = [await ended, await received];
    // Whoever notices first closes the channel.
    expect(codes).toContain('timed_out');
    for (const code of codes) expect(['timed_out', 'channel_closed']).toContain(code);
  });
});

/** A relay whose answers name one other TCP port. */
function withPort(relay: Relay, port: number): Promise<string> {
  return http((question, answer) => {
    const chunks: Buffer[] = [];
    question.on('data', (chunk: Buffer) => chunks.push(chunk));
    question.on('end', () => {
      void fetch(`${relay.url}${question.url ?? ''}`, {
        method: 'POST',
        body: Buffer.concat(chunks),
        headers: { 'content-type': 'application/json' },
      }).then(async (real) => {
        answer.statusCode = real.status;
        const text = await real.text();
        answer.end(text.replace(/"ports":\[[^\]]*\]/, `"ports":[${port}]`));
      });
    });
  });
}

describe('a sender', () => {
  it('in awaiting-y: learns that the channel was closed, that the relay went', async () => {
    const relay = await testRelay();
    const closed = await sending(relay.url);
    const peer = new RawPeer(relay.url);
    await peer.join('recipient', closed.send.code.split('-')[0]);
    await peer.relay.close();
    expect(await closed.ended).toBe('channel_closed');

    const left = await sending(relay.url);
    await relay.close();
    expect(await left.ended).toBe('relay_gone');
  });

  it.each([
    ['no point', base64(65)],
    ['the wrong curve’s length', base64(97, 4)],
  ])('in verifying: y that is %s ends it', async (_name, y) => {
    const relay = await testRelay();
    const { send, ended } = await sending(relay.url);
    const peer = new RawPeer(relay.url);
    await peer.join('recipient', send.code.split('-')[0]);
    const given = await codeOf(peer.relay.update({ y, hh_k: base64(32) }, never));
    if (given === 'resolved') expect(await ended).toBe('key_exchange_failed');
    else {
      expect(given).toBe('bad_request');
      await send.cancel();
    }
  });

  it('in awaiting-staple: gives up when the recipient never connects', async () => {
    const relay = await testRelay();
    const { send, ended } = await sending(relay.url);
    const peer = new RawPeer(relay.url);
    peer.connect = () => Promise.resolve();
    await peer.meetAsRecipient(send.code);
    expect(await ended).toBe('peer_silent');
    await quiet(relay);
  });

  it.each(['awaiting-y', 'awaiting-staple', 'sending'])('cancels in %s', async (state) => {
    const relay = await testRelay();
    const { send, ended } = await sending(relay.url);
    const peer = new RawPeer(relay.url);
    if (state !== 'awaiting-y') {
      if (state === 'awaiting-staple') peer.connect = () => Promise.resolve();
      const reached = new Promise((resolve) => {
        send.on('state', (now) => {
          if (now === state) resolve(undefined);
        });
      });
      await Promise.all([reached, peer.meetAsRecipient(send.code)]);
    }
    await send.cancel();
    expect(await ended).toBe('cancelled');
    expect(await codeOf(testCroc(relay).receive(send.code))).toBe('channel_closed');
    await quiet(relay);
  });
});

describe('a recipient', () => {
  const withSender = async (): Promise<{
    relay: Awaited<ReturnType<typeof testRelay>>;
    sender: RelayClient;
    channel: string;
  }> => {
    const relay = await testRelay();
    const sender = new RelayClient({ url: relay.url, clock: systemClock, answerMs: 5000 });
    const { channel } = await sender.join('sender', undefined, 'p256', never);
    return { relay, sender, channel };
  };

  it('in awaiting-x: gives up on a sender that says nothing', async () => {
    const { relay, channel } = await withSender();
    const croc = testCroc(relay, { timing: SHORT });
    expect(await codeOf(croc.receive(`${channel}-lunar-acorn-quilt`))).toBe('peer_silent');
  });

  it('in awaiting-x: refuses an x that is no point', async () => {
    const { relay, sender, channel } = await withSender();
    await sender.update({ x: base64(65, 4) }, never);
    const croc = testCroc(relay, { timing: SHORT });
    expect(await codeOf(croc.receive(`${channel}-lunar-acorn-quilt`))).toBe('key_exchange_failed');
  });

  it('in awaiting-h_k: gives up on a sender that does not confirm', async () => {
    const relay = await testRelay();
    const { code } = await new RawPeer(relay.url).openAsSender('lunar-acorn-quilt');
    expect(await codeOf(testCroc(relay, { timing: SHORT }).receive(code))).toBe('peer_silent');
  });

  it('in connecting: hears from a sender that never opens its lanes only silence', async () => {
    const relay = await testRelay();
    const peer = new RawPeer(relay.url);
    peer.connect = () => Promise.resolve();
    const { code, meet } = await peer.openAsSender('lunar-acorn-quilt');
    const received = codeOf(testCroc(relay, { timing: SHORT }).receive(code));
    await meet();
    expect(await received).toBe('peer_silent');
    await quiet(relay);
  });

  it.each(['awaiting-x', 'awaiting-h_k'])('cancels in %s', async (state) => {
    const relay = await testRelay();
    const peer = new RawPeer(relay.url);
    const abort = new AbortController();
    let code = '';
    if (state === 'awaiting-x') code = `${(await peer.join('sender')).channel}-lunar-acorn-quilt`;
    else ({ code } = await peer.openAsSender('lunar-acorn-quilt'));
    const received = codeOf(
      testCroc(relay).receive(code, {
        signal: abort.signal,
        onState: (now) => {
          if (now === state) abort.abort();
        },
      }),
    );
    expect(await received).toBe('cancelled');
    expect(await codeOf(peer.relay.update({}, never))).toBe('channel_closed');
  });

  it('learns that the relay went while it waits', async () => {
    const relay = await testRelay();
    const { code } = await new RawPeer(relay.url).openAsSender('lunar-acorn-quilt');
    const received = codeOf(
      testCroc(relay, { timing: SHORT }).receive(code, {
        onState: (state) => {
          if (state === 'awaiting-h_k') setTimeout(() => void relay.close(), 50);
        },
      }),
    );
    expect(await received).toBe('relay_gone');
  });

  it('does not start when it was cancelled before', async () => {
    const relay = await testRelay();
    const { send, ended } = await sending(relay.url);
    const signal = AbortSignal.abort();
    expect(await codeOf(testCroc(relay).receive(send.code, { signal }))).toBe('cancelled');
    await send.cancel();
    expect(await ended).toBe('cancelled');
    expect(await filesBelow(await temporaryFolder())).toEqual([]);
  });
});
