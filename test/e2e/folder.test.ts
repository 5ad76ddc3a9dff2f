/** A folder goes from one VS Code to another through the workspace relay, as two people do it. */
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { compareTrees, makeTree } from '../support/tree.js';
import { EVERY_LOOK } from '../support/vscode/screens.js';
import {
  acceptInto,
  panelHeading,
  receiveUpToOffer,
  relayInPanel,
  sendFromExplorer,
} from './croc.js';
import { Editors } from './editors.js';

const LARGE_BYTES = 5 * 1024 * 1024;

describe('two editors', () => {
  let editors: Editors;

  beforeAll(async () => {
    editors = await Editors.open({
      a: {
        prepare: (folder) => makeTree(path.join(folder, 'sample'), { largeBytes: LARGE_BYTES }),
      },
      b: { prepare: (folder) => mkdir(path.join(folder, 'inbox')) },
    });
  });
  afterAll(() => editors.close());

  it('send a folder from the Explorer and receive it by its code', async () => {
    onTestFailed(async () => console.log(await editors.explain('folder-failed')));
    const { a, b } = editors;
    const inbox = path.join(b.folder, 'inbox');

    const code = await sendFromExplorer(a.workbench, 'sample');
    expect(await a.workbench.readClipboard()).toBe(code);
    const relay = await relayInPanel(a.workbench, code);
    await editors.takeScreens('folder-1-code', EVERY_LOOK);

    await receiveUpToOffer(b.workbench, { code, relay });
    expect(await readdir(inbox)).toEqual([]);
    await editors.takeScreens('folder-2-offer', EVERY_LOOK);

    await acceptInto(b.workbench, inbox);
    await Promise.all([
      panelHeading(a.workbench, 'Sent sample').waitFor(),
      b.workbench.notification('Received sample').waitFor(),
    ]);
    await editors.takeScreens('folder-3-done', EVERY_LOOK);
    const sample = path.join(a.folder, 'sample');
    expect(await compareTrees(sample, path.join(inbox, 'sample'))).toEqual([]);
  });
});
