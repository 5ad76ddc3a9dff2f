/** Sending and taking what has no file: buffers, selections, texts, changes of a repository. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { deferred } from '../../../src/core/async.js';
import type { Offer } from '../../../src/core/index.js';
import { compareTrees } from '../../support/tree.js';
import { until } from '../../support/vscode/wait.js';
import { TestRepository } from '../support/repository.js';
import { filesBelow, Scene } from '../support/scene.js';
import { shownChanges } from '../support/shown.js';
import { giveCode, nextPick, takeRow } from '../support/walk.js';

const run = (command: string, ...given: unknown[]) =>
  vscode.commands.executeCommand(command, ...given);
const clipboard = () => vscode.env.clipboard.readText();
const BINARY = Buffer.from([0, 1, 2, 255, 254, 0, 10]);

describe('what has no file', () => {
  let scene: Scene;
  let relay: string;
  beforeEach(async () => {
    scene = await Scene.open();
    relay = (await scene.relayInSettings()).url;
  });
  afterEach(() => scene.close());

  const offered = async (): Promise<Offer> => scene.otherSide(relay).receive(await clipboard());

  /** Takes the text that a code offers on the other side. */
  async function takeText(): Promise<Pick<Offer, 'kind' | 'text' | 'name'>> {
    const offer = await offered();
    await offer.accept().done;
    const { kind, text, name } = offer;
    return {
      kind,
      ...(text === undefined ? {} : { text }),
      ...(name === undefined ? {} : { name }),
    };
  }

  /** Takes the one file that a code offers; gives its name and content. */
  async function takeFile(): Promise<[string | undefined, string]> {
    const to = await scene.subfolder('received');
    await (await offered()).accept({ to }).done;
    const [name] = await filesBelow(to);
    return [name, await readFile(path.join(to, name ?? ''), 'utf8')];
  }

  it('sends the selection of an editor, several of them in their order', async () => {
    const uri = vscode.Uri.file(await scene.file('lines.ts', 'one\ntwo\nthree\n'));
    const editor = await vscode.window.showTextDocument(uri);
    editor.selections = [new vscode.Selection(2, 0, 2, 5), new vscode.Selection(0, 0, 0, 3)];
    await run('croc.sendSelection');
    assert.deepEqual(await takeText(), { kind: 'text', text: 'one\nthree', name: 'lines.ts' });
  });

  it('sends the selection of a document that was never saved', async () => {
    const document = await vscode.workspace.openTextDocument({ content: 'a draft' });
    const editor = await vscode.window.showTextDocument(document);
    editor.selection = new vscode.Selection(0, 2, 0, 7);
    await run('croc.sendSelection');
    assert.equal((await takeText()).text, 'draft');
  });

  it('says so when nothing is selected', async () => {
    await vscode.window.showTextDocument(vscode.Uri.file(await scene.file('one.txt')));
    await run('croc.sendSelection');
    await scene.person.hears(/Select some text/);
    assert.equal(await clipboard(), 'something else');
  });

  it('sends a whole document that was never saved, as a file', async () => {
    const document = await vscode.workspace.openTextDocument({ content: 'never saved' });
    await vscode.window.showTextDocument(document);
    await run('croc.send');
    const [name = '', content] = await takeFile();
    assert.match(name, /^Untitled-\d+/);
    assert.equal(content, 'never saved');
  });

  it('sends a text that is typed, and nothing when the person leaves', async () => {
    scene.person.willType(undefined);
    await run('croc.sendText');
    assert.equal(await clipboard(), 'something else');
    scene.person.willType('see you at nine');
    await run('croc.sendText');
    assert.deepEqual(await takeText(), { kind: 'text', text: 'see you at nine' });
  });

  it('shows a text that arrives in a document without a file, in the language of its name', async () => {
    const item = { kind: 'text', text: 'const a = 1;\n', name: 'main.ts' } as const;
    const send = await scene.otherSide(relay).send([item]);
    const walk = run('croc.receive');
    await giveCode(scene.person, send.code);
    await takeRow(scene.person, /What should become of it/, /Show in an editor/);
    await walk;
    await send.done;
    const document = vscode.window.activeTextEditor?.document;
    assert.equal(document?.getText(), 'const a = 1;\n');
    assert.equal(document.isUntitled, true);
    assert.equal(document.languageId, 'typescript');
    await run('workbench.action.revertAndCloseActiveEditor');
  });

  it('copies a text, and declines when the person leaves', async () => {
    const first = await scene.otherSide(relay).send([{ kind: 'text', text: 'to copy' }]);
    const walk = run('croc.receive');
    await giveCode(scene.person, first.code);
    await takeRow(scene.person, /What should become of it/, /Copy/);
    await walk;
    assert.equal(await clipboard(), 'to copy');

    const second = await scene.otherSide(relay).send([{ kind: 'text', text: 'no' }]);
    const refused = assert.rejects(second.done, /declined/);
    const again = run('croc.receive');
    await giveCode(scene.person, second.code);
    const box = await scene.person.nextBox();
    box.hide();
    await again;
    await refused;
  });

  describe('changes', () => {
    /** Two repositories with the same first commit. */
    async function pair(name: string): Promise<[TestRepository, TestRepository]> {
      const files = { 'a.txt': 'one\ntwo\nthree\n', 'bin.dat': BINARY, 'gone.txt': 'bye\n' };
      const open = (side: string) =>
        TestRepository.open(path.join(scene.folder, side, name), files);
      return [await open('mine'), await open('theirs')];
    }

    /** Receives in the window and applies to a repository. */
    async function apply(code: string, repository: TestRepository): Promise<void> {
      const walk = run('croc.receive');
      await giveCode(scene.person, code);
      const box = await scene.person.nextBox();
      if (!('items' in box)) throw new Error('Not a list.');
      const row = box.items.find(({ description }) => description === repository.root);
      assert.ok(row, 'The repository is not in the list.');
      box.activeItems = [row];
      await scene.person.accept(box);
      await walk;
    }

    /** Presses the row of a question about which changes. */
    async function sendChanges(repository: TestRepository, row: RegExp): Promise<void> {
      const walk = run('croc.sendChanges', repository.control);
      await takeRow(scene.person, /Which changes/, row);
      await walk;
    }

    it('go over as they are: text, binary, new, deleted, staged or not', async () => {
      const [mine, theirs] = await pair('everything');
      await mine.write({
        'a.txt': 'one\nTWO\nthree\n',
        'bin.dat': Buffer.from([9, 0, 9, 255]),
        'new/ö and space.txt': Buffer.from('caf\u00e9\n', 'latin1'),
        'staged.txt': 'staged\n',
      });
      mine.git('add', 'staged.txt');
      mine.git('rm', '-q', 'gone.txt');
      const before = mine.git('status', '--porcelain');
      await sendChanges(mine, /All changes and new files/);
      // The person's own index is as it was.
      assert.equal(mine.git('status', '--porcelain'), before);
      const patch = await offered();
      assert.deepEqual([patch.kind, patch.name], ['patch', 'everything.patch']);
      await patch.accept().done;

      const item = { kind: 'patch', text: patch.content ?? '', name: 'x.patch' } as const;
      const send = await scene.otherSide(relay).send([item]);
      await apply(send.code, theirs);
      await scene.person.hears(/The changes are in everything now/);
      const differences = await compareTrees(mine.root, theirs.root);
      // Times and git's own folder are not part of a patch.
      assert.deepEqual(
        differences.filter((line) => !/\.git\/|time/.test(line)),
        [],
      );
    });

    it('staged ones, or those that are not, alone', async () => {
      const [mine] = await pair('parts');
      await mine.write({ 'a.txt': 'staged\n' });
      mine.git('add', 'a.txt');
      await mine.write({ 'a.txt': 'later\n', 'unknown.txt': 'x\n' });
      await sendChanges(mine, /Staged changes$/);
      const staged = (await takeText()).text ?? '';
      assert.match(staged, /^\+staged$/m);
      assert.doesNotMatch(staged, /later|unknown/);
      await sendChanges(mine, /Changes that are not staged/);
      const unstaged = (await takeText()).text ?? '';
      assert.match(unstaged, /^-staged$/m);
      assert.match(unstaged, /^\+later$/m);
      assert.doesNotMatch(unstaged, /unknown/);
    });

    it('that are none are said to be none', async () => {
      const [mine] = await pair('clean');
      await sendChanges(mine, /All changes and new files/);
      await scene.person.hears(/There are no such changes/);
      assert.equal(await clipboard(), 'something else');
    });

    it('that do not fit change nothing until the person merges, and then conflicts are named', async () => {
      const [mine, theirs] = await pair('conflict');
      await mine.write({ 'a.txt': 'one\nMINE\nthree\n' });
      await theirs.write({ 'a.txt': 'one\nTHEIRS\nthree\n' });
      theirs.git('commit', '-q', '-a', '-m', 'Theirs');
      const patch = mine.git('diff', '--binary', '--full-index');
      const send = () => scene.otherSide(relay).send([{ kind: 'patch', text: patch }]);

      await apply((await send()).code, theirs);
      const refused = await scene.person.hears(/do not fit as they are: .*a\.txt/);
      assert.match(refused.text, /Merging marks what contradicts each other/);
      assert.deepEqual(refused.choices, ['Merge', 'Look at It']);
      assert.equal(theirs.git('status', '--porcelain'), '');

      scene.person.willPress('Merge');
      await apply((await send()).code, theirs);
      await scene.person.hears(/a\.txt has conflicts to settle/);
      const text = await readFile(path.join(theirs.root, 'a.txt'), 'utf8');
      assert.match(text, /<<<<<<<[^]*THEIRS[^]*=======[^]*MINE[^]*>>>>>>>/);
    });

    it('that git does not take are refused, and nothing outside the repository is touched', async () => {
      const [, theirs] = await pair('hostile');
      const text = [
        'diff --git a/../evil b/../evil',
        ...['new file mode 100644', '--- /dev/null', '+++ b/../evil', '@@ -0,0 +1 @@', '+evil', ''],
      ].join('\n');
      const send = await scene.otherSide(relay).send([{ kind: 'patch', text }]);
      scene.person.willPress('Merge');
      await apply(send.code, theirs);
      await scene.person.hears(/git does not take the changes/);
      assert.ok(!(await filesBelow(scene.folder)).includes('theirs/evil'));
    });

    it('can be looked at, each file before and after, and the repository stays as it is', async () => {
      const [mine, theirs] = await pair('looked at');
      await mine.write({ 'a.txt': 'one\n2\nthree\n', 'bin.dat': Buffer.from([9, 0]) });
      await mine.write({ 'sub/new.ts': 'const a = 1;\n' });
      mine.git('rm', '-q', 'gone.txt');
      mine.git('add', '-A');
      // What is not committed on the other side is what the patch is looked at against.
      await theirs.write({ 'a.txt': 'one\ntwo\nthree\nfour\n' });
      const before = theirs.git('status', '--porcelain');
      const text = mine.git('diff', '--cached', '--binary', '--full-index');
      const send = await scene.otherSide(relay).send([{ kind: 'patch', text }]);
      const refused = assert.rejects(send.done, /declined/);
      shownChanges.length = 0;
      const walk = run('croc.receive');
      await giveCode(scene.person, send.code);
      await takeRow(scene.person, /What should become of it/, /Look at it/);
      const box = await nextPick(scene.person);
      // Who has looked is asked with the next step chosen: to apply it where it fits.
      assert.deepEqual(
        box.activeItems.map(({ description }) => description),
        [theirs.root],
      );
      // That is the list, which comes back when the message is closed that asks the same beside the changes.
      const beside = await scene.person.hears(
        /^Receive: changes, \d+ B\. What should become of it/,
      );
      assert.deepEqual(beside.choices, ['Apply to looked at', 'Save to a file…', 'Decline']);
      const title = 'Offered changes to looked at';
      const tab = () => vscode.window.tabGroups.activeTabGroup.activeTab?.label;
      await until(() => (tab()?.startsWith(title) === true ? true : undefined), 20_000, 'The tab');
      const [shown] = shownChanges;
      assert.equal(shown?.title, title);
      const textOf = async (uri: unknown): Promise<string | undefined> =>
        uri instanceof vscode.Uri
          ? (await vscode.workspace.openTextDocument(uri)).getText()
          : undefined;
      const seen: unknown[] = [];
      for (const row of shown.rows) {
        const cells: readonly unknown[] = Array.isArray(row) ? row : [];
        const [uri, left, right] = cells;
        assert.ok(uri instanceof vscode.Uri);
        const name = path.relative(theirs.root, uri.fsPath);
        seen.push([name, await textOf(left), await textOf(right)]);
      }
      const [binary] = seen.splice(1, 1);
      assert.match(JSON.stringify(binary), /bin\.dat.*cannot be shown as a text.*cannot be shown/);
      assert.deepEqual(seen, [
        ['a.txt', 'one\ntwo\nthree\nfour\n', 'one\n2\nthree\nfour\n'],
        ['gone.txt', 'bye\n', undefined],
        ['sub/new.ts', undefined, 'const a = 1;\n'],
      ]);
      assert.equal(theirs.git('status', '--porcelain'), before);
      box.hide();
      await walk;
      await refused;
    });

    /** Offers a patch that fits, and looks at it; a message asks what should become of it. */
    async function lookAt(name: string, added: Readonly<Record<string, string>>) {
      const [mine, theirs] = await pair(name);
      await mine.write(added);
      mine.git('add', '-A');
      const text = mine.git('diff', '--cached', '--binary', '--full-index');
      const send = await scene.otherSide(relay).send([{ kind: 'patch', text }]);
      const walk = run('croc.receive');
      await giveCode(scene.person, send.code);
      await takeRow(scene.person, /What should become of it/, /Look at it/);
      const find = (): vscode.Tab | undefined =>
        vscode.window.tabGroups.all
          .flatMap(({ tabs }) => tabs)
          .find(({ label }) => label.startsWith(`Offered changes to ${name}`));
      const tab = await until(find, 20_000, 'The tab of the changes');
      await scene.person.hears(/What should become of it\?$/);
      return { theirs, send, walk, tab };
    }
    const added = { 'sub/new.ts': 'const a = 1;\n' };

    it('are applied from the message beside them', async () => {
      scene.person.willPress('Apply to beside');
      const { theirs, send, walk } = await lookAt('beside', added);
      await Promise.all([walk, send.done]);
      await scene.person.hears(/The changes are in beside now/);
      assert.equal(theirs.git('status', '--porcelain', '-uall'), '?? sub/new.ts\n');
    });

    it('are asked about in the list when they are closed, and the message still counts', async () => {
      const later = deferred<undefined>();
      scene.person.willPress('Apply to closed', later.promise);
      const { theirs, send, walk, tab } = await lookAt('closed', added);
      // Another file that is opened does not take its place.
      assert.equal(tab.isPreview, false);
      await vscode.window.tabGroups.close(tab);
      const list = await nextPick(scene.person);
      assert.equal(list.activeItems[0]?.description, theirs.root);
      later.resolve(undefined);
      await Promise.all([walk, send.done]);
      await scene.person.hears(/The changes are in closed now/);
    });

    it('are left alone by a message whose offer is over', async () => {
      const later = deferred<undefined>();
      scene.person.willPress('Apply to over', later.promise);
      const { theirs, send, walk } = await lookAt('over', added);
      const cancelled = assert.rejects(send.done);
      await send.cancel();
      await Promise.all([walk, cancelled]);
      later.resolve(undefined);
      await scene.person.hears(/This offer is over already/);
      assert.equal(theirs.git('status', '--porcelain'), '');
    });

    it('asks of which repository when there are several', async () => {
      const [mine] = await pair('several');
      await mine.write({ 'a.txt': 'changed\n' });
      const walk = run('croc.sendChanges');
      const choose = async (): Promise<void> => {
        const box = await nextPick(scene.person);
        assert.match(box.placeholder ?? '', /Changes of which repository/);
        const found = box.items.find(({ description }) => description === mine.root);
        assert.ok(found, mine.root);
        box.activeItems = [found];
        await scene.person.accept(box);
      };
      await choose();
      const which = await nextPick(scene.person);
      assert.match(which.placeholder ?? '', /Which changes/);
      assert.deepEqual(which.buttons, [vscode.QuickInputButtons.Back]);
      which.hide();
      await walk;
      assert.equal(await clipboard(), 'something else');

      const again = run('croc.sendChanges');
      await choose();
      await takeRow(scene.person, /Which changes/, /All changes$/);
      await again;
      const { kind, text = '' } = await takeText();
      assert.equal(kind, 'patch');
      assert.match(text, /\+changed/);
    });

    it('that fit nowhere can be looked at as they are', async () => {
      const text = 'diff --git a/a b/a\n';
      const send = await scene.otherSide(relay).send([{ kind: 'patch', text }]);
      const refused = assert.rejects(send.done, /declined/);
      const walk = run('croc.receive');
      await giveCode(scene.person, send.code);
      await takeRow(scene.person, /What should become of it/, /Look at it/);
      const box = await nextPick(scene.person);
      assert.match(box.activeItems[0]?.label ?? '', /Save to a file/);
      const shown = () => vscode.window.activeTextEditor?.document;
      await until(() => (shown()?.getText() === text ? true : undefined), 20_000, 'The patch');
      assert.equal(shown()?.languageId, 'diff');
      box.hide();
      await walk;
      await refused;
      await run('workbench.action.revertAndCloseActiveEditor');
    });
  });
});
