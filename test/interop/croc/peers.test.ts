/** Our peers at the real croc's relay, and what a croc of an older version and we say to each other. */
import { readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { crocPath, crocVersion } from '../../../scripts/install-croc.mjs';
import { checkRelay } from '../../../src/core/checkRelay.js';
import { codeOf, temporaryFolder, testRelay } from '../../support/croc.js';
import { meeting, receiveInto, sendPaths } from '../../support/crocPeers.js';
import { compareTrees, makeTree } from '../../support/tree.js';
import { CrocProgram } from './program.js';

const CODE = 'river-otter-lantern';
/** What croc's relay opens when it is not told otherwise. */
const PORTS = 5;
/** A code by which croc 10 and 11 meet in the same room. */
const OLD_CODE = '1234-otter-lantern';
const version = crocPath() === undefined ? '' : crocVersion();
const older = Number(version.split('.')[0]) < 11;

/** Ports that were free a moment ago, one after another: croc wants them so. */
async function freePorts(count: number): Promise<number> {
  for (let tried = 0; tried < 50; tried += 1) {
    const start = 20_000 + Math.floor(Math.random() * 20_000);
    const servers = Array.from({ length: count }, (_, at) => createServer().listen(start + at));
    const bound = await Promise.allSettled(servers.map((server) => once(server, 'listening')));
    for (const server of servers) server.close();
    if (bound.every(({ status }) => status === 'fulfilled'))
      return (servers[0]?.address() as AddressInfo | null)?.port ?? start;
  }
  throw new Error('no free ports');
}

/** The real croc's relay. */
async function crocRelay(pass: string): Promise<{ port: number }> {
  const port = await freePorts(PORTS);
  const options = ['--debug', '--pass', pass, 'relay', '--host', '127.0.0.1'];
  const relay = new CrocProgram([...options, '--port', String(port)], await temporaryFolder());
  for (let at = 0; at < PORTS; at += 1)
    await relay.said(`started TCP server on 0.0.0.0:${port + at}`);
  return { port };
}

describe.skipIf(crocPath() === undefined)(`croc ${version}`, () => {
  it('has a relay that can be checked', async () => {
    const { port } = await crocRelay('heron');
    const url = `croc://127.0.0.1:${port}`;
    const check = await checkRelay(url, { relayPassword: 'heron', timeoutMs: 10_000 });
    expect(check.ports).toEqual(
      Array.from({ length: PORTS }, (_, at) => ({ port: port + at, reachable: true })),
    );
    expect(await codeOf(checkRelay(url, { timeoutMs: 10_000 }))).toBe('relay_password');
  });

  it('has a relay at which we meet', async () => {
    const where = { ...(await crocRelay('heron')), relayPassword: 'heron' };
    const [from, to] = [await temporaryFolder(), await temporaryFolder()];
    await makeTree(path.join(from, 'tree'), { files: 40, largeBytes: 3_000_000 });
    const sending = sendPaths(meeting(where, CODE), [path.join(from, 'tree')]);
    await receiveInto(meeting(where, CODE), { accept: true, to, onConflict: 'rename' });
    await sending;
    const differences = await compareTrees(path.join(from, 'tree'), path.join(to, 'tree'));
    expect(differences.filter((line) => !line.includes('mtimeMs'))).toEqual([]);
    const guess = meeting({ ...where, relayPassword: 'wren' }, CODE);
    expect(await codeOf(sendPaths(guess, [path.join(from, 'tree')]))).toBe('relay_password');
  });

  it.runIf(older)('of an older version is told apart, and gets nothing', async () => {
    const relay = await testRelay({ tcpPorts: [0, 0, 0] });
    const where = { port: relay.ports[0] ?? 0 };
    const [from, to] = [await temporaryFolder(), await temporaryFolder()];
    await writeFile(path.join(from, 'a.txt'), 'alpha');
    const at = ['--yes', '--relay', `127.0.0.1:${where.port}`];
    const sender = new CrocProgram([...at, 'send', '--no-local', 'a.txt'], from, {
      CROC_SECRET: OLD_CODE,
    });
    await sender.said('Code is:');
    const code = await codeOf(
      receiveInto(meeting(where, OLD_CODE), { accept: true, to, onConflict: 'rename' }),
    );
    expect(code).toBe('incompatible_version');
    expect(await readdir(to)).toEqual([]);
  });

  it.runIf(older)('of an older version gets nothing from us either', async () => {
    const relay = await testRelay({ tcpPorts: [0, 0, 0] });
    const where = { port: relay.ports[0] ?? 0 };
    const [from, to] = [await temporaryFolder(), await temporaryFolder()];
    await writeFile(path.join(from, 'a.txt'), 'alpha');
    const sending = codeOf(sendPaths(meeting(where, OLD_CODE), [path.join(from, 'a.txt')]));
    const recipient = new CrocProgram(['--yes', '--relay', `127.0.0.1:${where.port}`], to, {
      CROC_SECRET: OLD_CODE,
    });
    expect(await sending).toBe('incompatible_version');
    expect(await recipient.ended).not.toBe(0);
    expect((await readdir(to)).filter((name) => name.includes('a.txt'))).toEqual([]);
  });
});
