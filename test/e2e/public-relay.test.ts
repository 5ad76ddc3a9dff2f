/** The first transfer over croc's own network: the person is asked before anything leaves the machine. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVERY_LOOK, takeScreens } from '../support/vscode/screens.js';
import { statusItem, words } from './croc.js';
import { OneEditor } from './one.js';

describe('croc’s own network without a relay', () => {
  let editor: OneEditor;
  beforeAll(async () => {
    editor = await OneEditor.start({ settings: { 'croc.network': 'croc' } });
  });
  afterAll(() => editor.close());

  it('is used only by somebody who agrees', async () => {
    const folder = await editor.folder('it', (at) => writeFile(path.join(at, 'one.txt'), 'one\n'));
    const workbench = await editor.window(folder);
    await workbench.chooseFromContextMenu('one.txt', words.send);
    await workbench.quickInput.asks(/No relay is set: go over the internet/);
    await takeScreens(workbench, 'public-relay', EVERY_LOOK);
    await workbench.quickInput.cancel();
    // Neither an error nor a transfer is left of it.
    expect(await workbench.page.locator('.notification-toast').count()).toBe(0);
    expect(await statusItem(workbench).isVisible()).toBe(false);
  });
});
