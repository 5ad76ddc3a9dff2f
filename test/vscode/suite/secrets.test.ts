/** The code stays where it belongs: clipboard, status bar and panel, while it is of use. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { crocApi } from '../support/extension.js';
import { codeOf, Scene } from '../support/scene.js';
import { logLines, statusHidden, statusItem, statusShows } from '../support/shown.js';
import { giveCode, nextPick, offerList } from '../support/walk.js';

const receive = () => vscode.commands.executeCommand('croc.receive');

describe('the code', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
  });
  afterEach(() => scene.close());

  it('is prefilled from the clipboard, and waits there for Enter', async () => {
    const relay = await scene.relayInSettings();
    const send = await scene.otherSide(relay.url).send([await scene.file('one.txt')]);
    const states: string[] = [];
    send.on('state', (state) => states.push(state));
    await vscode.env.clipboard.writeText(` ${send.code}\n`);
    const walk = receive();
    const box = await nextPick(scene.person);
    assert.equal(box.value, send.code);
    box.hide();
    await walk;
    // Nobody has come: not even the relay was asked.
    assert.deepEqual(states, []);
    const again = receive();
    await scene.person.accept(await nextPick(scene.person));
    (await offerList(scene.person)).hide();
    await again;
    assert.equal(await codeOf(send.done), 'refused');
  });

  for (const text of [
    'hello',
    'my-secret-password',
    'https://example.org/417-a-b-c',
    '417-dozen-lunar-quilt\nand more',
    '8003',
    'v1.2.3-rc-1',
  ])
    it(`is not taken from a clipboard with ${JSON.stringify(text)}`, async () => {
      await scene.relayInSettings();
      await vscode.env.clipboard.writeText(text);
      const walk = receive();
      const box = await nextPick(scene.person);
      assert.equal(box.value, '');
      box.hide();
      await walk;
    });

  it('is in no line of the log, whatever happens', async () => {
    const relay = await scene.relayInSettings();
    const api = await crocApi();
    const to = await scene.subfolder('inbox');
    logLines.length = 0;
    // Words that are drawn may be words of the log: "send", "relay" and "error" are in the list.
    const code = (channel: number) => ({ code: `${channel}x-stoat-plum-kiln` });
    const sent = await api.send([await scene.file('one.txt')], code(1));
    await (await scene.otherSide(relay.url).receive(sent.code)).accept({ to }).done;
    await sent.done;
    const guessed = await api.send([await scene.file('two.txt')], code(2));
    const guess = guessed.code.replace(/-.*/, '-wrong-guess-here');
    assert.equal(await codeOf(scene.otherSide(relay.url).receive(guess)), 'wrong_code');
    assert.equal(await codeOf(guessed.done), 'wrong_code');
    const other = await scene.otherSide(relay.url).send([await scene.file('three.txt')], code(3));
    const walk = receive();
    await giveCode(scene.person, other.code.replace(/-.*/, '-dozen-lunar-quilt'));
    await walk;
    await scene.person.hears(/did not match/);
    const lines = logLines.join('\n');
    assert.match(lines, /send .*: done, 1 files/);
    assert.match(lines, /wrong_code/);
    for (const one of [sent.code, guessed.code, guess, other.code, '-dozen-lunar-quilt'])
      for (const word of one.split('-').slice(1)) {
        assert.ok(word.length > 2);
        assert.ok(!new RegExp(`\\b${word}\\b`).test(lines), `A word of a code in\n${lines}`);
      }
    assert.ok(!/one\.txt|two\.txt|three\.txt/.test(lines), 'Nor are names of files.');
  });

  it('leaves the status bar when it is used up', async () => {
    const relay = await scene.relayInSettings();
    const api = await crocApi();
    const send = await api.send([await scene.file('one.txt')]);
    assert.equal(statusItem().text, `$(sync~spin) ${send.code}`);
    assert.match(statusItem().spoken, /^Croc code .*Waiting/);
    const offer = await scene.otherSide(relay.url).receive(send.code);
    await statusShows(/\$\(sync~spin\) one\.txt/);
    await offer.accept({ to: await scene.subfolder('inbox') }).done;
    await send.done;
    const done = await statusShows(/\$\(check\) one\.txt/);
    assert.equal(done.background, undefined);
    assert.match(done.spoken, /Everything is on the other disk/);
  });

  it('leaves nothing in the status bar in the end', async function () {
    this.timeout(40_000);
    await scene.relayInSettings();
    const send = await (await crocApi()).send([await scene.file('one.txt')]);
    await send.cancel();
    await statusHidden();
    await vscode.commands.executeCommand('croc.copyCode');
    await scene.person.hears(/No code is waiting/);
  });
});
