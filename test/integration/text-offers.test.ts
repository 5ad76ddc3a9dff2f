/** Texts, patches and files in memory: what is sent that is on no disk. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Offer } from '../../src/core/api.js';
import type { SendItem, TextItem } from '../../src/core/types.js';
import { MAX_TEXT_BYTES } from '../../src/core/wire/limits.js';
import { codeOf, filesBelow, temporaryFolder, testCroc, testRelay } from '../support/croc.js';
import { RawPeer } from '../support/rawPeer.js';

/** Sends and takes. */
async function across(items: readonly SendItem[], to?: string) {
  const croc = testCroc(await testRelay());
  const send = await croc.send(items);
  const offer = await croc.receive(send.code);
  const receive = offer.accept(to === undefined ? undefined : { to });
  const [sent, received] = await Promise.all([send.done, receive.done]);
  return { send, offer, sent, received };
}

const textOf = ({ kind, text, name, content }: Offer) => ({
  kind,
  text,
  name,
  bytes: content?.length,
});

describe('a text', () => {
  it.each<[string, TextItem]>([
    ['short', { kind: 'text', text: 'hello' }],
    ['with a name', { kind: 'text', text: 'let a = 1;\n', name: 'main.ts' }],
    [
      'in any script, with a byte order mark',
      { kind: 'text', text: '\ufeffПривет 🐊\u0000\u001b' },
    ],
    ['a patch', { kind: 'patch', text: 'diff --git a/a b/a\n', name: 'changes.patch' }],
  ])('%s arrives, and touches no disk', async (_, item) => {
    const bytes = Buffer.byteLength(item.text);
    const { send, offer, sent, received } = await across([item]);
    expect(textOf(offer)).toEqual({ kind: item.kind, text: item.text, name: item.name, bytes });
    expect(offer.entries).toEqual([]);
    expect(received).toEqual({ files: 0, bytes, transferred: bytes, roots: [] });
    expect(sent).toEqual({ files: 0, bytes, transferred: bytes });
    expect(send.offered?.totals).toEqual({ files: 0, folders: 0, bytes: 0 });
  });

  it('of the largest size arrives; one byte more is refused before there is a code', async () => {
    const content = randomBytes(MAX_TEXT_BYTES);
    const { offer } = await across([{ kind: 'patch', text: content }]);
    expect(content.equals(offer.content ?? Buffer.of())).toBe(true);
    const croc = testCroc(await testRelay());
    const larger = Buffer.alloc(MAX_TEXT_BYTES + 1, 'a');
    expect(await codeOf(croc.send([{ kind: 'text', text: larger }]))).toBe('limit_exceeded');
  });

  it('a patch keeps bytes that are not UTF-8', async () => {
    const latin1 = Buffer.from('+caf\u00e9\n', 'latin1');
    const { offer } = await across([{ kind: 'patch', text: latin1 }]);
    expect(Buffer.from(offer.content ?? []).equals(latin1)).toBe(true);
    expect(offer.text).toBe('+caf\ufffd\n');
  });

  it.each<[string, string, SendItem[]]>([
    ['empty', 'nothing_to_send', [{ kind: 'text', text: '' }]],
    [
      'beside another',
      'usage',
      [
        { kind: 'text', text: 'a' },
        { kind: 'text', text: 'b' },
      ],
    ],
    [
      'beside a file',
      'usage',
      [
        { name: 'a', content: 'a' },
        { kind: 'text', text: 'b' },
      ],
    ],
    ['that is not UTF-8', 'usage', [{ kind: 'text', text: Buffer.of(0xff) }]],
    ['named like a path', 'unsafe_path', [{ kind: 'text', text: 'a', name: 'a/b' }]],
    ['named to escape', 'unsafe_path', [{ kind: 'patch', text: 'a', name: '..' }]],
  ])('%s is refused before there is a code', async (_, code, items) => {
    expect(await codeOf(testCroc(await testRelay()).send(items))).toBe(code);
  });

  it('can be declined, and both hear it', async () => {
    const croc = testCroc(await testRelay());
    const send = await croc.send([{ kind: 'text', text: 'no thanks' }]);
    const offer = await croc.receive(send.code);
    await offer.reject();
    expect(await codeOf(send.done)).toBe('refused');
  });

  it('is not given to a recipient that knows no texts, and both sides hear who has to update', async () => {
    const relay = await testRelay();
    const send = await testCroc(relay).send([{ kind: 'text', text: 'secret' }]);
    const old = new RawPeer(relay.url);
    await old.meetAsRecipient(send.code);
    old.lane.hello();
    const { code, detail } = await old.lane.until('error');
    expect(code).toBe('incompatible_version');
    expect(detail).toContain("the recipient's Croc is older");
    expect(await codeOf(send.done)).toBe('incompatible_version');
    await expect(send.done).rejects.toThrow(/recipient's Croc is older/);
    expect(old.lane.messages.map(({ t }) => t)).toEqual(['hello', 'error']);
    old.vanish();
  });

  it('files need a folder, and say so', async () => {
    const croc = testCroc(await testRelay());
    const send = await croc.send([{ name: 'a', content: 'a' }]);
    const offer = await croc.receive(send.code);
    expect(await codeOf(offer.accept().done)).toBe('usage');
    expect(await codeOf(send.done)).toBe('peer_failed');
  });
});

describe('a file in memory', () => {
  it('arrives like one from a disk, beside one, small, large and empty', async () => {
    const [from, to] = [await temporaryFolder(), await temporaryFolder()];
    await writeFile(path.join(from, 'note.txt'), 'on the disk');
    const large = randomBytes(3_000_000);
    const before = Date.now();
    const { offer, received } = await across(
      [
        path.join(from, 'note.txt'),
        { name: 'note.txt', content: 'in the editor' },
        { name: 'large.bin', content: large },
        { name: 'empty', content: '' },
      ],
      to,
    );
    expect(received.files).toBe(4);
    expect(await filesBelow(to)).toEqual(['empty', 'large.bin', 'note (2).txt', 'note.txt']);
    expect(await readFile(path.join(to, 'note (2).txt'), 'utf8')).toBe('in the editor');
    expect((await readFile(path.join(to, 'large.bin'))).equals(large)).toBe(true);
    for (const { path: name, mtimeMs } of offer.entries.slice(1))
      expect([name, mtimeMs >= before && mtimeMs <= Date.now()]).toEqual([name, true]);
  });

  it.each(['a/b', '..', '', 'NUL', 'a\u0000'])(
    'named %j is refused before there is a code',
    async (name) => {
      const croc = testCroc(await testRelay());
      expect(await codeOf(croc.send([{ name, content: 'a' }]))).toBe('unsafe_path');
    },
  );
});
