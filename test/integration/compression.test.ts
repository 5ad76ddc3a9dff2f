/** What goes over the lanes when both sides can compress, when one of them cannot, and when nobody should. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { SendOptions } from '../../src/core/index.js';
import { RecordType, textBytes } from '../../src/core/wire/control.js';
import { codeOf, temporaryFolder, testCroc, testRelay } from '../support/croc.js';
import { RawPeer } from '../support/rawPeer.js';

const TEXT = Buffer.from('2026-11-25 18:03:12 GET /index.html 200\n'.repeat(20_000));

/** Lets a raw recipient with some features take a file. @returns the types of the records that brought it */
async function typesFor(
  content: Buffer,
  features: string[],
  options: SendOptions = {},
): Promise<Set<number>> {
  const [relay, from] = [await testRelay(), await temporaryFolder()];
  const file = path.join(from, 'file');
  await writeFile(file, content);
  const send = await testCroc(relay).send([file], options);
  const peer = new RawPeer(relay.url);
  await peer.meetAsRecipient(send.code);
  peer.lane.hello(features);
  await peer.lane.until('offer');
  peer.lane.say({ t: 'want', ranges: [[0, 1]] });
  peer.lane.say({ t: 'answer', accept: true, count: 1, bytes: content.length });
  await Promise.all(peer.lanes.map((lane) => lane.untilEnded()));
  peer.lane.say({ t: 'done', files: 1, bytes: content.length });
  for (const lane of peer.lanes) lane.end();
  expect(await codeOf(send.done)).toBe('resolved');
  peer.vanish();
  return new Set(peer.lanes.flatMap(({ types }) => types));
}

it('compresses what gets smaller, for a recipient that lists the feature', async () => {
  const types = await typesFor(TEXT, ['brotli']);
  expect(types).toContain(RecordType.compressed);
});

it.each<[string, Buffer, string[], SendOptions]>([
  ['for an older recipient', TEXT, [], {}],
  ['that does not get smaller', randomBytes(800_000), ['brotli'], {}],
  ['when that is switched off', TEXT, ['brotli'], { compress: false }],
])('sends as it is %s', async (_when, content, features, options) => {
  const types = await typesFor(content, features, options);
  expect(types).toContain(RecordType.data);
  expect(types).not.toContain(RecordType.compressed);
});

/** Offers 2500 empty files to a raw recipient, which must get all of them. @returns the types of the records that brought them */
async function offeredTo(features: string[], options: SendOptions = {}): Promise<Set<number>> {
  const [relay, from] = [await testRelay(), await temporaryFolder()];
  const names = Array.from({ length: 2500 }, (_, index) => `${index}.txt`).sort();
  await Promise.all(names.map((name) => writeFile(path.join(from, name), '')));
  const send = await testCroc(relay).send([from], options);
  const peer = new RawPeer(relay.url);
  await peer.meetAsRecipient(send.code);
  peer.lane.hello(features);
  expect(await peer.lane.until('offer')).toMatchObject({ files: names.length });
  const { messages, types } = peer.lane;
  const entries = messages.flatMap((message) => (message.t === 'entries' ? message.entries : []));
  peer.lane.say({ t: 'answer', accept: false, count: 0, bytes: 0 });
  for (const lane of peer.lanes) lane.end();
  expect(await codeOf(send.done)).toBe('refused');
  peer.vanish();
  const paths = entries.flatMap(({ k, p }) => (k === 'f' ? path.posix.basename(p) : []));
  expect(paths.sort()).toEqual(names);
  return new Set(types);
}

it('packs a long offer for a recipient that lists the feature', async () => {
  expect(await offeredTo(['packed'])).toContain(RecordType.packed);
});

it.each<[string, string[], SendOptions]>([
  ['to an older recipient', ['brotli'], {}],
  ['when that is switched off', ['packed'], { compress: false }],
])('offers as it is %s', async (_when, features, options) => {
  expect(await offeredTo(features, options)).not.toContain(RecordType.packed);
});

it.each<[string, boolean, string[]]>([
  ['packs a text for a recipient that lists the feature', true, ['text', 'packed']],
  ['offers a text as it is to an older recipient', false, ['text']],
])('%s', async (_what, packs, features) => {
  const relay = await testRelay();
  const send = await testCroc(relay).send([{ kind: 'text', text: TEXT.toString() }]);
  const peer = new RawPeer(relay.url);
  await peer.meetAsRecipient(send.code);
  peer.lane.hello(features);
  expect(await peer.lane.until('offer')).toMatchObject({ text: { size: TEXT.length } });
  expect(peer.lane.types.includes(RecordType.packed)).toBe(packs);
  const content = peer.lane.messages.flatMap((message) =>
    message.t === 'text' ? [textBytes(message)] : [],
  );
  expect(Buffer.concat(content).equals(TEXT)).toBe(true);
  await send.cancel();
  peer.vanish();
});

it('keeps to a limit by the bytes that it sends: a text is there sooner, and counted as a whole', async () => {
  const [from, to] = [await temporaryFolder(), await temporaryFolder()];
  await writeFile(path.join(from, 'file'), TEXT);
  const croc = testCroc(await testRelay());
  // As it is it would take longer than a test may.
  const send = await croc.send([path.join(from, 'file')], { limit: TEXT.length / 80 });
  const receive = (await croc.receive(send.code)).accept({ to, limit: TEXT.length / 80 });
  let last = 0;
  receive.on('progress', ({ bytes }) => (last = bytes));
  expect(await receive.done).toMatchObject({ bytes: TEXT.length, transferred: TEXT.length });
  expect(await send.done).toMatchObject({ bytes: TEXT.length, transferred: TEXT.length });
  expect(last).toBe(TEXT.length);
  expect((await readFile(path.join(to, 'file'))).equals(TEXT)).toBe(true);
});
