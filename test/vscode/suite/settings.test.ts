/** Every setting reaches what it is for, and counts from the next transfer on. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import * as vscode from 'vscode';
import { CURVE_NAMES } from '../../../src/core/index.js';
import { crocApi, workspaceFolder } from '../support/extension.js';
import { codeOf, filesBelow, Scene } from '../support/scene.js';
import { until } from '../../support/vscode/wait.js';
import { statusShows } from '../support/shown.js';
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

  it('croc.limit holds back what is sent and what is received', async () => {
    const relay = await scene.relayInSettings();
    await scene.set('limit', 1);
    const api = await crocApi();
    const file = await scene.file('two.bin', randomBytes(2e6));
    // A quick machine cannot be quicker than that; a slow one may take as long as it wants.
    const LEAST_MS = 1000;
    const started = performance.now();
    const send = await api.send([file]);
    const offer = await scene.otherSide(relay.url).receive(send.code);
    await offer.accept({ to: await scene.subfolder('inbox') }).done;
    await send.done;
    assert.ok(performance.now() - started > LEAST_MS, 'The send was too quick.');

    const other = await scene.otherSide(relay.url).send([file]);
    const received = performance.now();
    const taken = (await api.receive(other.code)).accept({ to: await scene.subfolder('back') });
    await taken.done;
    await other.done;
    assert.ok(performance.now() - received > LEAST_MS, 'The receive was too quick.');
  });

  it('croc.notifyWhenSent tells, until the person has enough of it', async () => {
    const relay = await scene.relayInSettings();
    scene.atEnd(() => scene.set('notifyWhenSent', undefined));
    const api = await crocApi();
    const sent = async (name: string): Promise<void> => {
      const send = await api.send([await scene.file(name)]);
      const offer = await scene.otherSide(relay.url).receive(send.code);
      await offer.accept({ to: await scene.subfolder('inbox') }).done;
      await send.done;
      await statusShows(new RegExp(`check\\) ${name}`));
    };
    scene.person.willPress("Don't Show Again");
    await sent('one.txt');
    const told = await scene.person.hears(/^Sent one\.txt\.$/);
    assert.deepEqual(told.choices, ['Show', "Don't Show Again"]);
    const setting = () => vscode.workspace.getConfiguration('croc').get('notifyWhenSent');
    await until(() => (setting() === false ? true : undefined), 20_000, 'The setting');
    await sent('two.txt');
    assert.ok(!scene.person.heard.some(({ text }) => text.includes('two.txt')));
  });

  it('croc.network takes the relay that is set for `auto`', async () => {
    const relay = await scene.relayInSettings();
    await scene.set('network', 'auto');
    const api = await crocApi();
    const send = await api.send([await scene.file('one.txt')]);
    assert.equal(send.relay, relay.url);
    await send.cancel();
    const croc = `croc://127.0.0.1:${relay.ports[0]}`;
    await scene.set('relay', croc);
    const other = await api.send([await scene.file('one.txt')]);
    assert.equal(other.relay, croc);
    assert.match(other.code, /^[a-z]+-[a-z]+-[a-z]+$/);
    await other.cancel();
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
