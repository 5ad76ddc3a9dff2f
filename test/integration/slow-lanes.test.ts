/**
 * Over a real network bytes of the lanes and requests to the relay travel apart and overtake each other.
 * Here the recipient's bytes on the lanes come later than its requests.
 */
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { onTestFinished, expect, test } from 'vitest';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Cli, ending, startRelayProcess, temporaryFolder } from '../support/cli.js';

/** A way to the relay on which the bytes of a lane towards it come `delayMs` later than requests. */
async function slowLanes(url: string, delayMs: number): Promise<string> {
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
  const near = await slowLanes(url, delayMs);
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
