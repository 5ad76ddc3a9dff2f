/**
 * What the first right-click of a window costs: `CROC_BENCH=1 npm run test:e2e -- first-click`. A measurement and no
 * test, so it runs only when asked for; the table goes to test/out/bench/first-click.txt. One window clicks as soon
 * as its menu has the entry, the other when git's branch in the status bar says that extensions run.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { deadlineMs, testOut } from '../support/vscode/project.js';
import { pause, until } from '../support/vscode/wait.js';
import type { Workbench } from '../support/vscode/workbench.js';
import { words } from './croc.js';
import { OneEditor } from './one.js';

/** Between two looks; what is told is late by less. */
const LOOK_MS = 2;
const CODE = /^\d+(?:-[a-z]+){2,}$/;

async function prepare(folder: string): Promise<void> {
  await writeFile(path.join(folder, 'one.txt'), 'one\n');
  execFileSync('git', ['init', '-q', '-b', 'heron'], { cwd: folder });
}

/** Opens a window, right-clicks a file, and gives the time from the click to the code, in milliseconds. */
async function firstClick(editor: OneEditor, wait: boolean): Promise<number> {
  const folder = await editor.folder(wait ? 'waits' : 'at-once', prepare);
  const workbench: Workbench = await editor.window(folder);
  await workbench.writeClipboard('');
  if (wait) {
    const branch = workbench.page.locator('.statusbar-item').filter({ hasText: 'heron' });
    await branch.first().waitFor({ timeout: deadlineMs.workbench });
  }
  await workbench.openContextMenu('one.txt', words.send);
  const item = workbench.page.locator('.monaco-menu').getByRole('menuitem', { name: words.send });
  await item.hover();
  // A menu swallows a click that follows its opening too soon.
  await pause(300);
  const start = performance.now();
  await item.click({ noWaitAfter: true });
  await until(
    async () => (CODE.test(await workbench.readClipboard()) ? true : undefined),
    deadlineMs.step,
    'The code on the clipboard',
    LOOK_MS,
  );
  const ms = performance.now() - start;
  await workbench.close();
  return ms;
}

describe.runIf(process.env['CROC_BENCH'] === '1')('the first click of a window, timed', () => {
  it('with the editor just opened, and with its extensions running', async () => {
    const rows = ['| click to code | at once | once extensions run |', '|---|--:|--:|'];
    for (const round of [1, 2, 3]) {
      const editor = await OneEditor.start({ settings: { 'git.enabled': true } });
      try {
        const times = [await firstClick(editor, false), await firstClick(editor, true)];
        rows.push(`| ${round} | ${times.map((ms) => `${ms.toFixed(0)} ms`).join(' | ')} |`);
      } finally {
        await editor.close();
      }
    }
    const table = rows.join('\n');
    const file = testOut('bench', 'first-click.txt');
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, `${table}\n`);
    console.log(table);
    expect(rows.length).toBe(5);
  });
});
