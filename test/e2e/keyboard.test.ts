/** The whole walk by keyboard alone: from the Explorer to the bytes on the other disk. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { deadlineMs } from '../support/vscode/project.js';
import { EVERY_LOOK, takeScreens } from '../support/vscode/screens.js';
import { until } from '../support/vscode/wait.js';
import type { Workbench } from '../support/vscode/workbench.js';
import { codeInStatusBar, panelHeading, relayInPanel, words } from './croc.js';
import { Editors } from './editors.js';

/** Presses a key until something holds. */
async function press(page: Page, key: string, until_: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 60; tries += 1) {
    if (await until_()) return;
    await page.keyboard.press(key);
  }
  throw new Error(`${key} does not lead there.`);
}

/** The action of the panel's button that has the keyboard; empty when it is none. */
const focusedAction = (workbench: Workbench): Promise<string> =>
  workbench
    .webview()
    .locator('body')
    .evaluate((body) => {
      const { activeElement } = body.ownerDocument;
      return body.ownerDocument.hasFocus()
        ? (activeElement?.getAttribute('data-action') ?? '')
        : '';
    });

describe('without a mouse', () => {
  let editors: Editors;
  beforeAll(async () => {
    editors = await Editors.open({
      a: { prepare: (folder) => writeFile(path.join(folder, 'one.txt'), 'by keyboard\n') },
      b: {},
    });
  });
  afterAll(() => editors.close());

  it('a file is sent and received', async () => {
    onTestFailed(async () => console.log(await editors.explain('keyboard-failed')));
    const { a, b } = editors;
    const { page } = a.workbench;
    const focused = page.locator('.monaco-menu .action-item.focused [role="menuitem"]');
    // Until the extension is known its entry is not in the menu, and an open one does not take it up.
    await until(
      async () => {
        await a.workbench.runCommand('View: Show Explorer');
        await press(page, 'ArrowDown', () =>
          page
            .locator('.explorer-folders-view .monaco-list-row.focused[aria-label^="one.txt"]')
            .isVisible(),
        );
        await page.keyboard.press('Shift+F10');
        await page.locator('.monaco-menu [role="menuitem"]').first().waitFor();
        const item = page.locator('.monaco-menu').getByRole('menuitem', { name: words.send });
        if (await item.isVisible()) return true;
        await page.keyboard.press('Escape');
        return undefined;
      },
      deadlineMs.workbench,
      'The entry of the menu',
    );
    await press(page, 'ArrowDown', async () =>
      (await focused.count()) > 0
        ? (await focused.first().innerText()).includes(words.send)
        : false,
    );
    await page.keyboard.press('Enter');
    const code = await codeInStatusBar(a.workbench);
    const relay = await relayInPanel(a.workbench, code);

    // The panel has the keyboard, and its buttons are reached by Tab.
    await press(page, 'Tab', async () => (await focusedAction(a.workbench)) === 'copy-relay');
    await takeScreens(a.workbench, 'keyboard-1-focus', EVERY_LOOK);
    await page.keyboard.press('Enter');
    await until(
      async () => ((await a.workbench.readClipboard()) === relay ? true : undefined),
      deadlineMs.step,
      'The address on the clipboard',
    );

    const other = b.workbench.page;
    const { quickInput } = b.workbench;
    await b.workbench.runCommandByKeys(words.receive);
    await quickInput.asks(words.asksCode);
    await other.keyboard.type(code);
    await other.keyboard.press('Enter');
    await quickInput.asks(words.asksRelay);
    await other.keyboard.type(relay);
    await other.keyboard.press('Enter');
    await quickInput.asks(words.asksWhat);
    await other.keyboard.press('Enter');
    await quickInput.asks(words.asksFolder);
    // The first row is the open folder.
    await other.keyboard.press('Enter');
    await Promise.all([
      panelHeading(a.workbench, 'Sent one.txt').waitFor(),
      panelHeading(b.workbench, 'Received one.txt').waitFor(),
    ]);
    expect(await readFile(path.join(b.folder, 'one.txt'), 'utf8')).toBe('by keyboard\n');

    await b.workbench.runCommandByKeys('Croc: Show Transfer');
    await press(other, 'Tab', async () => (await focusedAction(b.workbench)) === 'open');
    await other.keyboard.press('Enter');
    await other.locator('.tab[aria-label^="one.txt"]').waitFor();
  });
});
