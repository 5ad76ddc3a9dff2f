/** The workspace relay as a task; the other editor has its address in the settings. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { compareTrees, makeTree } from '../support/tree.js';
import { deadlineMs } from '../support/vscode/project.js';
import { EVERY_LOOK } from '../support/vscode/screens.js';
import { until } from '../support/vscode/wait.js';
import {
  acceptInto,
  panelHeading,
  receiveUpToOffer,
  relayInPanel,
  sendFromExplorer,
} from './croc.js';
import { Editors, type Side } from './editors.js';

// Free ports on loopback: what a repository would write with ports of its own.
const TASKS = {
  version: '2.0.0',
  tasks: [
    {
      type: 'croc',
      task: 'relay',
      host: '127.0.0.1',
      port: 0,
      tcpPorts: [0, 0],
      label: 'meet here',
    },
  ],
};

/**
 * Writes the relay's address into settings.json and opens the window anew: this editor is without the
 * native module that would tell it of the file. (In an open window: test/vscode/suite/settings.test.ts.)
 */
async function setRelay({ workbench }: Side, address: string): Promise<void> {
  const file = path.join(workbench.server.dataDir, 'user', 'User', 'settings.json');
  const settings: unknown = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify({ ...Object(settings), 'croc.relay': address }));
  await workbench.page.reload();
}

/** Whether a relay answers there. */
const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    () => true,
    () => false,
  );

describe('two editors and a relay task', () => {
  let editors: Editors;
  let relay: string;

  beforeAll(async () => {
    editors = await Editors.open({
      a: {
        prepare: async (folder) => {
          await makeTree(path.join(folder, 'sample'), { files: 20 });
          await mkdir(path.join(folder, '.vscode'));
          await writeFile(path.join(folder, '.vscode', 'tasks.json'), JSON.stringify(TASKS));
          await mkdir(path.join(folder, 'inbox'));
        },
      },
      b: {
        prepare: async (folder) => {
          await mkdir(path.join(folder, 'inbox'));
          await mkdir(path.join(folder, 'photos'));
          for (const name of ['beach.jpg', 'forest.jpg', 'secret.jpg'])
            await writeFile(path.join(folder, 'photos', name), name);
        },
      },
    });
  });
  afterAll(() => editors.close());

  it('runs the task of tasks.json and tells its address in the terminal', async () => {
    onTestFailed(async () => console.log(await editors.explain('task-failed-1')));
    const { workbench } = editors.a;
    // Right after a start the command is there, but does nothing yet.
    const asked = async () => {
      await workbench.runCommand('Tasks: Run Task');
      const question = workbench.quickInput.asks(/Select the task to run/, 3_000);
      return question.then(
        () => true,
        () => undefined,
      );
    };
    await until(asked, deadlineMs.workbench, 'The list of tasks');
    await workbench.quickInput.pick('meet here');
    const rows = workbench.page.locator('.xterm-rows');
    const listening = async () => {
      const text = (await rows.innerText()).replaceAll('\u00a0', ' ');
      return /croc relay: listening at (http:\/\/127\.0\.0\.1:\d+)/.exec(text)?.[1];
    };
    relay = await until(listening, deadlineMs.step, 'The relay in the terminal');
    expect(await answers(relay)).toBe(true);
    await editors.takeScreens('task-1-relay', EVERY_LOOK);
  });

  it('sends through it, and the other side is not asked for a relay', async () => {
    onTestFailed(async () => console.log(await editors.explain('task-failed-2')));
    const { a, b } = editors;
    await setRelay(b, new URL(relay).host);
    const code = await sendFromExplorer(a.workbench, 'sample');
    expect(await relayInPanel(a.workbench, code)).toBe(new URL(relay).host);
    await editors.takeScreens('task-2-code');
    await receiveUpToOffer(b.workbench, { code });
    const inbox = path.join(b.folder, 'inbox');
    await acceptInto(b.workbench, inbox);
    await Promise.all([
      panelHeading(a.workbench, 'Sent sample').waitFor(),
      b.workbench.notification('Received sample').waitFor(),
    ]);
    await editors.takeScreens('task-3-sent');
    expect(await compareTrees(path.join(a.folder, 'sample'), path.join(inbox, 'sample'))).toEqual(
      [],
    );
  });

  it('sends the other way, and one file of the offer is left out', async () => {
    onTestFailed(async () => console.log(await editors.explain('task-failed-3')));
    const { a, b } = editors;
    const code = await sendFromExplorer(b.workbench, 'photos');
    expect(await relayInPanel(b.workbench, code)).toBe(new URL(relay).host);
    // This window runs the relay, so its address is already in the box.
    await receiveUpToOffer(a.workbench, { code, relay: new URL(relay).host });
    await a.workbench.quickInput.tick('secret.jpg', false);
    await editors.takeScreens('task-4-offer', EVERY_LOOK);
    const inbox = path.join(a.folder, 'inbox');
    await acceptInto(a.workbench, inbox);
    await Promise.all([
      panelHeading(b.workbench, 'Sent photos').waitFor(),
      a.workbench.notification('Received photos').waitFor(),
    ]);
    expect((await readdir(path.join(inbox, 'photos'))).sort()).toEqual(['beach.jpg', 'forest.jpg']);
    const said = await b.workbench.webview().locator('.status').innerText();
    expect(said).toBe('Sent. What the other side took is on its disk: 2 files, 19 B.');
    await editors.takeScreens('task-5-done', EVERY_LOOK);
  });

  it('stops with its terminal', async () => {
    onTestFailed(async () => console.log(await editors.explain('task-failed-4')));
    const { workbench } = editors.a;
    await workbench.runCommand('Tasks: Terminate Task');
    await workbench.quickInput.pick('meet here');
    const gone = async () => ((await answers(relay)) ? undefined : true);
    await until(gone, deadlineMs.step, 'The end of the relay');
  });
});
