/** Our own peers on croc's own network, over our relay: what arrives, and what happens when somebody breaks the rules. */
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Relay } from '../../src/core/api.js';
import { meetSender } from '../../src/core/croc11/meeting.js';
import type { CrocLink } from '../../src/core/croc11/meeting.js';
import { systemRandom } from '../../src/core/edges.js';
import { encodeCrocChunk } from '../../src/core/wire/crocChunk.js';
import type { CrocMessage } from '../../src/core/wire/crocMessage.js';
import { codeOf, temporaryFolder, testRelay } from '../support/croc.js';
import { meeting, receiveInto, sendPaths } from '../support/crocPeers.js';
import { meetRecipient } from '../../src/core/croc11/meeting.js';
import { compareTrees, makeTree } from '../support/tree.js';

const CODE = 'river-otter-lantern';

interface Scene {
  readonly relay: Relay;
  readonly where: { readonly port: number };
  readonly from: string;
  readonly to: string;
}

async function scene(): Promise<Scene> {
  const relay = await testRelay({ tcpPorts: [0, 0, 0] });
  const where = { port: relay.ports[0] ?? 0 };
  return { relay, where, from: await temporaryFolder(), to: await temporaryFolder() };
}

const accepting = (to: string) => ({ accept: true, to, onConflict: 'overwrite' }) as const;

describe('two peers', () => {
  it('move a tree with one of everything', async () => {
    const { relay, where, from, to } = await scene();
    await makeTree(path.join(from, 'tree'), { files: 60, largeBytes: 5_000_000 });
    const sending = sendPaths(meeting(where, CODE), [path.join(from, 'tree')]);
    const received = await receiveInto(meeting(where, CODE), accepting(to));
    const sent = await sending;
    // Times of folders that are not empty are not on croc's wire.
    const differences = await compareTrees(path.join(from, 'tree'), path.join(to, 'tree'));
    expect(differences.filter((line) => !/time|mtime/i.test(line))).toEqual([]);
    expect(received.bytes).toBe(sent.bytes);
    expect(received.files).toBe(sent.files);
    await expect.poll(async () => (await relay.stats()).connections).toBe(0);
  });

  it('meet in any order, and with any form of code', async () => {
    for (const code of ['ABCD-custom code', 'one-two-three-four', '1234-anything-else']) {
      const { where, from, to } = await scene();
      await writeFile(path.join(from, 'a.txt'), 'alpha');
      const receiving = receiveInto(meeting(where, code), accepting(to));
      await sendPaths(meeting(where, code), [path.join(from, 'a.txt')]);
      await receiving;
      expect(await readFile(path.join(to, 'a.txt'), 'utf8')).toBe('alpha');
    }
  });

  it('know a wrong code on both sides, and write nothing', async () => {
    const { where, from, to } = await scene();
    await writeFile(path.join(from, 'a.txt'), 'alpha');
    const sending = codeOf(sendPaths(meeting(where, CODE), [path.join(from, 'a.txt')]));
    const wrong = meeting(where, 'river-otter-lanterns');
    expect(await codeOf(receiveInto(wrong, accepting(to)))).toBe('wrong_code');
    expect(await sending).toBe('wrong_code');
    expect(await readdir(to)).toEqual([]);
  });

  it('tell each other of a refusal', async () => {
    const { where, from } = await scene();
    await writeFile(path.join(from, 'a.txt'), 'alpha');
    const sending = codeOf(sendPaths(meeting(where, CODE), [path.join(from, 'a.txt')]));
    expect(await codeOf(receiveInto(meeting(where, CODE), { accept: false }))).toBe('refused');
    expect(await sending).toBe('refused');
  });

  it('hear from the relay that a password is wrong, that a room is full, that nobody is there', async () => {
    const { where, from, to } = await scene();
    await writeFile(path.join(from, 'a.txt'), 'alpha');
    const wrong = meeting({ ...where, relayPassword: 'guess' }, CODE);
    expect(await codeOf(receiveInto(wrong, accepting(to)))).toBe('relay_password');
    const alone = meeting(where, CODE, { stepMs: 100 });
    expect(await codeOf(receiveInto(alone, accepting(to)))).toBe('no_such_channel');
    const waiting = meeting(where, CODE, { waitMs: 100 });
    expect(await codeOf(sendPaths(waiting, [path.join(from, 'a.txt')]))).toBe('nobody_came');
  });

  it('stop when they are told to while nobody has come', async () => {
    const { relay, where, from } = await scene();
    await writeFile(path.join(from, 'a.txt'), 'alpha');
    const abort = new AbortController();
    const onState = (state: string): void => {
      if (state === 'awaiting-y') abort.abort();
    };
    const options = meeting(where, CODE, { signal: abort.signal, onState });
    expect(await codeOf(sendPaths(options, [path.join(from, 'a.txt')]))).toBe('cancelled');
    await expect.poll(async () => (await relay.stats()).connections).toBe(0);
  });

  it('keep what is there unless they are told otherwise', async () => {
    const { where, from, to } = await scene();
    await writeFile(path.join(from, 'a.txt'), 'new');
    await writeFile(path.join(to, 'a.txt'), 'old');
    const sending = sendPaths(meeting(where, CODE), [path.join(from, 'a.txt')]);
    await receiveInto(meeting(where, CODE), { accept: true, to, onConflict: 'rename' });
    await sending;
    expect(await readFile(path.join(to, 'a.txt'), 'utf8')).toBe('old');
    expect(await readdir(to)).toHaveLength(2);
  });
});

/** A sender that has met its recipient and then says what it likes. */
async function hostile(
  say: (link: CrocLink) => Promise<void>,
  info: object,
): Promise<{ code: string; left: string[] }> {
  const { where, to } = await scene();
  const receiving = codeOf(receiveInto(meeting(where, CODE), accepting(to)));
  const link = await meetRecipient(meeting(where, CODE));
  const bytes = Buffer.from(JSON.stringify(info));
  await link.control.say({ type: 'fileinfo', bytes });
  await say(link).catch(() => undefined);
  const code = await receiving;
  for (const one of [link.control.connection, ...link.data]) one.destroy();
  return { code, left: await readdir(to) };
}

const file = (name: string, folder = './', more: object = {}): object => ({
  FilesToTransfer: [
    { n: name, fr: folder, s: 40_000, m: '2026-01-02T03:04:05Z', md: 420, ...more },
  ],
  Features: ['per-file-compression-v1'],
});
const nothing = (): Promise<void> => Promise.resolve();
const chunk = (link: CrocLink, position: number, length: number, compressed = false): Buffer =>
  encodeCrocChunk({ position, bytes: randomBytes(length) }, compressed, link.key, systemRandom);

describe('a sender that breaks the rules', () => {
  it.each([
    ['climbs out by its folder', file('a', '../')],
    ['climbs out by its folder, deep down', file('a', 'x/../../')],
    ['names an absolute folder', file('a', '/etc/')],
    ['climbs out by a name', file('../a')],
    ['hides a folder in a name', file('x/a')],
    ['names a terminal escape', file('a\u001b[2J')],
    ['names a device', file('con')],
    ['names nothing', file('')],
    ['points a link out', file('a', './', { s: 0, sy: '/etc/passwd' })],
    ['makes an empty folder elsewhere', { EmptyFoldersToTransfer: [{ fr: '../up/' }] }],
  ])('%s: nothing is written', async (_, info) => {
    expect(await hostile(nothing, info)).toEqual({ code: 'unsafe_path', left: [] });
  });

  it.each([
    ['no list', { FilesToTransfer: 7 }],
    ['a negative size', file('a', './', { s: -1 })],
    ['a fraction of a byte', file('a', './', { s: 0.5 })],
    ['a text of two files', { SendingText: true, FilesToTransfer: [{ n: 'a' }, { n: 'b' }] }],
  ])('offers %s', async (_, info) => {
    expect(await hostile(nothing, info)).toEqual({ code: 'protocol_error', left: [] });
  });

  it.each<[string, string, (link: CrocLink) => Promise<void>]>([
    [
      'a chunk beyond the file',
      'protocol_error',
      async (link) => link.data[0]?.send(chunk(link, 65_536, 10)),
    ],
    [
      'a chunk at an odd place',
      'protocol_error',
      async (link) => link.data[0]?.send(chunk(link, 5, 32_768)),
    ],
    [
      'a chunk that is too short',
      'protocol_error',
      async (link) => link.data[0]?.send(chunk(link, 0, 10)),
    ],
    [
      'a chunk without bytes',
      'protocol_error',
      async (link) => link.data[0]?.send(chunk(link, 0, 0)),
    ],
    ['a chunk of another key', 'tampered', async (link) => link.data[0]?.send(randomBytes(100))],
    [
      'a chunk twice',
      'protocol_error',
      async (link) => {
        await link.data[0]?.send(chunk(link, 0, 32_768));
        await link.data[0]?.send(chunk(link, 0, 32_768));
      },
    ],
    [
      'a file with another hash',
      'file_changed',
      async (link) => {
        await link.data[0]?.send(chunk(link, 0, 32_768));
        await link.data[1]?.send(chunk(link, 32_768, 40_000 - 32_768));
      },
    ],
    [
      'an end in the middle of a file',
      'protocol_error',
      (link) => link.control.say({ type: 'close-recipient' }),
    ],
    ['that it cannot go on', 'peer_failed', (link) => link.control.tell('the disk is gone')],
  ])('sends %s', async (_, expected, say) => {
    const asked = async (link: CrocLink): Promise<void> => {
      await link.control.expect('recipientready');
      await say(link);
    };
    const info = file('a', './', { h: Buffer.alloc(8).toString('base64') });
    expect(await hostile(asked, info)).toEqual({ code: expected, left: [] });
  });

  it('inflates a chunk beyond its size', async () => {
    const bomb = async (link: CrocLink): Promise<void> => {
      await link.control.expect('recipientready');
      const bytes = Buffer.alloc(10_000_000);
      const sealed = encodeCrocChunk({ position: 0, bytes }, true, link.key, systemRandom);
      await link.data[0]?.send(sealed);
    };
    const info = file('a', './', { c: true });
    expect(await hostile(bomb, info)).toEqual({ code: 'limit_exceeded', left: [] });
  });

  it('goes away in the middle of a file', async () => {
    const leave = async (link: CrocLink): Promise<void> => {
      await link.control.expect('recipientready');
      link.control.connection.destroy();
    };
    expect(await hostile(leave, file('a'))).toEqual({ code: 'connection_lost', left: [] });
  });
});

describe('a recipient that breaks the rules', () => {
  async function asks(message: CrocMessage): Promise<string> {
    const { where, from } = await scene();
    await mkdir(path.join(from, 'x'));
    await writeFile(path.join(from, 'x/a.txt'), 'alpha');
    const sending = codeOf(sendPaths(meeting(where, CODE), [path.join(from, 'x')]));
    const link = await meetSender(meeting(where, CODE));
    await link.control.expect('fileinfo');
    await link.control.say(message);
    const code = await sending;
    for (const one of [link.control.connection, ...link.data]) one.destroy();
    return code;
  }
  const request = (ask: object): CrocMessage => ({
    type: 'recipientready',
    bytes: Buffer.from(JSON.stringify(ask)),
  });

  it.each([
    ['a file that is not there', request({ FilesToTransferCurrentNum: 7 })],
    ['a negative file', request({ FilesToTransferCurrentNum: -1 })],
    ['no file', request({})],
    [
      'other chunks',
      request({ FilesToTransferCurrentNum: 0, CurrentFileChunkRanges: [1024, 0, 1] }),
    ],
    [
      'chunks beyond the file',
      request({ FilesToTransferCurrentNum: 0, CurrentFileChunkRanges: [32768, 32768, 1] }),
    ],
    ['half a range', request({ FilesToTransferCurrentNum: 0, CurrentFileChunkRanges: [32768, 0] })],
    ['something else', { type: 'fileinfo' }],
  ])('wants %s', async (_, message) => {
    expect(await asks(message)).toBe('protocol_error');
  });
});
