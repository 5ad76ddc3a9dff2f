/** The view *Transfers* and the history behind it. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { looksLikeCode } from '../../../src/core/index.js';
import { until } from '../../support/vscode/wait.js';
import { crocApi, historyFolder } from '../support/extension.js';
import { filesBelow, Scene } from '../support/scene.js';
import { pastRows, statusShows, transfersView, viewRows, type ShownRow } from '../support/shown.js';
import { giveCode, takeAll } from '../support/walk.js';

const STEP_MS = 20_000;
const run = (command: string, ...given: unknown[]) =>
  vscode.commands.executeCommand(command, ...given);
const clipboard = () => vscode.env.clipboard.readText();

/** An entry as another window writes it. */
function foreign(change: object): { id: string } {
  const id = randomUUID();
  return {
    version: 1,
    id,
    direction: 'send',
    items: [{ name: 'other.txt', kind: 'file', bytes: 5 }],
    moreItems: 0,
    totals: { files: 1, folders: 0, bytes: 5 },
    paths: [],
    roots: [],
    startedAtMs: Date.now(),
    state: 'done',
    runner: { host: hostname(), pid: 1, seenAtMs: Date.now() },
    ...change,
  } as { id: string };
}

async function write(entry: { id: string }): Promise<void> {
  const folder = await historyFolder();
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, `${entry.id}.json`), JSON.stringify(entry));
}

/** What the entries say on the disk. What is just being written, and renamed when it is whole, is none yet. */
async function saved(): Promise<string[]> {
  const folder = await historyFolder();
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  return Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')));
}

const past = (label: string, what: (row: ShownRow) => boolean = () => true) =>
  until(
    async () => (await pastRows()).find((row) => row.label === label && what(row)),
    STEP_MS,
    `A row "${label}"`,
  );

describe('the view Transfers', () => {
  let scene: Scene;
  let relay: string;
  beforeEach(async () => {
    scene = await Scene.open();
    relay = (await scene.relayInSettings()).url;
    await crocApi();
    await run('croc.transfers.focus');
    await clear();
  });
  afterEach(() => scene.close());

  async function clear(): Promise<void> {
    if ((await pastRows()).length === 0) return;
    scene.person.willPress('Clear History');
    await run('croc.clearHistory');
    assert.deepEqual(await pastRows(), []);
  }

  /** Sends a file to the other side, to its end. */
  async function sent(name: string): Promise<string> {
    const send = await (await crocApi()).send([await scene.file(name)]);
    const offer = await scene.otherSide(relay).receive(send.code);
    await offer.accept({ to: await scene.subfolder(`to ${name}`) }).done;
    await send.done;
    return send.code;
  }

  it('shows a send while it waits, and cancels it from its row', async () => {
    await run('croc.send', vscode.Uri.file(await scene.file('one.txt')));
    const row = (await viewRows()).find(({ label }) => label === 'one.txt');
    assert.ok(row);
    assert.equal(row.description, 'waiting for the other side');
    assert.match(row.spoken, /one\.txt, Sending…, waiting/);
    assert.equal(row.context, 'running cancel code');
    const code = await clipboard();
    await vscode.env.clipboard.writeText('');
    await run('croc.copyCode', row.row);
    assert.equal(await clipboard(), code);
    await run('croc.cancel', row.row);
    const cancelled = await past('one.txt');
    assert.match(cancelled.description, / · cancelled$/);
  });

  it('groups what is over by day, newest first', async () => {
    await sent('one.txt');
    const day = 86_400_000;
    const noon = new Date().setHours(12, 0, 0, 0);
    await write(foreign({ startedAtMs: noon - day, endedAtMs: noon - day }));
    await write(foreign({ startedAtMs: noon - 40 * day, endedAtMs: noon - 40 * day }));
    const days = await until(
      async () => {
        const labels = (await viewRows()).map(({ label }) => label);
        return labels.length >= 3 ? labels : undefined;
      },
      STEP_MS,
      'Three days',
    );
    assert.deepEqual(days.slice(0, 2), ['Today', 'Yesterday']);
    assert.match(days[2] ?? '', /\d/);
  });

  it('keeps no code, no key and no address on the disk', async () => {
    const code = await sent('one.txt');
    await past('one.txt');
    const texts = await saved();
    assert.ok(texts.some((text) => text.includes('one.txt')));
    for (const text of texts) {
      for (const word of code.split('-').slice(1)) assert.ok(!text.includes(`-${word}`), text);
      assert.ok(!text.includes(new URL(relay).host), text);
    }
  });

  it('sees what another window does, and that its window died', async () => {
    const alive = foreign({
      items: [{ name: 'elsewhere.txt', kind: 'file' }],
      state: 'running',
      paths: ['/nowhere/elsewhere.txt'],
      runner: { host: hostname(), pid: process.ppid, seenAtMs: Date.now() },
    });
    await write(alive);
    const row = await until(
      async () => (await viewRows()).find(({ label }) => label === 'elsewhere.txt'),
      STEP_MS,
      'The row of the other window',
    );
    assert.equal(row.description, 'runs in another window');
    // No process has this number: the most that Linux gives out is 4,194,304.
    const runner = { host: hostname(), pid: 4_200_000, seenAtMs: Date.now() };
    await write({ ...alive, ...{ runner, progress: { bytes: 61, total: 100 } } });
    const interrupted = await past('elsewhere.txt');
    assert.match(interrupted.description, /interrupted at 61 %$/);
    assert.match(interrupted.context, /\bresume\b/);
  });

  it('takes a hostile file in the folder for nothing', async () => {
    const folder = await historyFolder();
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, `${randomUUID()}.json`), '{"version":1');
    await writeFile(path.join(folder, `${randomUUID()}.json`), JSON.stringify(foreign({})));
    await writeFile(path.join(folder, 'not-ours.json'), '{}');
    await sent('after.txt');
    await past('after.txt');
    const labels = (await pastRows()).map(({ label }) => label);
    assert.deepEqual(labels, ['after.txt']);
  });

  it('sends again, with a new code', async () => {
    const first = await sent('one.txt');
    const row = await past('one.txt');
    await run('croc.sendAgain', row.row);
    const code = await clipboard();
    assert.ok(looksLikeCode(code) && code !== first);
    const to = await scene.subfolder('again');
    await (await scene.otherSide(relay).receive(code)).accept({ to }).done;
    assert.deepEqual(await filesBelow(to), ['one.txt']);
    await statusShows(/\$\(check\) one\.txt/);
  });

  it('resumes a send that was interrupted: the same files, a new code, one row', async () => {
    const file = await scene.file('half.txt');
    const dead = { host: hostname(), pid: 4_200_000, seenAtMs: Date.now() };
    const items = [{ name: 'half.txt', kind: 'file' }];
    const entry = foreign({ items, state: 'running', paths: [file], runner: dead });
    await write(entry);
    await run('croc.resume', (await past('half.txt')).row);
    const code = await clipboard();
    assert.ok(looksLikeCode(code), code);
    assert.deepEqual(await pastRows(), []);
    assert.deepEqual(
      (await viewRows()).map(({ label }) => label),
      ['half.txt'],
    );
    await run('croc.cancel');
    await past('half.txt');
  });

  it('resumes a receive: asks for the new code and writes into the same folder', async () => {
    const to = await scene.subfolder('inbox');
    const dead = { host: hostname(), pid: 4_200_000, seenAtMs: Date.now() };
    const items = [{ name: 'half.txt', kind: 'file' }];
    const change = { direction: 'receive', items, state: 'running', paths: [to], runner: dead };
    await write(foreign(change));
    const send = await scene.otherSide(relay).send([await scene.file('half.txt')]);
    const walk = run('croc.resume', (await past('half.txt')).row);
    await giveCode(scene.person, send.code);
    await takeAll(scene.person);
    await walk;
    await send.done;
    assert.deepEqual(await filesBelow(to), ['half.txt']);
    const rows = await until(
      async () => ((await pastRows()).length === 1 ? pastRows() : undefined),
      STEP_MS,
      'One row',
    );
    assert.match(rows[0]?.spoken ?? '', /half\.txt, Received/);
  });

  it('reveals the files of the workspace, and says when they are gone', async () => {
    const gone = foreign({ paths: ['/nowhere/other.txt'] });
    await write(gone);
    await run('croc.reveal', (await past('other.txt')).row);
    await scene.person.hears(/other\.txt is not there any more/);
  });

  it('removes one row, and the others stay', async () => {
    await sent('one.txt');
    await sent('two.txt');
    await run('croc.removeTransfer', (await past('one.txt')).row);
    assert.deepEqual(
      (await pastRows()).map(({ label }) => label),
      ['two.txt'],
    );
    const texts = await saved();
    assert.ok(texts.some((text) => text.includes('two.txt')));
    assert.ok(!texts.some((text) => text.includes('"one.txt"')));
  });

  it('clears only after a question', async () => {
    await sent('one.txt');
    await past('one.txt');
    scene.person.willPress('Clear History');
    await run('croc.clearHistory');
    const question = await scene.person.hears(/Take 1 transfer off the list/);
    assert.deepEqual(question.choices, ['Clear History']);
    assert.deepEqual(await viewRows(), []);
  });

  it('sends what is dropped on it', async () => {
    const files = [await scene.file('one.txt'), await scene.file('two.txt')];
    const list = files.map((file) => vscode.Uri.file(file).toString()).join('\r\n');
    const data = new vscode.DataTransfer();
    data.set('text/uri-list', new vscode.DataTransferItem(list));
    const { token } = new vscode.CancellationTokenSource();
    await transfersView().dropped.handleDrop?.(undefined, data, token);
    const to = await scene.subfolder('received');
    const offer = await scene.otherSide(relay).receive(await clipboard());
    await offer.accept({ to }).done;
    assert.deepEqual(await filesBelow(to), ['one.txt', 'two.txt']);
  });

  it('opens a panel of a transfer that only the history knows', async () => {
    await write(foreign({ items: [{ name: 'long ago.txt', kind: 'file', bytes: 5 }] }));
    const row = await past('long ago.txt');
    await run('croc.showTransfer', row.row);
    await until(
      () =>
        vscode.window.tabGroups.all
          .flatMap(({ tabs }) => tabs)
          .find(({ label }) => label === 'Sent long ago.txt'),
      STEP_MS,
      'The panel',
    );
  });
});
