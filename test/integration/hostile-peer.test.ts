/**
 * A peer that knows the code and breaks the rules, in every phase of the data plane. Whatever it does:
 * an error with a code on our side, nothing half-written, nothing left open.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Offer, Relay } from '../../src/core/api.js';
import type { Timing } from '../../src/core/timing.js';
import { packControl } from '../../src/core/wire/compressed.js';
import { RecordType, encodeControl } from '../../src/core/wire/control.js';
import type { ControlOf } from '../../src/core/wire/control.js';
import { encodeDataHead } from '../../src/core/wire/data.js';
import {
  BLOCK_BYTES,
  MAX_OFFER_BYTES,
  MAX_PLAINTEXT_BYTES,
  MAX_TEXT_BYTES,
  MAX_UNJUDGED_BLOCKS,
  TEXT_CHUNK_BYTES,
} from '../../src/core/wire/limits.js';
import { codeOf, filesBelow, temporaryFolder, testCroc, testRelay } from '../support/croc.js';
import { RawPeer } from '../support/rawPeer.js';

const SECRET = 'lunar-acorn-quilt';
const SHORT: Partial<Timing> = {
  stepMs: 3000,
  silenceMs: 1500,
  laneSilenceMs: 3000,
  pingMs: 300,
  reconnectMs: 1000,
};
type WireEntry = ControlOf<'entries'>['entries'][number];
const file = (p: string, s: number): WireEntry => ({ k: 'f', p, s, m: 0 });

/** A raw sender whose lanes are open, and our recipient's promise of an offer. */
async function meetSender(relay: Relay): Promise<{ peer: RawPeer; offer: Promise<Offer> }> {
  const peer = new RawPeer(relay.url);
  const { code, meet } = await peer.openAsSender(SECRET);
  const offer = testCroc(relay, { timing: SHORT }).receive(code);
  offer.catch(() => undefined);
  await meet();
  return { peer, offer };
}

function offerOf(
  peer: RawPeer,
  entries: WireEntry[],
  more: Partial<ControlOf<'offer'>> = {},
): void {
  const { lane } = peer;
  lane.say({ t: 'entries', entries });
  const files = entries.filter((entry) => entry.k !== 'd').length;
  const bytes = entries.reduce((sum, entry) => sum + (entry.k === 'f' ? entry.s : 0), 0);
  const counts = { count: entries.length, files, folders: entries.length - files, bytes };
  lane.say({ t: 'offer', ...counts, ...more });
}

const aText = { t: 'text', data: 'YWJj' } as const;
const textOffer = (more: { size?: number; name?: string } = {}): ControlOf<'offer'> => ({
  t: 'offer',
  ...{ count: 0, files: 0, folders: 0, bytes: 0 },
  text: { kind: 'text', size: 3, ...more },
});

async function nothingLeft(relay: Relay, folder: string, expected: string[] = []): Promise<void> {
  expect(await filesBelow(folder)).toEqual(expected);
  while ((await relay.stats()).connections > 0) await new Promise((r) => setTimeout(r, 20));
}

describe('a hostile sender, before the answer', () => {
  const greet = (peer: RawPeer): void => peer.lane.hello();
  const cases: [string, string, (peer: RawPeer) => void][] = [
    ['speaks before hello', 'protocol_error', (p) => p.lane.say({ t: 'ping' })],
    ['says hello twice', 'protocol_error', (p) => (greet(p), greet(p))],
    [
      'is older than we understand',
      'incompatible_version',
      (p) => p.lane.say({ t: 'hello', version: 0, oldest: 0, features: [] }),
    ],
    [
      'is newer than we are',
      'incompatible_version',
      (p) => p.lane.say({ t: 'hello', version: 9, oldest: 9, features: [] }),
    ],
    [
      'wants further lanes without the ability',
      'protocol_error',
      (p) => (greet(p), p.lane.say({ t: 'lanes', count: 16 })),
    ],
    [
      'wants fewer lanes than there are',
      'protocol_error',
      (p) => (p.lane.hello(['reconnect', 'lanes']), p.lane.say({ t: 'lanes', count: 1 })),
    ],
    ['sends a record of no type', 'protocol_error', (p) => p.lane.send(Buffer.of(99))],
    ['sends a control record on lane 1', 'protocol_error', (p) => p.lanes[1]?.say({ t: 'ping' })],
    [
      'sends JSON that is none',
      'protocol_error',
      (p) => (greet(p), p.lane.send(Buffer.from('\x01{"t":'))),
    ],
    [
      'answers its own offer',
      'protocol_error',
      (p) => (greet(p), p.lane.say({ t: 'answer', accept: true, count: 0, bytes: 0 })),
    ],
    [
      'sends data that nobody asked for',
      'protocol_error',
      (p) => (
        greet(p),
        p.lane.data([{ entry: 0, offset: 0, length: 1, verified: true }], Buffer.of(1))
      ),
    ],
    [
      'repeats a record',
      'tampered',
      (p) => (
        greet(p),
        p.lane.socket.write(Buffer.concat([Buffer.of(0, 0, 0, 17), randomBytes(17)]))
      ),
    ],
    [
      'announces a record of 4 GiB',
      'protocol_error',
      (p) => (greet(p), p.lane.socket.write(Buffer.of(255, 255, 255, 255))),
    ],
    [
      'counts its offer wrong',
      'protocol_error',
      (p) => (greet(p), offerOf(p, [file('a', 1)], { bytes: 2 })),
    ],
    [
      'offers the sum of sizes beyond 2^53',
      'limit_exceeded',
      (p) => (greet(p), offerOf(p, [file('a', 2 ** 53 - 1), file('b', 2 ** 53 - 1)], { bytes: 0 })),
    ],
    [
      'offers after the offer',
      'protocol_error',
      (p) => (greet(p), offerOf(p, [file('a', 1)]), p.lane.say({ t: 'entries', entries: [] })),
    ],
    ['offers ../up', 'unsafe_path', (p) => (greet(p), offerOf(p, [file('../up', 1)]))],
    [
      'offers an absolute path',
      'unsafe_path',
      (p) => (greet(p), offerOf(p, [file('/etc/cron.d/x', 1)])),
    ],
    ['offers a drive letter', 'unsafe_path', (p) => (greet(p), offerOf(p, [file('C:/x', 1)]))],
    ['offers a device name', 'unsafe_path', (p) => (greet(p), offerOf(p, [file('d/NUL.txt', 1)]))],
    ['offers a trailing dot', 'unsafe_path', (p) => (greet(p), offerOf(p, [file('d/a.', 1)]))],
    [
      'offers a terminal escape',
      'unsafe_path',
      (p) => (greet(p), offerOf(p, [file('a\u001b[2J', 1)])),
    ],
    ['offers a backslash', 'unsafe_path', (p) => (greet(p), offerOf(p, [file('a\\b', 1)]))],
    [
      'offers a link out of the folder',
      'unsafe_path',
      (p) => (greet(p), offerOf(p, [{ k: 'l', p: 'l', m: 0, l: '../../x' }])),
    ],
    [
      'offers a link and a file below it',
      'unsafe_path',
      (p) => (greet(p), offerOf(p, [{ k: 'l', p: 'l', m: 0, l: '.' }, file('l/x', 1)])),
    ],
    [
      'offers two names that differ by case',
      'name_collision',
      (p) => (greet(p), offerOf(p, [file('A', 1), file('a', 1)])),
    ],
    [
      'offers a text of another size',
      'protocol_error',
      (p) => (greet(p), p.lane.say(aText), p.lane.say(textOffer({ size: 4 }))),
    ],
    ['offers a text that never came', 'protocol_error', (p) => (greet(p), p.lane.say(textOffer()))],
    [
      'offers a text and a file at once',
      'protocol_error',
      (p) => (greet(p), p.lane.say(aText), offerOf(p, [file('a', 1)])),
    ],
    [
      'offers a text beside entries',
      'protocol_error',
      (p) => (
        greet(p),
        p.lane.say(aText),
        p.lane.say({ t: 'entries', entries: [file('a', 1)] }),
        p.lane.say({ ...textOffer(), count: 1, files: 1, bytes: 1 })
      ),
    ],
    [
      'offers a text that is not UTF-8',
      'protocol_error',
      (p) => (
        greet(p),
        p.lane.say({ t: 'text', data: '/////w==' }),
        p.lane.say(textOffer({ size: 4 }))
      ),
    ],
    [
      'offers a text under an unsafe name',
      'unsafe_path',
      (p) => (greet(p), p.lane.say(aText), p.lane.say(textOffer({ name: '../a' }))),
    ],
    [
      'offers a text in a folder',
      'unsafe_path',
      (p) => (greet(p), p.lane.say(aText), p.lane.say(textOffer({ name: 'a/b' }))),
    ],
    [
      'offers a text without end',
      'limit_exceeded',
      (p) => {
        greet(p);
        const data = Buffer.alloc(TEXT_CHUNK_BYTES).toString('base64');
        for (let bytes = 0; bytes <= MAX_TEXT_BYTES; bytes += TEXT_CHUNK_BYTES)
          p.lane.say({ t: 'text', data });
      },
    ],
    [
      'ends without an offer',
      'connection_lost',
      (p) => (greet(p), p.lanes.forEach((lane) => lane.end())),
    ],
    [
      'is cut without an end',
      'connection_lost',
      (p) => (greet(p), p.lanes.forEach((lane) => lane.socket.end())),
    ],
    [
      'says it failed',
      'peer_failed',
      (p) => (greet(p), p.lane.say({ t: 'error', code: 'file_unreadable', detail: 'x' })),
    ],
    ['cancels', 'peer_cancelled', (p) => (greet(p), p.lane.say({ t: 'cancel' }))],
    ['stays silent', 'peer_silent', greet],
    ['says nothing at all', 'peer_silent', () => undefined],
    // It may come back, until it has said that it cannot.
    ['vanishes before it said hello', 'peer_silent', (p) => p.vanish()],
    ['vanishes', 'connection_lost', (p) => (greet(p), p.vanish())],
  ];
  it.each(cases)('%s: %s', async (_name, code, act) => {
    const relay = await testRelay();
    const { peer, offer } = await meetSender(relay);
    act(peer);
    let ended = await codeOf(offer);
    // Some lies come after a good offer: then they are told while the person thinks.
    if (ended === 'resolved') {
      const { gone } = await offer;
      if (!gone.aborted) await new Promise((resolve) => gone.addEventListener('abort', resolve));
      ended = (gone.reason as { code: string }).code;
    }
    expect(ended).toBe(code);
    peer.vanish();
    await nothingLeft(relay, await temporaryFolder());
  });
});

it('an offer without end is limit_exceeded', async () => {
  const relay = await testRelay();
  const { peer, offer } = await meetSender(relay);
  peer.lane.hello();
  // Names as long as they may be: 250 entries to a megabyte.
  const long = Array.from({ length: 15 }, () => 'd'.repeat(250)).join('/');
  const closed = peer.lane.untilClosed();
  const end = { told: false };
  void codeOf(offer).then(() => (end.told = true));
  for (let sent = 0; sent < 1.1 * MAX_OFFER_BYTES && !end.told;) {
    const entries = Array.from({ length: 250 }, (_, at) => file(`${long}/${sent}-${at}`, 0));
    peer.lane.say({ t: 'entries', entries });
    sent += 250 * (long.length + 64);
    if (peer.lane.socket.writableNeedDrain)
      await Promise.race([once(peer.lane.socket, 'drain'), closed]);
  }
  expect(await codeOf(offer)).toBe('limit_exceeded');
  peer.vanish();
  await nothingLeft(relay, await temporaryFolder());
});

describe('a hostile sender, after the answer', () => {
  const piece = (entry: number, offset: number, length: number, verified = false) =>
    ({ entry, offset, length, verified }) as const;
  const ten = Buffer.alloc(10, 'x');
  const endAll = (peer: RawPeer): void => peer.lanes.forEach((lane) => lane.end());
  const cases: [string, string, (peer: RawPeer) => void][] = [
    ['writes beyond the file', 'protocol_error', (p) => p.lane.data([piece(0, 95, 10)], ten)],
    [
      'writes the same twice',
      'protocol_error',
      (p) => (p.lane.data([piece(0, 0, 10)], ten), p.lanes[1]?.data([piece(0, 0, 10)], ten)),
    ],
    [
      'overlaps',
      'protocol_error',
      (p) => (p.lane.data([piece(0, 0, 10)], ten), p.lane.data([piece(0, 5, 10)], ten)),
    ],
    [
      'sends a file that was not chosen',
      'protocol_error',
      (p) => p.lane.data([piece(1, 0, 10)], ten),
    ],
    ['sends bytes for a folder', 'protocol_error', (p) => p.lane.data([piece(2, 0, 10)], ten)],
    [
      'sends an entry that does not exist',
      'protocol_error',
      (p) => p.lane.data([piece(77, 0, 10)], ten),
    ],
    [
      'sends an empty piece',
      'protocol_error',
      (p) => p.lane.data([piece(0, 0, 0)], Buffer.alloc(0)),
    ],
    [
      'ends before everything came',
      'protocol_error',
      (p) => (p.lane.data([piece(0, 0, 10)], ten), endAll(p)),
    ],
    [
      'never vouches for the file',
      'protocol_error',
      (p) => (p.lane.data([piece(0, 0, 100)], Buffer.alloc(100)), endAll(p)),
    ],
    [
      'sends a record after its end',
      'protocol_error',
      (p) => (p.lane.send(Buffer.of(RecordType.end)), p.lane.data([piece(0, 0, 10)], ten)),
    ],
    ['offers again', 'protocol_error', (p) => offerOf(p, [file('z', 1)])],
    [
      'is cut in the middle',
      'connection_lost',
      (p) => (p.lane.data([piece(0, 0, 10)], ten), p.vanish()),
    ],
    ['never ends', 'peer_silent', (p) => p.lane.data([piece(0, 0, 10)], ten)],
    [
      'finds its file changed',
      'peer_failed',
      (p) => (
        p.lane.data([piece(0, 0, 10)], ten),
        p.lane.say({ t: 'error', code: 'file_changed', detail: 'f' })
      ),
    ],
  ];
  it.each(cases)('%s: %s', async (_name, code, act) => {
    const [relay, to] = [await testRelay(), await temporaryFolder()];
    const { peer, offer } = await meetSender(relay);
    peer.lane.hello();
    offerOf(peer, [file('f', 100), file('other', 10), { k: 'd', p: 'd', m: 0 }]);
    const receive = (await offer).accept({ to, only: [0, 2] });
    receive.done.catch(() => undefined);
    const answer = await peer.lane.until('answer');
    expect(answer).toMatchObject({ accept: true, count: 2, bytes: 100 });
    expect((await peer.lane.until('want')).ranges).toEqual([
      [0, 1],
      [2, 1],
    ]);
    act(peer);
    expect(await codeOf(receive.done)).toBe(code);
    if (code === 'protocol_error') expect((await peer.lane.until('error')).code).toBe(code);
    peer.vanish();
    await nothingLeft(relay, to);
  });

  /** A compressed record that says how large it is. */
  const squeezed = (plainBytes: number, plain: Uint8Array): Buffer => {
    const head = Buffer.of(RecordType.compressed, 0, 0, 0, 0);
    head.writeUInt32BE(plainBytes, 1);
    const params = { [constants.BROTLI_PARAM_LGWIN]: 20, [constants.BROTLI_PARAM_QUALITY]: 1 };
    return Buffer.concat([head, brotliCompressSync(plain, { params })]);
  };
  const whole = Buffer.concat([encodeDataHead([piece(0, 0, 100, true)]), Buffer.alloc(100, 'x')]);
  it.each<[string, string, readonly string[], (peer: RawPeer) => void]>([
    ['compresses', 'resolved', ['brotli'], (p) => p.lane.send(squeezed(whole.length, whole))],
    [
      'compresses without the feature',
      'protocol_error',
      [],
      (p) => p.lane.send(squeezed(whole.length, whole)),
    ],
    [
      'compresses to another size than it says',
      'protocol_error',
      ['brotli'],
      (p) => p.lane.send(squeezed(whole.length + 1, whole)),
    ],
    [
      'sends one bomb after another',
      'protocol_error',
      ['brotli'],
      (p) => {
        const bomb = squeezed(MAX_PLAINTEXT_BYTES, Buffer.alloc(64 * 2 ** 20, 2));
        for (const lane of p.lanes) for (let i = 0; i < 200; i += 1) lane.send(bomb);
      },
    ],
    [
      'compresses a message',
      'protocol_error',
      ['brotli'],
      (p) => p.lane.send(squeezed(13, Buffer.from('\x01{"t":"ping"}'))),
    ],
    [
      'packs a message without the feature',
      'protocol_error',
      ['brotli'],
      (p) => p.lane.send(packControl(encodeControl({ t: 'ping' }))),
    ],
    [
      'packs a message on another lane',
      'protocol_error',
      ['packed'],
      (p) => p.lanes[1]?.send(packControl(encodeControl({ t: 'ping' }))),
    ],
    [
      'packs what is no message',
      'protocol_error',
      ['packed'],
      (p) => p.lane.send(packControl(whole)),
    ],
    [
      'packs a message at the wrong time',
      'protocol_error',
      ['packed'],
      (p) => p.lane.send(packControl(encodeControl({ t: 'entries', entries: [] }))),
    ],
    [
      'compresses what is no data',
      'protocol_error',
      ['brotli'],
      (p) => p.lane.send(squeezed(50, Buffer.alloc(50, 2))),
    ],
    [
      'compresses data that nobody asked for',
      'protocol_error',
      ['brotli'],
      (p) => {
        const plain = Buffer.concat([encodeDataHead([piece(1, 0, 10, true)]), ten]);
        p.lanes[1]?.send(squeezed(plain.length, plain));
      },
    ],
    [
      'ends in the middle of compressed records',
      'protocol_error',
      ['brotli'],
      (p) => {
        const plain = Buffer.concat([encodeDataHead([piece(0, 0, 10)]), ten]);
        p.lane.send(squeezed(plain.length, plain));
      },
    ],
  ])('%s: %s', async (_name, code, features, act) => {
    const [relay, to] = [await testRelay(), await temporaryFolder()];
    const { peer, offer } = await meetSender(relay);
    peer.lane.hello([...features]);
    offerOf(peer, [file('f', 100), file('other', 10)]);
    const receive = (await offer).accept({ to, only: [0] });
    receive.done.catch(() => undefined);
    await peer.lane.until('answer');
    act(peer);
    endAll(peer);
    expect(await codeOf(receive.done)).toBe(code);
    peer.vanish();
    await nothingLeft(relay, to, code === 'resolved' ? ['f'] : []);
  });

  const hash = Buffer.alloc(16).toString('base64');
  const hashes = (p: RawPeer, ...runs: [number, number, string][]): void =>
    p.lane.say({ t: 'hashes', runs });
  it.each<[string, (peer: RawPeer) => void]>([
    ['hashes what is not here', (p) => hashes(p, [1, 0, hash])],
    ['hashes out of order', (p) => hashes(p, [0, 1, hash])],
    ['hashes too much', (p) => hashes(p, [0, 0, Buffer.alloc(48).toString('base64')])],
    ['hashes twice', (p) => (hashes(p, [0, 0, hash]), hashes(p, [0, 0, hash]))],
    [
      'vouches for what did not come',
      (p) => p.lane.data([piece(0, 300_000, 0, true)], Buffer.alloc(0)),
    ],
    [
      'vouches for a part',
      (p) => (
        p.lane.data([piece(0, 0, 10)], ten),
        p.lane.data([piece(0, 300_000, 0, true)], Buffer.alloc(0)),
        endAll(p)
      ),
    ],
    ['sends nothing without a word', (p) => p.lane.data([piece(0, 300_000, 0)], Buffer.alloc(0))],
  ])('%s: protocol_error, and what was there stays', async (_name, act) => {
    const [relay, to] = [await testRelay(), await temporaryFolder()];
    const old = randomBytes(300_000);
    await writeFile(path.join(to, 'f'), old);
    const { peer, offer } = await meetSender(relay);
    peer.lane.hello(['resume']);
    offerOf(peer, [file('f', 300_000), file('g', 300_000)]);
    const receive = (await offer).accept({ to, onConflict: 'overwrite' });
    receive.done.catch(() => undefined);
    expect((await peer.lane.until('basis')).files).toEqual([[0, 2]]);
    await peer.lane.until('answer');
    act(peer);
    expect(await codeOf(receive.done)).toBe('protocol_error');
    peer.vanish();
    await nothingLeft(relay, to, ['f']);
    expect((await readFile(path.join(to, 'f'))).equals(old)).toBe(true);
  });

  it('hashes all right but sends the blocks as well: protocol_error', async () => {
    const [relay, to] = [await testRelay(), await temporaryFolder()];
    await writeFile(path.join(to, 'f'), randomBytes(100));
    const { peer, offer } = await meetSender(relay);
    peer.lane.hello(['resume']);
    offerOf(peer, [file('f', 100)]);
    const receive = (await offer).accept({ to, onConflict: 'overwrite' });
    receive.done.catch(() => undefined);
    const { salt = '' } = await peer.lane.until('answer');
    const block = Buffer.concat([Buffer.from(salt, 'base64'), await readFile(path.join(to, 'f'))]);
    const digest = createHash('sha256').update(block).digest().subarray(0, 16);
    hashes(peer, [0, 0, digest.toString('base64')]);
    expect((await peer.lane.until('judged')).runs).toEqual([[0, 1, 0]]);
    peer.lane.data([piece(0, 0, 10)], ten);
    peer.lane.data([piece(0, 100, 0, true)], Buffer.alloc(0));
    expect(await codeOf(receive.done)).toBe('protocol_error');
    peer.vanish();
    await nothingLeft(relay, to, ['f']);
  });

  it('hashes more blocks than may be on their way: protocol_error', async () => {
    const [relay, to] = [await testRelay(), await temporaryFolder()];
    const blocks = MAX_UNJUDGED_BLOCKS + 1;
    await writeFile(path.join(to, 'f'), '');
    await truncate(path.join(to, 'f'), blocks * BLOCK_BYTES);
    const { peer, offer } = await meetSender(relay);
    peer.lane.hello(['resume']);
    offerOf(peer, [file('f', blocks * BLOCK_BYTES)]);
    const receive = (await offer).accept({ to, onConflict: 'overwrite' });
    receive.done.catch(() => undefined);
    expect((await peer.lane.until('basis')).files).toEqual([[0, blocks]]);
    await peer.lane.until('answer');
    const most = Buffer.alloc(16 * MAX_UNJUDGED_BLOCKS).toString('base64');
    hashes(peer, [0, 0, most], [0, MAX_UNJUDGED_BLOCKS, hash]);
    expect(await codeOf(receive.done)).toBe('protocol_error');
    peer.vanish();
    await nothingLeft(relay, to, ['f']);
  });

  it('hashes right what is changed on the disk before the transfer needs it: write_failed', async () => {
    const [relay, to] = [await testRelay(), await temporaryFolder()];
    const [old, other] = [randomBytes(300_000), randomBytes(300_000)];
    await writeFile(path.join(to, 'f'), old);
    const { peer, offer } = await meetSender(relay);
    peer.lane.hello(['resume']);
    offerOf(peer, [file('f', 300_000)]);
    const receive = (await offer).accept({ to, onConflict: 'overwrite' });
    receive.done.catch(() => undefined);
    const { salt = '' } = await peer.lane.until('answer');
    const block = Buffer.concat([Buffer.from(salt, 'base64'), old.subarray(0, BLOCK_BYTES)]);
    const digest = createHash('sha256').update(block).digest().subarray(0, 16);
    hashes(peer, [0, 0, digest.toString('base64')]);
    expect((await peer.lane.until('judged')).runs).toEqual([[0, 1, 0]]);
    await writeFile(path.join(to, 'f'), other);
    // Now a block differs, so the one that was said to be here is to be copied.
    hashes(peer, [0, 1, hash]);
    expect(await codeOf(receive.done)).toBe('write_failed');
    peer.vanish();
    await nothingLeft(relay, to, ['f']);
    expect((await readFile(path.join(to, 'f'))).equals(other)).toBe(true);
  });

  it('a file that is whole and vouched for arrives even in pieces out of order', async () => {
    const [relay, to] = [await testRelay(), await temporaryFolder()];
    const { peer, offer } = await meetSender(relay);
    peer.lane.hello();
    offerOf(peer, [file('f', 30)]);
    const receive = (await offer).accept({ to });
    await peer.lane.until('answer');
    peer.lanes[1]?.data([piece(0, 20, 10, true)], ten);
    peer.lane.data([piece(0, 0, 10), piece(0, 10, 10)], Buffer.concat([ten, ten]));
    endAll(peer);
    expect(await receive.done).toMatchObject({ files: 1, bytes: 30, transferred: 30 });
    expect(await peer.lane.until('done')).toMatchObject({ files: 1, bytes: 30 });
    expect(await filesBelow(to)).toEqual(['f']);
  });
});

describe('a hostile recipient', () => {
  const wants = (p: RawPeer, ranges: [number, number][], count: number, bytes: number): void => {
    p.lane.say({ t: 'want', ranges });
    p.lane.say({ t: 'answer', accept: true, count, bytes });
  };
  const cases: [string, string, (peer: RawPeer) => void][] = [
    ['wants what was not offered', 'protocol_error', (p) => wants(p, [[0, 9]], 9, 0)],
    [
      'wants twice the same',
      'protocol_error',
      (p) => (p.lane.say({ t: 'want', ranges: [[0, 1]] }), wants(p, [[0, 1]], 2, 0)),
    ],
    ['adds up wrong', 'protocol_error', (p) => wants(p, [[0, 1]], 1, 7)],
    [
      'answers twice',
      'protocol_error',
      (p) => (wants(p, [[0, 1]], 1, 3_000_000), wants(p, [[0, 1]], 1, 3_000_000)),
    ],
    [
      'is done before anything came',
      'protocol_error',
      (p) => p.lane.say({ t: 'done', files: 1, bytes: 1 }),
    ],
    ['has something before it wants', 'protocol_error', (p) => p.lane.say({ t: 'have', bytes: 1 })],
    [
      'sends data',
      'protocol_error',
      (p) => p.lane.data([{ entry: 0, offset: 0, length: 1, verified: true }], Buffer.of(1)),
    ],
    ['makes an offer', 'protocol_error', (p) => offerOf(p, [file('a', 1)])],
    ['ends without an answer', 'connection_lost', (p) => p.lanes.forEach((lane) => lane.end())],
    [
      'ends without done',
      'connection_lost',
      (p) => (wants(p, [[0, 1]], 1, 3_000_000), p.lanes.forEach((lane) => lane.end())),
    ],
    ['vanishes', 'connection_lost', (p) => p.vanish()],
    ['cancels', 'peer_cancelled', (p) => p.lane.say({ t: 'cancel' })],
    ['declines', 'refused', (p) => p.lane.say({ t: 'answer', accept: false, count: 0, bytes: 0 })],
    [
      'has a full disk',
      'peer_failed',
      (p) => (wants(p, [[0, 1]], 1, 3_000_000), p.lane.say({ t: 'error', code: 'disk_full' })),
    ],
    ['stays silent', 'peer_silent', () => undefined],
    [
      'takes nothing and stays silent',
      'peer_silent',
      (p) => (wants(p, [[0, 1]], 1, 3_000_000), p.lanes.forEach((lane) => lane.socket.pause())),
    ],
  ];
  const SALT = Buffer.alloc(16).toString('base64');
  /** Wants the file and says that all of its blocks may be there. */
  const compares = (p: RawPeer, files: [number, number][], salt?: string): void => {
    p.lane.say({ t: 'want', ranges: [[0, 1]] });
    p.lane.say({ t: 'basis', files });
    const answer = { t: 'answer', accept: true, count: 1, bytes: 3_000_000 } as const;
    p.lane.say(salt === undefined ? answer : { ...answer, salt });
  };
  const lies: [string, (peer: RawPeer) => void][] = [
    ['has more blocks than there are', (p) => compares(p, [[0, 13]], SALT)],
    ['has a basis of what was not offered', (p) => compares(p, [[1, 1]], SALT)],
    [
      'has the same basis twice',
      (p) =>
        compares(
          p,
          [
            [0, 1],
            [0, 1],
          ],
          SALT,
        ),
    ],
    ['gives no salt', (p) => compares(p, [[0, 1]])],
    ['has a basis after the answer', (p) => (compares(p, [[0, 1]], SALT), compares(p, [[0, 1]]))],
    [
      'judges what it was not told',
      (p) => (compares(p, [[0, 1]], SALT), p.lane.say({ t: 'judged', runs: [[0, 0, 2]] })),
    ],
    [
      'judges nothing',
      (p) => (compares(p, [[0, 1]], SALT), p.lane.say({ t: 'judged', runs: [[0, 0, 0]] })),
    ],
    [
      'judges without a basis',
      (p) => (wants(p, [[0, 1]], 1, 3_000_000), p.lane.say({ t: 'judged', runs: [[0, 1, 0]] })),
    ],
    [
      'has a basis of what it does not want',
      (p) => (p.lane.say({ t: 'basis', files: [[0, 1]] }), wants(p, [], 0, 0)),
    ],
  ];
  it.each([
    ...lies.map(([name, act]) => [name, 'protocol_error', ['resume'], act] as const),
    [
      'has a basis without the feature',
      'protocol_error',
      [],
      (p: RawPeer) => compares(p, [[0, 1]], SALT),
    ] as const,
    [
      'never judges',
      'peer_silent',
      ['resume'],
      (p: RawPeer) => compares(p, [[0, 1]], SALT),
    ] as const,
    ...cases.map(([name, code, act]) => [name, code, [], act] as const),
  ])('%s: %s', async (_name, code, features, act) => {
    const [relay, from] = [await testRelay(), await temporaryFolder()];
    await writeFile(path.join(from, 'file'), randomBytes(3_000_000));
    const send = await testCroc(relay, { timing: SHORT }).send([path.join(from, 'file')]);
    send.done.catch(() => undefined);
    const peer = new RawPeer(relay.url);
    await peer.meetAsRecipient(send.code);
    peer.lane.hello([...features]);
    await peer.lane.until('offer');
    act(peer);
    expect(await codeOf(send.done)).toBe(code);
    expect(send.state).toBe('closed');
    peer.vanish();
    await nothingLeft(relay, await temporaryFolder());
  });

  it('that tells what it has in one go with its answer makes no progress of 0 bytes of 0', async () => {
    const [relay, from] = [await testRelay(), await temporaryFolder()];
    await writeFile(path.join(from, 'file'), randomBytes(3_000_000));
    const send = await testCroc(relay).send([path.join(from, 'file')]);
    send.done.catch(() => undefined);
    const totals: number[] = [];
    send.on('progress', ({ total }) => totals.push(total));
    const peer = new RawPeer(relay.url);
    await peer.meetAsRecipient(send.code);
    peer.lane.hello([]);
    await peer.lane.until('offer');
    wants(peer, [[0, 1]], 1, 3_000_000);
    peer.lane.say({ t: 'have', bytes: 0 });
    await once(send, 'progress');
    await send.cancel();
    expect(new Set(totals)).toEqual(new Set([3_000_000]));
    peer.vanish();
  });
});
