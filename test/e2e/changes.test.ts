/** Changes in one editor become the same tree in the other: sent as a patch, received, applied. */
import { execFileSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { compareTrees } from '../support/tree.js';
import { EVERY_LOOK } from '../support/vscode/screens.js';
import { codeInStatusBar, relayInPanel, words } from './croc.js';
import { Editors } from './editors.js';

const ME = [
  '-c',
  'user.name=Test',
  '-c',
  'user.email=test@example.com',
  '-c',
  'commit.gpgsign=false',
];
const git = (folder: string, ...args: string[]): string =>
  execFileSync('git', [...ME, ...args], { cwd: folder }).toString();

/** A repository with one commit, the same on both sides. */
async function prepare(folder: string): Promise<void> {
  git(folder, 'init', '-q', '-b', 'main');
  await mkdir(path.join(folder, 'src'));
  await writeFile(path.join(folder, 'src/main.ts'), 'export const answer = 41;\n');
  await writeFile(path.join(folder, 'logo.bin'), Buffer.from([0, 1, 2, 3, 255]));
  await writeFile(path.join(folder, 'old.txt'), 'goes away\n');
  git(folder, 'add', '-A');
  git(folder, 'commit', '-q', '-m', 'First');
}

describe('changes', () => {
  let editors: Editors;
  beforeAll(async () => {
    const side = { prepare, settings: { 'git.enabled': true } };
    editors = await Editors.open({ a: side, b: side });
  });
  afterAll(() => editors.close());

  it('go from one working tree to the other', async () => {
    onTestFailed(async () => console.log(await editors.explain('changes-failed')));
    const { a, b } = editors;
    await writeFile(path.join(a.folder, 'src/main.ts'), 'export const answer = 42;\n');
    await writeFile(path.join(a.folder, 'logo.bin'), Buffer.from([9, 0, 9, 0]));
    await writeFile(path.join(a.folder, 'new file.txt'), 'new\n');
    await rm(path.join(a.folder, 'old.txt'));

    await a.workbench.runCommand('Croc: Send Changes with croc');
    await a.workbench.quickInput.asks(/Which changes should be sent/);
    await a.workbench.quickInput.pick('All changes and new files');
    const code = await codeInStatusBar(a.workbench);
    const relay = await relayInPanel(a.workbench, code);
    await editors.takeScreens('changes-1-code', EVERY_LOOK);

    const { quickInput } = b.workbench;
    await b.workbench.runCommand(words.receive);
    await quickInput.asks(words.asksCode);
    await quickInput.submit(code);
    await quickInput.asks(words.asksRelay);
    await quickInput.submit(relay);
    await quickInput.asks(/What should become of it/);
    await editors.takeScreens('changes-2-question', EVERY_LOOK);
    await quickInput.pick(/Look at it/);
    const { page } = b.workbench;
    await page.getByRole('tab', { name: /Offered changes to b/ }).waitFor();
    await page.getByText('export const answer = 42;').first().waitFor();
    // The question stands beside the changes: from their first row on they can be read and scrolled.
    const question = b.workbench.notification(/What should become of it/);
    await question.getByRole('button', { name: 'Apply to b', exact: true }).waitFor();
    await quickInput.box.waitFor({ state: 'hidden' });
    await page.getByText('logo.bin', { exact: true }).last().click({ trial: true });
    await editors.takeScreens('changes-3-looked-at', EVERY_LOOK);
    await b.workbench.answerNotification(/What should become of it/, 'Apply to b');
    await b.workbench.notification(/The changes are in/).waitFor();
    await editors.takeScreens('changes-4-applied', EVERY_LOOK);

    const differences = await compareTrees(a.folder, b.folder);
    // Times, and git's own folder, are not part of a patch.
    expect(differences.filter((line) => !/\.git\b|time/.test(line))).toEqual([]);
  });
});
