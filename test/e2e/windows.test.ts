/** Two windows of one person, side by side: neither takes the other's ports, and they share the history. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder, testCroc } from '../support/croc.js';
import type { Workbench } from '../support/vscode/workbench.js';
import { panelHeading, relayInPanel, sendFromExplorer } from './croc.js';
import { OneEditor } from './one.js';

describe('two windows of one person', () => {
  let editor: OneEditor;
  let windows: [Workbench, Workbench];
  beforeAll(async () => {
    editor = await OneEditor.start();
    const open = async (name: string): Promise<Workbench> => {
      const file = (folder: string) => writeFile(path.join(folder, `${name}.txt`), name);
      return editor.window(await editor.folder(name, file));
    };
    windows = [await open('first'), await open('second')];
  });
  afterAll(() => editor.close());

  it('send at once, each through a relay of its own, and both see both', async () => {
    const [first, second] = windows;
    const names = ['first.txt', 'second.txt'] as const;
    const codes = [
      await sendFromExplorer(first, names[0]),
      await sendFromExplorer(second, names[1]),
    ] as const;
    const relays = [
      await relayInPanel(first, codes[0]),
      await relayInPanel(second, codes[1]),
    ] as const;
    expect(relays[0]).not.toBe(relays[1]);

    for (const workbench of windows) await workbench.runCommand('Focus on Transfers View');
    const row = (workbench: Workbench, name: RegExp) =>
      workbench.page.getByRole('treeitem', { name });
    await row(second, /first\.txt, Sending…, runs in another window/).waitFor();
    await row(first, /second\.txt, Sending…, runs in another window/).waitFor();

    for (const at of [0, 1] as const) {
      const to = await temporaryFolder();
      const offer = await testCroc(`http://${relays[at]}`).receive(codes[at]);
      await offer.accept({ to }).done;
      expect(await readFile(path.join(to, names[at]), 'utf8')).toBe(names[at].replace('.txt', ''));
      await panelHeading(windows[at], `Sent ${names[at]}`).waitFor();
    }
    for (const workbench of windows)
      for (const name of names) await row(workbench, new RegExp(`${name}, Sent`)).waitFor();

    // What one takes off the list is gone in the other.
    await row(first, /second\.txt, Sent/).click({ button: 'right' });
    await first.clickMenuItem('Remove from History');
    await row(second, /second\.txt, /).waitFor({ state: 'detached' });
    await row(second, /first\.txt, Sent/).waitFor();
  });
});
