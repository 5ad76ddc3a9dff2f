/** What other extensions get from `activate()`. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import type { Progress } from '../../../src/core/index.js';
import { crocApi } from '../support/extension.js';
import { codeOf, filesBelow, Scene } from '../support/scene.js';
import { drawnTexts, statusShows } from '../support/shown.js';

describe('the API for other extensions', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
  });
  afterEach(() => scene.close());

  it('sends and receives in one window, byte for byte, and both are shown', async () => {
    const api = await crocApi();
    const relay = await api.startRelay({ host: '127.0.0.1', port: 0, tcpPorts: [0, 0] });
    scene.atEnd(() => relay.close());
    const content = randomBytes((8 << 20) + 17);
    const to = await scene.subfolder('inbox');
    drawnTexts.length = 0;

    const send = await api.send([await scene.file('data.bin', content)]);
    assert.equal(send.relay, relay.localUrl);
    const offer = await api.receive(send.code, { relay: relay.url });
    assert.equal(offer.totals.bytes, content.length);
    const told: Progress[] = [];
    const receive = offer.accept({ to });
    receive.on('progress', (progress) => told.push(progress));
    const [sent, received] = await Promise.all([send.done, receive.done]);

    assert.deepEqual(received.roots, [path.join(to, 'data.bin')]);
    assert.ok(content.equals(await readFile(path.join(to, 'data.bin'))));
    const numbers = { files: 1, bytes: content.length, transferred: content.length };
    assert.deepEqual(sent, numbers);
    assert.deepEqual({ ...received, roots: undefined }, { ...numbers, roots: undefined });
    assert.equal(told.at(-1)?.bytes, content.length);
    assert.deepEqual(
      [...told].sort((a, b) => a.bytes - b.bytes),
      told,
    );
    await statusShows(/\$\(check\) data\.bin/);
    assert.ok(drawnTexts.includes(`$(sync~spin) ${send.code}`));
  });

  it('rejects with a code that programs can match', async () => {
    const relay = await scene.relayInSettings();
    const api = await crocApi();
    assert.equal(await codeOf(api.send([])), 'nothing_to_send');
    assert.equal(await codeOf(api.send(['/nowhere/at/all'])), 'file_not_found');
    assert.equal(await codeOf(api.receive('hello')), 'invalid_code');
    assert.equal(await codeOf(api.receive('417-dozen-lunar-quilt')), 'no_such_channel');
    const stopped = { relay: relay.url, signal: AbortSignal.abort() };
    assert.equal(await codeOf(api.send([await scene.file('one.txt')], stopped)), 'cancelled');
  });

  it('takes what is asked for of an offer, and nothing before', async () => {
    const relay = await scene.relayInSettings();
    const api = await crocApi();
    const send = await scene
      .otherSide(relay.url)
      .send([await scene.file('one.txt'), await scene.file('two.txt')]);
    const to = await scene.subfolder('inbox');
    const offer = await api.receive(send.code);
    assert.deepEqual(await filesBelow(to), []);
    const two = offer.entries.findIndex((entry) => entry.path === 'two.txt');
    await offer.accept({ to, only: [two] }).done;
    assert.deepEqual(await filesBelow(to), ['two.txt']);
  });

  it('is used by another extension, which hears of every change', async () => {
    const to = await scene.subfolder('inbox');
    const file = await scene.file('one.txt');
    const done: unknown = await vscode.commands.executeCommand('croc-neighbour.send', file, to);
    assert.deepEqual(Reflect.get(Object(done), 'roots'), [path.join(to, 'one.txt')]);
    const stages: unknown = Reflect.get(Object(done), 'stages');
    assert.ok(Array.isArray(stages));
    assert.equal(stages[0], 'waiting');
    assert.ok(stages.includes('running'), stages.join());
    assert.equal(stages.at(-1), 'done');
  });

  it('has a last change when a transfer ends, and no code in any', async () => {
    const relay = await scene.relayInSettings();
    const api = await crocApi();
    const told: string[] = [];
    const listening = api.onDidChangeTransfers((all) => told.push(JSON.stringify(all)));
    const send = await api.send([await scene.file('one.txt')]);
    assert.equal(send.relay, relay.url);
    await send.cancel();
    assert.equal(await codeOf(send.done), 'cancelled');
    listening.dispose();
    assert.match(told.at(-1) ?? '', /"stage":"cancelled"/);
    assert.ok(!told.join().includes(send.code.replace(/^[^-]*-/, '')));
  });
});
