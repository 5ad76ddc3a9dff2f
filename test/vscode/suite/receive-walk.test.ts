/** Receive croc code, from the code to the bytes, against a real sender. */
import assert from 'node:assert/strict';
import { chmod, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { compareTrees, makeTree } from '../../support/tree.js';
import { codeOf, filesBelow, Scene } from '../support/scene.js';
import { statusShows } from '../support/shown.js';
import {
  chooseFolder,
  giveCode,
  giveRelay,
  nextPick,
  offerList,
  takeAll,
  takeRow,
} from '../support/walk.js';

const receive = () => vscode.commands.executeCommand('croc.receive');

describe('receiving a real offer', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
  });
  afterEach(() => scene.close());

  it('asks for code, relay, what and where, and gets a whole tree', async () => {
    const relay = await scene.relay();
    const source = path.join(scene.folder, 'tree');
    await makeTree(source, { files: 30 });
    const send = await scene.otherSide(relay.url).send([source]);
    const to = await scene.subfolder('inbox');

    const walk = receive();
    await giveCode(scene.person, send.code);
    // As people type it: without http.
    await giveRelay(scene.person, new URL(relay.url).host);
    const list = await offerList(scene.person);
    assert.match(list.title ?? '', /^Receive: 31 files, \d+ folders, \d+ KiB$/);
    assert.deepEqual(await filesBelow(to), []);
    await scene.person.accept(list);
    await chooseFolder(scene.person, to);
    await walk;
    await send.done;
    await scene.person.hears(/^Received tree\.$/);
    assert.deepEqual(await compareTrees(source, path.join(to, 'tree')), []);
    await statusShows(/\$\(check\) tree/);
  });

  it('remembers the relay, not the code', async () => {
    const relay = await scene.relay();
    const send = await scene.otherSide(relay.url).send([await scene.file('one.txt')]);
    const to = await scene.subfolder('inbox');
    const walk = receive();
    await giveCode(scene.person, send.code);
    await giveRelay(scene.person, relay.url);
    await takeAll(scene.person);
    await chooseFolder(scene.person, to);
    await walk;
    await send.done;
    const again = receive();
    const code = await nextPick(scene.person);
    assert.equal(code.value, '');
    code.value = '417-dozen-lunar-quilt';
    await scene.person.accept(code);
    const box = await scene.person.nextBox();
    assert.equal(box.value, new URL(relay.url).host);
    box.hide();
    await again;
  });

  it('asks for no relay when one is set, and for no folder when one was clicked', async () => {
    const relay = await scene.relayInSettings();
    const send = await scene.otherSide(relay.url).send([await scene.file('one.txt')]);
    const to = await scene.subfolder('clicked');
    const walk = vscode.commands.executeCommand('croc.receiveHere', vscode.Uri.file(to));
    await giveCode(scene.person, send.code);
    await takeAll(scene.person);
    await walk;
    await send.done;
    await scene.person.hears(/^Received one\.txt\.$/);
    assert.deepEqual(await filesBelow(to), ['one.txt']);
  });

  it('says what is worth knowing of each thing that is offered', async () => {
    const relay = await scene.relayInSettings();
    const script = await scene.file('bundle/run.sh', '#!/bin/sh\n');
    await chmod(script, 0o755);
    await scene.file('bundle/.env', 'A=1\n');
    const send = await scene.otherSide(relay.url).send([path.dirname(script)]);
    const walk = receive();
    await giveCode(scene.person, send.code);
    const list = await offerList(scene.person);
    const rows = Object.fromEntries(
      list.items.map(({ label, description }) => [label.replace(/^.*\) /, ''), description]),
    );
    assert.deepEqual(rows, {
      bundle: '2 files, 14 B',
      '.env': '4 B · hidden',
      'run.sh': '10 B · executable',
    });
    assert.equal(list.selectedItems.length, 3);
    list.hide();
    await walk;
    assert.equal(await codeOf(send.done), 'refused');
  });

  it('offers to open what arrived', async () => {
    const relay = await scene.relayInSettings();
    const send = await scene.otherSide(relay.url).send([await scene.file('note.md', '# Hello\n')]);
    const to = await scene.subfolder('inbox');
    scene.person.willPress('Open');
    const walk = vscode.commands.executeCommand('croc.receiveHere', vscode.Uri.file(to));
    await giveCode(scene.person, send.code);
    const opened = new Promise<vscode.TextEditor>((resolve) => {
      const subscription = vscode.window.onDidChangeActiveTextEditor((editor) => {
        if (editor?.document.fileName.endsWith('note.md') !== true) return;
        subscription.dispose();
        resolve(editor);
      });
    });
    await takeAll(scene.person);
    await walk;
    assert.equal((await opened).document.uri.fsPath, path.join(to, 'note.md'));
  });

  describe('when something is already there', () => {
    let to: string;
    let existing: string;

    /** Sends `doc.txt` and answers up to the question about what is there. */
    async function upToConflict(): Promise<{ done: Promise<unknown>; walk: Thenable<unknown> }> {
      const relay = await scene.relayInSettings();
      to = await scene.subfolder('inbox');
      existing = await scene.file('inbox/doc.txt', 'old');
      const send = await scene
        .otherSide(relay.url)
        .send([await scene.file('doc.txt', 'new'), await scene.file('other.txt')]);
      const walk = vscode.commands.executeCommand('croc.receiveHere', vscode.Uri.file(to));
      await giveCode(scene.person, send.code);
      await takeAll(scene.person);
      return { done: send.done, walk };
    }
    const choose = (row: RegExp) => takeRow(scene.person, /doc\.txt is already there/, row);

    it('keeps both', async () => {
      const { done, walk } = await upToConflict();
      const rows = await choose(/Keep both/);
      // What destroys nothing comes first, so Enter does no harm.
      assert.deepEqual(
        rows.map((row) => row.replace(/^.*\) /, '')),
        ['Keep both', 'Skip', 'Overwrite', 'Decide one by one'],
      );
      await walk;
      await done;
      const files = await filesBelow(to);
      assert.equal(files.length, 3);
      const added = files.find((name) => name !== 'doc.txt' && name !== 'other.txt') ?? '';
      assert.equal(await readFile(existing, 'utf8'), 'old');
      assert.equal(await readFile(path.join(to, added), 'utf8'), 'new');
    });

    it('skips', async () => {
      const { done, walk } = await upToConflict();
      const before = await stat(existing);
      await choose(/Skip/);
      await walk;
      await done;
      assert.deepEqual(await filesBelow(to), ['doc.txt', 'other.txt']);
      assert.equal(await readFile(existing, 'utf8'), 'old');
      assert.equal((await stat(existing)).mtimeMs, before.mtimeMs);
    });

    it('overwrites', async () => {
      const { done, walk } = await upToConflict();
      await choose(/Overwrite/);
      await walk;
      await done;
      // What was there is kept for Undo, in a folder of its own.
      const files = (await filesBelow(to)).filter((name) => !name.startsWith('.croc-undo-'));
      assert.deepEqual(files, ['doc.txt', 'other.txt']);
      assert.equal(await readFile(existing, 'utf8'), 'new');
    });

    it('takes nothing when the person leaves', async () => {
      const { done, walk } = await upToConflict();
      const box = await nextPick(scene.person);
      box.hide();
      await walk;
      assert.equal(await codeOf(done), 'refused');
      assert.deepEqual(await filesBelow(to), ['doc.txt']);
      assert.equal(await readFile(existing, 'utf8'), 'old');
    });
  });
});
