/** Relay processes that share a Redis, and what goes through them. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { Cli } from './cli.js';
import { temporaryFolder } from './croc.js';
import type { RedisServer } from './redis.js';

/** A relay in a process of its own. */
export interface RelayProcess {
  /** Of HTTP. */
  readonly port: number;
  /** Of its lanes. */
  readonly ports: readonly number[];
  /** Ends it as a crash does. */
  kill(): Promise<void>;
  /** Ends it as an operator does who does not want to wait for transfers. */
  drain(): Promise<void>;
}

/**
 * Starts one on loopback; it ends with the test.
 *
 * @param port - of HTTP; 0: a free one
 * @param tcp - its TCP ports, with commas
 */
export async function relayProcess(
  redis: RedisServer,
  port = '0',
  tcp = '0,0',
): Promise<RelayProcess> {
  const cli = Cli.json([
    ...['relay', '--host', '127.0.0.1', '--port', port, '--tcp-ports', tcp],
    ...['--trusted-proxies', '127.0.0.1', '--store', redis.url, '--drain-seconds', '0'],
  ]);
  const { url, ports } = await cli.event('listening');
  const end = (signal: NodeJS.Signals) => async (): Promise<void> => {
    cli.child.kill(signal);
    await cli.exit;
  };
  return {
    port: Number(new URL(url).port),
    ports,
    kill: end('SIGKILL'),
    drain: end('SIGTERM'),
  };
}

/** A file `sample.bin` that does not compress, and its hash. It is removed after the test. */
export async function sampleFile(sizeBytes: number): Promise<{ file: string; hash: string }> {
  const file = path.join(await temporaryFolder(), 'sample.bin');
  const handle = await open(file, 'w');
  const block = Buffer.alloc(1 << 20);
  for (let at = 0; at < sizeBytes; at += block.length) {
    for (let word = 0; word < block.length; word += 4)
      block.writeUInt32LE(Math.imul(at + word + 1, 0x9e3779b1) >>> 0, word);
    await handle.write(block);
  }
  await handle.close();
  return { file, hash: await hashOf(file) };
}

/** SHA-256 of a file, hex. */
export async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
