/** A window that is reloaded in the middle of a transfer loses nothing. */
import { mkdir, open, readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { deadlineMs } from '../support/vscode/project.js';
import { EVERY_LOOK } from '../support/vscode/screens.js';
import { until } from '../support/vscode/wait.js';
import {
  acceptInto,
  closeEditors,
  codeInStatusBar,
  panelButton,
  panelHeading,
  receiveUpToOffer,
  relayInPanel,
  sendFromExplorer,
  words,
} from './croc.js';
import { Editors, type Side } from './editors.js';

/** Enough that it is not over before the reload; a hole on the disk, so it costs nothing. */
const FILM_BYTES = 8 * 2 ** 30;

/** Whether the history of a side has some progress on the disk: true, or undefined. */
async function writtenProgress({ workbench }: Side): Promise<true | undefined> {
  const storage = ['user', 'User', 'globalStorage', 'croc-share.croc-share', 'history'];
  const folder = path.join(workbench.server.dataDir, ...storage);
  const names = await readdir(folder).catch(() => []);
  const texts = await Promise.all(
    names
      .filter((name) => name.endsWith('.json'))
      .map((name) => readFile(path.join(folder, name), 'utf8')),
  );
  return texts.some((text) => /"progress":\{"bytes":[1-9]/.test(text)) ? true : undefined;
}

/**
 * Whether VS Code in the browser has written down that `page` shows one of our panels: true, or undefined. It does
 * so every five seconds, not when the page goes; a panel it has not written down is not there after a reload.
 */
async function writtenPanel({ workbench }: Side): Promise<true | undefined> {
  const written = await workbench.page.evaluate(async () => {
    const opened = async <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(new Error(String(request.error)));
      });
    for (const { name = '' } of await indexedDB.databases()) {
      if (!name.startsWith('vscode-web-state-db-')) continue;
      const database = await opened(indexedDB.open(name));
      try {
        const items = database.transaction('ItemTable').objectStore('ItemTable');
        if (
          JSON.stringify(await opened(items.getAll())).includes('mainThreadWebview-croc.transfer')
        )
          return true;
      } finally {
        database.close();
      }
    }
    return false;
  });
  return written || undefined;
}

describe('two editors, one of them reloaded', () => {
  let editors: Editors;

  beforeAll(async () => {
    editors = await Editors.open({
      a: {
        prepare: async (folder) => {
          const handle = await open(path.join(folder, 'film.mov'), 'w');
          await handle.truncate(FILM_BYTES);
          await handle.close();
        },
      },
      b: { prepare: (folder) => mkdir(path.join(folder, 'inbox')) },
    });
  });
  afterAll(() => editors.close());

  it('show it as interrupted, and go on where it stopped', async () => {
    onTestFailed(async () => console.log(await editors.explain('reload-failed')));
    const { a, b } = editors;
    const code = await sendFromExplorer(a.workbench, 'film.mov');
    const relay = await relayInPanel(a.workbench, code);
    await receiveUpToOffer(b.workbench, { code, relay });
    await acceptInto(b.workbench, path.join(b.folder, 'inbox'));
    await until(() => writtenProgress(b), deadlineMs.step, 'Progress in the history');
    await until(() => writtenPanel(b), deadlineMs.step, 'The panel in what VS Code restores');
    await b.workbench.page.reload();
    await panelHeading(b.workbench, 'Interrupted: film.mov').waitFor({
      timeout: deadlineMs.workbench,
    });
    await b.workbench.runCommand('Focus on Transfers View');
    const row = b.workbench.page.getByRole('treeitem', { name: /film\.mov, Not received/ });
    await row.waitFor();
    expect(await row.getAttribute('aria-label')).toMatch(/interrupted at \d+ %/);
    // A row opens what it stands for; the panel was there already, so it is closed first.
    await closeEditors(b.workbench);
    await row.click();
    await panelHeading(b.workbench, 'Interrupted: film.mov').waitFor();
    await editors.takeScreens('reload-1-interrupted', EVERY_LOOK);

    // The sender's panel says that the other side left, and its one button makes a new code.
    await panelButton(a.workbench, 'send-again').click();
    const next = await codeInStatusBar(a.workbench, code);
    await panelButton(b.workbench, 'resume').click();
    const { quickInput } = b.workbench;
    await quickInput.asks(words.asksCode);
    await quickInput.submit(next);
    await quickInput.asks(words.asksRelay);
    await quickInput.accept();
    await quickInput.asks(words.asksWhat);
    await quickInput.accept();
    await b.workbench
      .webview()
      .getByText(/was there already and is not sent again/)
      .waitFor();
    await editors.takeScreens('reload-2-resumed', EVERY_LOOK);
    await panelButton(b.workbench, 'cancel').click();
    await panelHeading(b.workbench, 'Cancelled: film.mov').waitFor();
  });
});
