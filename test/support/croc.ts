/** What integration tests share: a relay, a Croc on short deadlines, folders that go away. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import type { Relay } from '../../src/core/api.js';
import { Croc } from '../../src/core/croc.js';
import type { CrocOptions } from '../../src/core/croc.js';
import { CrocError } from '../../src/core/errors.js';
import { startRelay } from '../../src/core/relay/relay.js';
import type { RelaySetup } from '../../src/core/relay/relay.js';

/** The folder that `npm run build` fills. */
export const DIST = path.resolve(import.meta.dirname, '../../dist');
if (!existsSync(path.join(DIST, 'worker.js'))) throw new Error('run `npm run build` first');

/** A folder that is removed after the test. @param base - where; default: the system's */
export async function temporaryFolder(base = os.tmpdir()): Promise<string> {
  const folder = await mkdtemp(path.join(base, 'croc-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A relay on loopback with two lanes that is closed after the test. */
export async function testRelay(options: RelaySetup = {}): Promise<Relay> {
  const relay = await startRelay({ host: '127.0.0.1', port: 0, tcpPorts: [0, 0], ...options });
  onTestFinished(() => relay.close());
  return relay;
}

/** A Croc that uses the built worker. */
export function testCroc(relay: Relay | string, options: CrocOptions = {}): Croc {
  const url = typeof relay === 'string' ? relay : relay.url;
  return new Croc({ relay: url, distFolder: DIST, ...options });
}

/** The CrocError's code that a promise rejects with; anything else is told as text. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'resolved';
  } catch (error) {
    return error instanceof CrocError ? error.code : `not a CrocError: ${String(error)}`;
  }
}

/** Every path below a folder, relative, sorted. */
export async function filesBelow(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).sort();
}
