/** Every setting reaches what it is for, and counts from the next transfer on. */
import assert from 'node:assert/strict';
import path from 'node:path';
import * as vscode from 'vscode';
import { CURVE_NAMES } from '../../../src/core/index.js';
import { crocApi, workspaceFolder } from '../support/extension.js';
import { codeOf, filesBelow, Scene } from '../support/scene.js';
import { giveCode, nextPick, offerList, takeAll, takeRow } from '../support/walk.js';

describe('the settings', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
  });
  afterEach(() => scene.close());

  it('croc.relay is where a send goes, and a change counts at once', async () => {
    const api = await crocApi();
    for (const relay of [await scene.relay(), await scene.relay()]) {
      await scene.set('relay', `  ${new URL(relay.url).host} `);
      const send = await api.send([await scene.file('one.txt')]);
      assert.equal(send.relay, relay.url);
      assert.equal((await relay.stats()).channels, 1);
      await send.cancel();
      assert.equal(await codeOf(send.done), 'cancelled');
    }
  });

  it('croc.relay that is no address is told, with a way to the setting', async () => {
    await scene.set('relay', 'not an address');
    await vscode.commands.executeCommand('croc.send', vscode.Uri.file(await scene.file('one.txt')));
    const message = await scene.person.hears(/not the address of a relay/);
    assert.deepEqual(message.choices, ['Open Settings']);
    const walk = vscode.commands.executeCommand('croc.receive');
    await walk;
    const told = scene.person.heard.filter(({ text }) => /not the address/.test(text));
    assert.equal(told.length, 2, 'Receiving tells it too.');
  });

  it('croc.curve is used for what is sent, and the other side follows', async () => {
    const relay = await scene.relayInSettings();
    const api = await crocApi();
    for (const curve of CURVE_NAMES) {
      await scene.set('curve', curve);
      const send = await api.send([await scene.file('one.txt')]);
      assert.equal(send.curve, curve);
      const offer = await scene.otherSide(relay.url).receive(send.code);
      await offer.accept({ to: await scene.subfolder(curve) }).done;
      await send.done;
      assert.deepEqual(await filesBelow(path.join(scene.folder, curve)), ['one.txt']);
    }
  });

  it('croc.curve that is none is p256', async () => {
    await scene.relayInSettings();
    await scene.set('curve', 'curve25519');
    const send = await (await crocApi()).send([await scene.file('one.txt')]);
    assert.equal(send.curve, 'p256');
    await send.cancel();
  });

  it('croc.downloadFolder is offered first, then the workspace', async () => {
    const relay = await scene.relayInSettings();
    const folder = await scene.subfolder('downloads');
    await scene.set('downloadFolder', folder);
    const send = await scene.otherSide(relay.url).send([await scene.file('one.txt')]);
    const walk = vscode.commands.executeCommand('croc.receive');
    await giveCode(scene.person, send.code);
    await takeAll(scene.person);
    const rows = await takeRow(scene.person, /Where should it go/, /Download folder/);
    assert.deepEqual(
      rows.map((row) => row.replace(/^.*\) /, '')),
      ['Download folder', path.basename(workspaceFolder().fsPath), 'Browse…'],
    );
    await walk;
    await send.done;
    assert.deepEqual(await filesBelow(folder), ['one.txt']);
  });

  it('croc.downloadFolder that is not there is not offered', async () => {
    const relay = await scene.relayInSettings();
    await scene.set('downloadFolder', path.join(scene.folder, 'nowhere'));
    const send = await scene.otherSide(relay.url).send([await scene.file('one.txt')]);
    const walk = vscode.commands.executeCommand('croc.receive');
    await giveCode(scene.person, send.code);
    await scene.person.accept(await offerList(scene.person));
    const box = await nextPick(scene.person);
    assert.deepEqual(
      box.items.filter(({ label }) => /Download folder/.test(label)),
      [],
    );
    box.hide();
    await walk;
    assert.equal(await codeOf(send.done), 'refused');
  });
});
