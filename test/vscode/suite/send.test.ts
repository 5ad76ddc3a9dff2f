/** Send with croc, and the commands about a transfer that runs. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { looksLikeCode } from '../../../src/core/index.js';
import { until } from '../../support/vscode/wait.js';
import { nextEvent } from '../support/events.js';
import { crocApi } from '../support/extension.js';
import { codeOf, filesBelow, Scene } from '../support/scene.js';
import { statusItem, statusShows } from '../support/shown.js';

const run = (command: string, ...given: unknown[]) =>
  vscode.commands.executeCommand(command, ...given);

const clipboard = () => vscode.env.clipboard.readText();

/** The labels of the panels that are open. */
const panels = () =>
  vscode.window.tabGroups.all
    .flatMap(({ tabs }) => tabs)
    .filter(({ input }) => input instanceof vscode.TabInputWebview)
    .map(({ label }) => label);

describe('sending', () => {
  let scene: Scene;
  let relay: string;
  beforeEach(async () => {
    scene = await Scene.open();
    relay = (await scene.relayInSettings()).url;
  });
  afterEach(() => scene.close());

  /** Ends the send that waits, and waits until the status bar knows. */
  async function cancelSend(): Promise<void> {
    const changed = until(
      () => (looksLikeCode(statusItem().text?.split(' ')[1] ?? '') ? undefined : true),
      20_000,
      'No code in the status bar',
    );
    await run('croc.cancel');
    await changed;
  }

  /** Takes what a code offers into a new folder; gives what is in it then. */
  async function take(code: string): Promise<string[]> {
    const to = await scene.subfolder('received');
    const offer = await scene.otherSide(relay).receive(code);
    await offer.accept({ to }).done;
    return filesBelow(to);
  }

  it('sends what the Explorer hands over as its first argument', async () => {
    await run('croc.send', vscode.Uri.file(await scene.file('one.txt')));
    const code = await clipboard();
    assert.ok(looksLikeCode(code), code);
    assert.deepEqual(await take(code), ['one.txt']);
    await statusShows(/\$\(check\) one\.txt/);
  });

  it('sends everything that is selected in the Explorer', async () => {
    const files = [await scene.file('one.txt'), await scene.file('docs/two.txt')];
    const uris = [files[0] ?? '', path.join(scene.folder, 'docs')].map((file) =>
      vscode.Uri.file(file),
    );
    await run('croc.send', uris[0], uris);
    assert.deepEqual(await take(await clipboard()), ['docs', 'docs/two.txt', 'one.txt']);
  });

  it('believes nothing but uris: the menu of a tab hands over something else', async () => {
    const uri = vscode.Uri.file(await scene.file('one.txt'));
    await run('croc.send', uri, { groupId: 0, editorIndex: 0 });
    assert.deepEqual(await take(await clipboard()), ['one.txt']);
  });

  it('sends the active file when nothing is handed over', async () => {
    await vscode.window.showTextDocument(vscode.Uri.file(await scene.file('active.txt')));
    await run('croc.send');
    assert.deepEqual(await take(await clipboard()), ['active.txt']);
  });

  it('asks what to send when nothing is open, and does nothing when the person leaves', async () => {
    await run('workbench.action.closeAllEditors');
    scene.person.willChoose(undefined);
    await run('croc.send');
    assert.deepEqual(
      scene.person.heard.map(({ ask }) => ask),
      ['showOpenDialog'],
    );
    assert.equal(await clipboard(), 'something else');

    const file = await scene.file('picked.txt');
    scene.person.willChoose([vscode.Uri.file(file)]);
    await run('croc.send');
    assert.deepEqual(await take(await clipboard()), ['picked.txt']);
  });

  it('sends with a code of one’s own, once both have agreed on one', async () => {
    const uri = vscode.Uri.file(await scene.file('one.txt'));
    scene.person.willType('42-Our OWN-words');
    await run('croc.sendWithCode', uri);
    assert.equal(await clipboard(), '42-our-own-words');
    assert.deepEqual(await take('42 our own words'), ['one.txt']);
  });

  it('takes nothing for a code of one’s own that is none, and sends nothing when the person leaves', async () => {
    const uri = vscode.Uri.file(await scene.file('one.txt'));
    const refused: readonly (readonly [string, RegExp])[] = [
      ['our-own-words', /Begin with a number and a dash/],
      ['42', /not a code.*no dash/],
      ['42-abc', /not a code.*shorter than 4/],
    ];
    for (const [typed, problem] of refused) {
      scene.person.willType(typed);
      await run('croc.sendWithCode', uri);
      await scene.person.hears(problem);
    }
    scene.person.willType(undefined);
    await run('croc.sendWithCode', uri);
    assert.equal(await clipboard(), 'something else');
  });

  it('says what to do when a code of one’s own is in use', async () => {
    const uri = vscode.Uri.file(await scene.file('one.txt'));
    scene.person.willType('42-our-own-words');
    await run('croc.sendWithCode', uri);
    scene.person.willType('42-other-words').willPress('Send Again').willType('43-other-words');
    await run('croc.sendWithCode', uri);
    const { text } = await scene.person.hears(/Somebody already uses this code/);
    assert.doesNotMatch(text, /other-words/);
    await until(
      async () => ((await clipboard()) === '43-other-words' ? true : undefined),
      20_000,
      'The other code',
    );
    assert.deepEqual(await take('43-other-words'), ['one.txt']);
    assert.deepEqual(await take('42-our-own-words'), ['one.txt']);
  });

  it('says what to do about a document that is on no disk', async () => {
    await run('croc.send', vscode.Uri.parse('untitled:Untitled-1'));
    await scene.person.hears(/Only files on a disk.*Save it/);
    assert.equal(await clipboard(), 'something else');
  });

  it('says which file is not there', async () => {
    await run('croc.send', vscode.Uri.file(path.join(scene.folder, 'gone.txt')));
    const message = await scene.person.hears(/does not exist.*gone\.txt/);
    assert.deepEqual(message.choices, ['Send Again']);
    assert.equal(await clipboard(), 'something else');
  });

  it('sends a file that is not saved as it stands in the editor, and leaves the disk alone', async () => {
    const file = await scene.file('draft.txt', 'old');
    const editor = await vscode.window.showTextDocument(vscode.Uri.file(file));
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), 'new and '));
    await run('croc.send', vscode.Uri.file(file));
    assert.deepEqual(await take(await clipboard()), ['draft.txt']);
    const received = path.join(scene.folder, 'received', 'draft.txt');
    assert.equal(await readFile(received, 'utf8'), 'new and old');
    assert.equal(await readFile(file, 'utf8'), 'old');
    await run('workbench.action.revertAndCloseActiveEditor');
  });

  it('asks about changes in a folder that are not saved', async () => {
    const uri = vscode.Uri.file(await scene.file('docs/draft.txt', 'old'));
    const folder = vscode.Uri.file(path.join(scene.folder, 'docs'));
    const editor = await vscode.window.showTextDocument(uri);
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), 'new and '));
    await run('croc.send', folder);
    const question = await scene.person.hears(/draft\.txt has changes that are not saved/);
    assert.deepEqual(question.choices, ['Save and Send', 'Send What Is on Disk']);
    assert.equal(await clipboard(), 'something else');

    scene.person.willPress('Save and Send');
    await run('croc.send', folder);
    assert.deepEqual(await take(await clipboard()), ['docs', 'docs/draft.txt']);
    const received = path.join(scene.folder, 'received', 'docs', 'draft.txt');
    assert.equal(await readFile(received, 'utf8'), 'new and old');
  });

  it('shows one panel a transfer, and again when it was closed', async () => {
    await run('croc.send', vscode.Uri.file(await scene.file('one.txt')));
    const opened = async () => {
      if (panels().length === 0)
        await nextEvent(
          vscode.window.tabGroups.onDidChangeTabs,
          'A panel',
          () => panels().length > 0,
        );
      return panels();
    };
    assert.deepEqual(await opened(), ['Sending one.txt']);
    await run('croc.showTransfer');
    assert.deepEqual(panels(), ['Sending one.txt']);
    await run('workbench.action.closeAllEditors');
    assert.deepEqual(panels(), []);
    await run('croc.showTransfer');
    assert.deepEqual(await opened(), ['Sending one.txt']);
    await cancelSend();
  });

  it('copies the code and the receive command while the code waits', async () => {
    await run('croc.send', vscode.Uri.file(await scene.file('one.txt')));
    const code = await clipboard();
    const [channel = '', ...words] = code.split('-');
    await vscode.env.clipboard.writeText('');
    await run('croc.copyCode');
    assert.equal(await clipboard(), code);

    scene.person.willPick('macOS, Linux');
    await run('croc.copyReceiveCommand');
    assert.equal(
      await clipboard(),
      `CROC_SECRET='${words.join('-')}' croc-share receive ${channel} --relay ${relay}`,
    );
    scene.person.willPick('Windows (PowerShell)');
    await run('croc.copyReceiveCommand');
    assert.match(
      await clipboard(),
      /^\$env:CROC_SECRET='[a-z-]+'; croc-share receive \d+ --relay /,
    );
    await cancelSend();
    await run('croc.copyCode');
    await scene.person.hears(/No code is waiting/);
  });

  it('cancels: the code is gone, and so is the channel', async () => {
    await run('croc.send', vscode.Uri.file(await scene.file('one.txt')));
    const code = await clipboard();
    await cancelSend();
    assert.equal(await codeOf(scene.otherSide(relay).receive(code)), 'channel_closed');
    const errors = scene.person.heard.filter(({ ask }) => ask === 'message');
    assert.deepEqual(errors, []);
  });

  it('asks which transfer is meant when there are several', async () => {
    await run('croc.send', vscode.Uri.file(await scene.file('one.txt')));
    const first = await clipboard();
    await run('croc.send', vscode.Uri.file(await scene.file('two.txt')));
    const second = await clipboard();
    assert.notEqual(first, second);
    assert.equal(statusItem().text, `$(sync~spin) ${second} +1`);
    scene.person.willPick('$(arrow-up) one.txt');
    await run('croc.copyCode');
    assert.equal(await clipboard(), first);
    scene.person.willPick('$(arrow-up) two.txt');
    await run('croc.cancel');
    assert.equal(statusItem().text, `$(sync~spin) ${first}`);
    await cancelSend();
  });
});

describe('sending without a relay in the settings', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
    await crocApi();
    scene.atEnd(() => run('croc.stopRelay'));
  });
  afterEach(() => scene.close());

  it('starts the workspace relay, tells its address, and shares it with the next send', async () => {
    await run('croc.send', vscode.Uri.file(await scene.file('one.txt')));
    const code = await clipboard();
    scene.person.willPick('macOS, Linux');
    await run('croc.copyReceiveCommand');
    const address = /--relay (http:\/\/[^ ]+)$/.exec(await clipboard())?.[1] ?? '';
    const offer = await scene.otherSide(address).receive(code);
    await offer.accept({ to: await scene.subfolder('received') }).done;
    await statusShows(/\$\(check\) one\.txt/);

    await run('croc.send', vscode.Uri.file(await scene.file('two.txt')));
    await run('croc.showRelay');
    const [told] = scene.person.heard.filter(({ text }) => /workspace relay runs at/.test(text));
    assert.ok(told?.text.includes(new URL(address).host), told?.text);
    await run('croc.cancel');
  });
});
