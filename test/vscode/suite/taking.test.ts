/** What is left out when sending, and what can be taken back when receiving. */
import assert from 'node:assert/strict';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { until } from '../../support/vscode/wait.js';
import { codeOf, filesBelow, Scene } from '../support/scene.js';
import { contextKeys, panelShows } from '../support/shown.js';
import { giveCode, nextPick, offerList, takeAll, takeRow } from '../support/walk.js';

const run = (command: string, ...given: unknown[]) =>
  vscode.commands.executeCommand(command, ...given);

describe('the setting croc.ignore', () => {
  let scene: Scene;
  let relay: string;
  beforeEach(async () => {
    scene = await Scene.open();
    relay = (await scene.relayInSettings()).url;
    await scene.file('project/.gitignore', '*.log\n');
    await scene.file('project/a.txt');
    await scene.file('project/b.log');
    await scene.file('project/.git/HEAD');
  });
  afterEach(() => scene.close());

  async function arrived(): Promise<string[]> {
    await run('croc.send', vscode.Uri.file(path.join(scene.folder, 'project')));
    const offer = await scene.otherSide(relay).receive(await vscode.env.clipboard.readText());
    const paths = offer.entries.filter(({ kind }) => kind === 'file').map((entry) => entry.path);
    await offer.accept({ to: await scene.subfolder('received') }).done;
    return paths;
  }

  it('leaves out nothing by itself', async () => {
    assert.deepEqual(await arrived(), [
      'project/.git/HEAD',
      ...['project/.gitignore', 'project/a.txt', 'project/b.log'],
    ]);
  });

  for (const choice of ['gitignore', 'gitignoreAndExclude'])
    it(`${choice} leaves out what git ignores`, async () => {
      await scene.set('ignore', choice);
      assert.deepEqual(await arrived(), ['project/.gitignore', 'project/a.txt']);
    });
});

describe('what was left out', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
  });
  afterEach(() => scene.close());

  it('is counted in the panel, and a button sends it, too', async () => {
    const relay = await scene.relayInSettings();
    await scene.set('ignore', 'gitignore');
    await scene.file('project/.gitignore', '*.log\n');
    await scene.file('project/a.log');
    await scene.file('project/b.log');
    await run('croc.send', vscode.Uri.file(path.join(scene.folder, 'project')));
    const code = await vscode.env.clipboard.readText();
    const panel = await panelShows(({ list }) => list?.ignored !== undefined);
    assert.deepEqual(panel.view?.list?.ignored, {
      text: '2 ignored files and folders left out',
      button: { action: 'include-ignored', label: 'Include', icon: 'add', primary: false },
    });
    panel.press('include-ignored');
    const next = await until(
      async () => {
        const now = await vscode.env.clipboard.readText();
        return now === code ? undefined : now;
      },
      20_000,
      'Another code',
    );
    const again = await panelShows((view) => view.code?.text === next);
    assert.equal(again.view?.list?.ignored, undefined);
    const offer = await scene.otherSide(relay.url).receive(next);
    const files = offer.entries.filter(({ kind }) => kind === 'file').map((entry) => entry.path);
    assert.deepEqual(files.sort(), ['project/.gitignore', 'project/a.log', 'project/b.log']);
    await offer.reject();
    // The code before is of no use any more.
    assert.equal(await codeOf(scene.otherSide(relay.url).receive(code)), 'channel_closed');
  });
});

describe('a disk without room', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
  });
  afterEach(() => scene.close());

  it('is told, and the question comes back although nobody closes the message', async () => {
    const relay = await scene.relayInSettings();
    const huge = await scene.file('huge.bin', '');
    // It has no blocks: only its length is offered.
    await truncate(huge, 8 * 2 ** 40);
    const send = await scene.otherSide(relay.url).send([huge]);
    const to = await scene.subfolder('inbox');
    scene.person.overlooks(/not enough room/);
    const walk = run('croc.receiveHere', vscode.Uri.file(to));
    await giveCode(scene.person, send.code);
    await takeAll(scene.person);
    await scene.person.hears(/^There is not enough room: 8\.0 TiB are needed/);
    (await offerList(scene.person)).hide();
    await walk;
    assert.equal(await codeOf(send.done), 'refused');
  });
});

describe('files that are there already', () => {
  let scene: Scene;
  let relay: string;
  let to: string;
  beforeEach(async () => {
    scene = await Scene.open();
    relay = (await scene.relayInSettings()).url;
    to = await scene.subfolder('inbox');
    await writeFile(path.join(to, 'one.txt'), 'old one');
    await writeFile(path.join(to, 'two.txt'), 'old two');
  });
  afterEach(() => scene.close());

  const inbox = (name: string) => readFile(path.join(to, name), 'utf8');

  /** Sends two files and answers up to the question about what is there. */
  async function conflict(
    row: RegExp,
  ): Promise<{ walk: Thenable<unknown>; done: Promise<unknown> }> {
    const files = [await scene.file('one.txt', 'new one'), await scene.file('two.txt', 'new two')];
    const send = await scene.otherSide(relay).send(files);
    const walk = run('croc.receiveHere', vscode.Uri.file(to));
    await giveCode(scene.person, send.code);
    await takeAll(scene.person);
    await takeRow(scene.person, /are already there/, row);
    return { walk, done: send.done };
  }

  it('come back with Undo, from the message', async () => {
    scene.person.willPress('Undo');
    const { walk, done } = await conflict(/Overwrite/);
    await Promise.all([walk, done]);
    await scene.person.hears(/^Taken back: 0 removed, 2 put back as before\.$/);
    assert.equal(await inbox('one.txt'), 'old one');
    assert.deepEqual(await filesBelow(to), ['one.txt', 'two.txt']);
  });

  it('leave nothing to take back when they are skipped', async () => {
    const { walk, done } = await conflict(/Skip/);
    await Promise.all([walk, done]);
    const told = await scene.person.hears(/^Received one\.txt and 1 more\.$/);
    assert.deepEqual(told.choices, ['Open', 'Reveal']);
    assert.equal(await inbox('one.txt'), 'old one');
  });

  it('come back with the command while that can be, but not what was changed since', async () => {
    const { walk, done } = await conflict(/Overwrite/);
    await Promise.all([walk, done]);
    await until(() => (contextKeys.get('undoKnown') === true ? true : undefined), 20_000, 'Undo');
    await writeFile(path.join(to, 'two.txt'), 'edited');
    await run('croc.undoReceive');
    const told = await scene.person.hears(/^Taken back: 0 removed, 1 put back.*1 stay as they are/);
    assert.match(told.text, /two\.txt/);
    assert.equal(await inbox('one.txt'), 'old one');
    assert.equal(await inbox('two.txt'), 'edited');
  });

  it('are decided one by one, with both in the diff editor', async () => {
    const { walk, done } = await conflict(/Decide one by one/);
    await Promise.all([walk, done]);
    const first = await nextPick(scene.person);
    assert.match(first.placeholder ?? '', /^one\.txt was already there/);
    const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    assert.ok(input instanceof vscode.TabInputTextDiff);
    assert.equal(input.original.fsPath, path.join(to, 'one.txt'));
    assert.equal(input.modified.fsPath, path.join(to, 'one (2).txt'));
    // Nothing is lost until the person says so.
    assert.equal(await inbox('one.txt'), 'old one');
    await scene.person.accept(first);
    const second = await nextPick(scene.person);
    const mine = second.items.find(({ label }) => /Keep what is here/.test(label));
    second.activeItems = mine === undefined ? [] : [mine];
    await scene.person.accept(second);
    await until(
      async () => ((await filesBelow(to)).includes('two (2).txt') ? undefined : true),
      20_000,
      'The end of the review',
    );
    assert.equal(await inbox('one.txt'), 'new one');
    assert.equal(await inbox('two.txt'), 'old two');
    await run('croc.undoReceive');
    await scene.person.hears(/^Taken back: 0 removed, 1 put back/);
    assert.equal(await inbox('one.txt'), 'old one');
  });
});
