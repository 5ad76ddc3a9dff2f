/** What the person is told when it goes wrong, and what is left: nothing. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { looksLikeCode } from '../../../src/core/index.js';
import { until } from '../../support/vscode/wait.js';
import { crocApi } from '../support/extension.js';
import { codeOf, filesBelow, Scene } from '../support/scene.js';
import { statusItem, statusShows } from '../support/shown.js';
import { giveCode, nextPick, offerList, takeAll } from '../support/walk.js';

const run = (command: string, ...given: unknown[]) =>
  vscode.commands.executeCommand(command, ...given);

const wrong = (code: string) => code.replace(/-.*$/, '-abacus-abacus-abacus-no');

describe('when it goes wrong', () => {
  let scene: Scene;
  let to: string;
  beforeEach(async () => {
    scene = await Scene.open();
    to = await scene.subfolder('inbox');
  });
  afterEach(() => scene.close());

  const receiveHere = () => run('croc.receiveHere', vscode.Uri.file(to));

  it('tells both that the code was wrong; the recipient types a new one', async () => {
    const { url } = await scene.relayInSettings();
    const send = await scene.otherSide(url).send([await scene.file('one.txt')]);
    scene.person.willPress('Receive Again');
    const walk = receiveHere();
    await giveCode(scene.person, wrong(send.code));
    await scene.person.hears(/code did not match.*burnt/);
    await walk;
    assert.equal(await codeOf(send.done), 'wrong_code');
    // The button starts again, without the code that is burnt.
    const box = await nextPick(scene.person);
    assert.equal(box.value, '');
    box.hide();
    assert.deepEqual(await filesBelow(to), []);
  });

  it('tells the sender that the code was wrong, and sends again with a new one', async () => {
    const { url } = await scene.relayInSettings();
    const { code } = await (await crocApi()).send([await scene.file('one.txt')]);
    scene.person.willPress('Send Again');
    assert.equal(await codeOf(scene.otherSide(url).receive(wrong(code))), 'wrong_code');
    const message = await scene.person.hears(/code did not match.*Send again, and tell/);
    assert.deepEqual(message.choices, ['Send Again']);
    const shown = (await statusShows(/\d+-[a-z]+/)).text?.replace('$(sync~spin) ', '') ?? '';
    assert.ok(looksLikeCode(shown), shown);
    assert.notEqual(shown, code);
    const offer = await scene.otherSide(url).receive(shown);
    await offer.accept({ to }).done;
    assert.deepEqual(await filesBelow(to), ['one.txt']);
  });

  it('tells it in the panel alone when that is in front', async () => {
    const { url } = await scene.relayInSettings();
    await run('croc.send', vscode.Uri.file(await scene.file('one.txt')));
    const panel = () => vscode.window.tabGroups.activeTabGroup.activeTab?.label;
    await until(() => (panel() === 'Sending one.txt' ? true : undefined), 20_000, 'The panel');
    const code = await vscode.env.clipboard.readText();
    assert.equal(await codeOf(scene.otherSide(url).receive(wrong(code))), 'wrong_code');
    await until(() => (panel() === 'Could not send one.txt' ? true : undefined), 20_000, 'The end');
    assert.deepEqual(scene.person.heard, []);
  });

  it('says that nobody sends with a code, and keeps it for another try', async () => {
    await scene.relayInSettings();
    scene.person.willPress('Receive Again');
    const walk = receiveHere();
    await giveCode(scene.person, '417-dozen-lunar-quilt');
    await scene.person.hears(/Nobody is sending with this code.*Check the code/);
    await walk;
    const box = await nextPick(scene.person);
    assert.equal(box.value, '417-dozen-lunar-quilt');
    box.hide();
  });

  it('lets nobody start with what is no code', async () => {
    await scene.relayInSettings();
    const walk = receiveHere();
    const box = await nextPick(scene.person);
    for (const typed of ['', 'hello', '417', 'acorn-dozen', '417-a']) {
      box.value = typed;
      await scene.person.accept(box);
    }
    assert.deepEqual(scene.person.heard, []);
    box.hide();
    await walk;
  });

  it('tells the other side when the person declines', async () => {
    const { url } = await scene.relayInSettings();
    const send = await scene.otherSide(url).send([await scene.file('one.txt')]);
    const walk = receiveHere();
    await giveCode(scene.person, send.code);
    (await offerList(scene.person)).hide();
    await walk;
    assert.equal(await codeOf(send.done), 'refused');
    assert.deepEqual(await filesBelow(to), []);
    assert.deepEqual(scene.person.heard, []);
  });

  it('tells the sender that it was declined', async () => {
    const { url } = await scene.relayInSettings();
    const { code } = await (await crocApi()).send([await scene.file('one.txt')]);
    const offer = await scene.otherSide(url).receive(code);
    await statusShows(/\$\(sync~spin\) one\.txt/);
    await offer.reject();
    await scene.person.hears(/recipient declined the offer\. Nothing was sent/);
    assert.equal(
      (await statusShows(/\$\(error\) one\.txt/)).background,
      'statusBarItem.errorBackground',
    );
  });

  it('closes the list when the sender cancels meanwhile', async () => {
    const { url } = await scene.relayInSettings();
    const send = await scene.otherSide(url).send([await scene.file('one.txt')]);
    const walk = receiveHere();
    await giveCode(scene.person, send.code);
    const list = await offerList(scene.person);
    const hidden = new Promise<void>((resolve) => list.onDidHide(resolve));
    await send.cancel();
    await scene.person.hears(/other side cancelled/);
    await hidden;
    await walk;
    assert.deepEqual(await filesBelow(to), []);
  });

  it('says that a file went away while its code waited', async () => {
    const { url } = await scene.relayInSettings();
    const file = await scene.file('going.txt');
    const send = await (await crocApi()).send([file]);
    if (send.offered === undefined) await once(send, 'offered');
    await rm(file);
    const offer = await scene.otherSide(url).receive(send.code);
    assert.notEqual(await codeOf(offer.accept({ to }).done), 'resolved');
    await scene.person.hears(/does not exist/);
    assert.deepEqual(await filesBelow(to), []);
  });

  it('says that the relay was started again while the code waited', async function () {
    this.timeout(60_000);
    const relay = await scene.relayInSettings();
    const api = await crocApi();
    await api.send([await scene.file('one.txt')]);
    const { port, ports } = relay;
    await relay.close();
    const again = await api.startRelay({ host: '127.0.0.1', port, tcpPorts: ports });
    const message = await scene.person.hears(/does not know this transfer/, 50_000);
    await again.close();
    assert.deepEqual(message.choices, ['Send Again']);
    assert.match(statusItem().text ?? '', /\$\(error\) one\.txt/);
  });

  it('leaves no half file when the relay is started again in the middle', async function () {
    this.timeout(60_000);
    const relay = await scene.relayInSettings();
    const big = await scene.file('big.bin', randomBytes(64 << 20));
    const api = await crocApi();
    const send = await api.send([big]);
    const offer = await scene.otherSide(relay.url).receive(send.code);
    const receive = offer.accept({ to });
    await once(receive, 'progress');
    const { port, ports } = relay;
    await relay.close();
    const again = await api.startRelay({ host: '127.0.0.1', port, tcpPorts: ports });
    const codes = await Promise.all([codeOf(send.done), codeOf(receive.done)]);
    await again.close();
    for (const code of codes) assert.equal(code, 'relay_restarted');
    await scene.person.hears(/does not know this transfer/);
    assert.deepEqual(
      (await filesBelow(to)).filter((name) => !name.endsWith('.part')),
      [],
    );
  });

  it('gives nothing that is not whole its name when the person cancels', async function () {
    this.timeout(60_000);
    const { url } = await scene.relayInSettings();
    const file = await scene.file('big.bin', randomBytes(128 << 20));
    const send = await scene.otherSide(url).send([file, await scene.file('small.txt')]);
    const walk = receiveHere();
    await giveCode(scene.person, send.code);
    await takeAll(scene.person);
    await walk;
    await statusShows(/\$\(cloud-download\) \d+ %/);
    await run('croc.cancel');
    assert.equal(await codeOf(send.done), 'peer_cancelled');
    const left = await filesBelow(to);
    // What came stays for another try, under a name of its own.
    const big = left.filter((name) => path.basename(name).includes('big'));
    for (const name of big) assert.match(name, /^\.big\.bin\.croc-[0-9a-f]{16}\.part$/);
    assert.deepEqual(
      scene.person.heard.filter(({ text }) => /Received|cancelled/.test(text)),
      [],
    );
  });

  it('says that the folder is gone', async () => {
    const { url } = await scene.relayInSettings();
    const send = await scene.otherSide(url).send([await scene.file('one.txt')]);
    const gone = path.join(scene.folder, 'gone');
    const walk = run('croc.receiveHere', vscode.Uri.file(gone));
    await giveCode(scene.person, send.code);
    const list = await offerList(scene.person);
    // The panel of the offer says it when it is in front; here it is not.
    await vscode.window.showTextDocument(vscode.Uri.file(await scene.file('other.txt')));
    await scene.person.accept(list);
    await walk;
    const message = await scene.person.hears(/destination folder does not exist/);
    assert.deepEqual(message.choices, ['Receive Again']);
    assert.notEqual(await codeOf(send.done), 'resolved');
  });
});
