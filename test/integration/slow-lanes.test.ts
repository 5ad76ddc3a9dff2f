/**
 * Over a real network bytes of the lanes and requests to the relay travel apart and overtake each other.
 * Here the recipient's bytes on the lanes come later than its requests, and the sender's requests later than its lanes.
 */
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { onTestFinished, expect, test } from 'vitest';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Cli, ending, startRelayProcess, temporaryFolder } from '../support/cli.js';

/** A way to the relay on which the bytes of lanes towards it are late, and requests. Milliseconds. */
async function slowWay(url: string, late: { lanes?: number; requests?: number }): Promise<string> {
  const { lanes: delayMs = 0, requests = 0 } = late;
  const relay = new URL(url);
  const ports = new Map<number, number>();
  const lane = async (port: number): Promise<number> => {
    const server = net.createServer({ allowHalfOpen: true }, (down) => {
      const up = net.connect({ port, host: relay.hostname, allowHalfOpen: true });
      up.pipe(down);
      down.on('data', (bytes) => setTimeout(() => up.write(bytes), delayMs));
      down.on('end', () => setTimeout(() => up.end(), delayMs));
      for (const socket of [up, down]) socket.on('error', () => undefined);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    return (server.address() as net.AddressInfo).port;
  };
  const serve = async (incoming: http.IncomingMessage, outgoing: http.ServerResponse) => {
    const body: Buffer[] = [];
    for await (const piece of incoming) body.push(piece as Buffer);
    if (requests > 0) await pause(requests);
    const answer = await fetch(new URL(incoming.url ?? '/', url), {
      method: incoming.method ?? 'GET',
      ...(incoming.method === 'POST' && { body: Buffer.concat(body) }),
    });
    const fields = (await answer.json()) as { ports?: number[] };
    if (fields.ports)
      for (const [i, port] of fields.ports.entries()) {
        if (!ports.has(port)) ports.set(port, await lane(port));
        fields.ports[i] = ports.get(port) ?? 0;
      }
    outgoing.writeHead(answer.status, { 'content-type': 'application/json' });
    outgoing.end(JSON.stringify(fields));
  };
  const server = http.createServer((incoming, outgoing) => void serve(incoming, outgoing));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}

test.each([0, 50, 300])('`done` that comes %i ms later than requests is heard', async (delayMs) => {
  const { url } = await startRelayProcess(2);
  const file = path.join(await temporaryFolder(), 'note.txt');
  await writeFile(file, 'hello');
  const sender = Cli.json(['send', file, '--relay', url]);
  const { code } = await sender.event('code');
  const near = await slowWay(url, { lanes: delayMs });
  const recipient = Cli.json([
    'receive',
    code,
    '--relay',
    near,
    '--out',
    await temporaryFolder(),
    '--yes',
  ]);
  expect(await ending(recipient)).toEqual({ exit: 0, errors: [] });
  expect(await ending(sender)).toEqual({ exit: 0, errors: [] });
});

test.each([
  ['', []],
  [', and connects anew if the relay did not wait for that', ['--identify-seconds', '0.2']],
])('a sender that connects early says who it is when it may%s', async (_what, settings) => {
  const { url } = await startRelayProcess(2, settings);
  const file = path.join(await temporaryFolder(), 'note.txt');
  await writeFile(file, 'hello');
  const far = await slowWay(url, { requests: 300 });
  const sender = Cli.json(['send', file, '--relay', far]);
  const { code } = await sender.event('code');
  const out = await temporaryFolder();
  const recipient = Cli.json(['receive', code, '--relay', url, '--out', out, '--yes']);
  expect(await ending(recipient)).toEqual({ exit: 0, errors: [] });
  expect(await ending(sender)).toEqual({ exit: 0, errors: [] });
});
