/** Every entry of every menu is where the manifest says, when it says, and nowhere else. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { projectRoot, deadlineMs } from '../support/vscode/project.js';
import { EVERY_LOOK, takeScreen, takeScreens } from '../support/vscode/screens.js';
import { until } from '../support/vscode/wait.js';
import { shows } from '../support/vscode/workbench.js';
import type { Workbench } from '../support/vscode/workbench.js';
import {
  closeEditors,
  codeInStatusBar,
  panelButton,
  panelHeading,
  sendFromExplorer,
} from './croc.js';
import { OneEditor } from './one.js';

const read = (name: string): unknown =>
  JSON.parse(readFileSync(path.join(projectRoot, name), 'utf8'));
const { contributes } = v.parse(
  v.looseObject({
    contributes: v.looseObject({
      menus: v.record(
        v.string(),
        v.array(v.looseObject({ command: v.string(), when: v.optional(v.string()) })),
      ),
    }),
  }),
  read('package.json'),
);
const texts = v.parse(v.record(v.string(), v.string()), read('package.nls.json'));
/** `croc.send` → `Send with croc` */
const titleOf = (command: string): string => texts[command.replace('croc.', 'command.')] ?? '';

/** The titles that a menu of the manifest can show. */
const declared = (menu: string): string[] =>
  [
    ...new Set(
      (contributes.menus[menu] ?? [])
        .filter(({ when }) => when !== 'false')
        .map(({ command }) => titleOf(command)),
    ),
  ].sort();
const ours = new Set(Object.keys(texts).map((key) => texts[key] ?? ''));
const onlyOurs = (labels: readonly string[]): string[] =>
  [...new Set(labels.filter((label) => ours.has(label)))].sort();

describe('the menus', () => {
  let editor: OneEditor;
  let workbench: Workbench;
  beforeAll(async () => {
    editor = await OneEditor.start({ settings: { 'git.enabled': true } });
    const folder = await editor.folder('w', async (made) => {
      execFileSync('git', ['init', '-q'], { cwd: made });
      await mkdir(path.join(made, 'sub'));
      await writeFile(path.join(made, 'one.txt'), 'one\n');
    });
    workbench = await editor.window(folder);
  });
  afterAll(() => editor.close());
  beforeEach(({ task }) => {
    onTestFailed(async () => {
      await takeScreen(workbench, `menus-failed-${task.name.replace(/\W+/g, '-').slice(0, 20)}`);
    });
  });

  /** What of ours stands in the menu that `open` opens, nothing when none comes; shuts it again. */
  async function menu(open: () => Promise<unknown>): Promise<string[]> {
    const { page } = workbench;
    await open();
    const items = page.locator('.monaco-menu [role="menuitem"]');
    if (!(await shows(items.first(), 'visible'))) return [];
    const labels = await items.evaluateAll((all) =>
      all.map((item) => item.getAttribute('aria-label') ?? item.textContent),
    );
    await page.keyboard.press('Escape');
    await items.first().waitFor({ state: 'detached' });
    return onlyOurs(labels.map((label) => label.replace(/, .*$/, '')));
  }

  /** The menu that `open` opens has these entries of ours; the workbench takes a moment after every change. */
  const expectMenu = (open: () => Promise<unknown>, entries: readonly string[]): Promise<void> =>
    expect.poll(() => menu(open), { timeout: deadlineMs.step }).toEqual(entries);

  /** Whether the palette has a command at this moment; undefined when something else took the keyboard. */
  async function lookInPalette(title: string): Promise<boolean | undefined> {
    const { quickInput, page } = workbench;
    await page.keyboard.press('F1');
    if (!(await shows(quickInput.input, 'visible'))) return undefined;
    const filled = quickInput.input.fill(`>Croc: ${title}`, { timeout: 3000 }).then(
      () => true,
      () => false,
    );
    const exact = quickInput.rows.filter({
      has: page.getByText(`Croc: ${title}`, { exact: true }),
    });
    const none = quickInput.rows.filter({ hasText: /No matching|similar commands/ });
    const listed =
      (await filled) && (await shows(exact.or(none).or(quickInput.rows).first(), 'visible'));
    const found = listed ? await exact.first().isVisible() : undefined;
    if (await shows(quickInput.input, 'visible')) await quickInput.cancel();
    return found;
  }

  /** Whether the palette has a command at this moment. */
  const inPalette = (title: string): Promise<boolean> =>
    until(() => lookInPalette(title), deadlineMs.step, `"${title}" in the palette or not`);

  /** The palette has a command, or has it not; the workbench takes a moment after every change. */
  const expectInPalette = (command: string, there: boolean): Promise<void> =>
    expect.poll(() => inPalette(titleOf(command)), { timeout: deadlineMs.step }).toBe(there);

  it('come with a package of less than 1 MiB', async () => {
    expect((await stat(process.env['CROC_VSIX'] ?? '')).size).toBeLessThan(2 ** 20);
  });

  it("'explorer/context': files can be sent, folders received into, too", async () => {
    // The first menu waits until the extension's contributions are there.
    await workbench.openContextMenu('one.txt', titleOf('croc.send'));
    await workbench.page.keyboard.press('Escape');
    const row = (name: string) => () => workbench.explorerRow(name).click({ button: 'right' });
    await expectMenu(row('one.txt'), [titleOf('croc.send')]);
    await expectMenu(row('sub'), declared('explorer/context'));
  });

  it("'editor/title/context' and 'editor/context'", async () => {
    const { page } = workbench;
    await workbench.explorerRow('one.txt').dblclick();
    await page.locator('.tab[aria-label^="one.txt"]').waitFor();
    const tab = () => page.locator('.tab[aria-label^="one.txt"]').click({ button: 'right' });
    await expectMenu(tab, declared('editor/title/context'));
    // An editor that was just opened may lose the keyboard again to what opened it.
    const text = page.locator('.monaco-editor .view-lines').first();
    const byKeys = async () => {
      if ((await page.locator('.monaco-editor.focused').count()) === 0) await text.click();
      await page.keyboard.press('Shift+F10');
    };
    await expectMenu(byKeys, [titleOf('croc.send')]);
    await expectInPalette('croc.sendSelection', false);
    await text.click();
    await page.keyboard.press('Control+A');
    await expectMenu(byKeys, declared('editor/context'));
    await expectInPalette('croc.sendSelection', true);
  });

  it("'scm/title'", async () => {
    const { page } = workbench;
    await page.getByRole('tab', { name: /^Source Control/ }).click();
    const header = page.locator('.part.sidebar .pane-header').filter({ hasText: 'Changes' });
    const more = header.locator('[aria-label*="More Actions"]');
    await page.getByText('one.txt').first().waitFor();
    const ofTitle = async () => {
      await header.hover();
      await more.click();
    };
    await expectMenu(ofTitle, declared('scm/title'));
    await workbench.runCommand('View: Show Explorer');
  });

  it("'view/title' and 'view/item/context', with a welcome while nothing is there", async () => {
    const { page } = workbench;
    await closeEditors(workbench);
    await workbench.runCommand('Focus on Transfers View');
    const pane = page.locator('.pane').filter({ hasText: 'Transfers' }).last();
    await pane.getByText('Receive with Code…').waitFor();
    await takeScreens(workbench, 'menus-1-welcome', EVERY_LOOK);
    const buttons = pane.locator('.pane-header .actions-container .action-label');
    const shown = await buttons.evaluateAll((all) =>
      all.map((item) => item.getAttribute('aria-label') ?? ''),
    );
    const more = pane.locator('.pane-header [aria-label*="More Actions"]');
    await pane.locator('.pane-header').hover();
    const visible = onlyOurs(shown);
    const hidden = declared('view/title').filter((label) => !visible.includes(label));
    await expectMenu(() => more.click(), hidden);

    const code = await sendFromExplorer(workbench, 'one.txt');
    const row = page.getByRole('treeitem', { name: /one\.txt, Sending/ });
    await row.waitFor();
    const running = ['cancel', 'copyCode', 'copyLink', 'copyReceiveCommand', 'showTransfer']
      .map((command) => titleOf(`croc.${command}`))
      .sort();
    await expectMenu(() => row.click({ button: 'right' }), running);
    expect(code).toBe(await codeInStatusBar(workbench));
    await panelButton(workbench, 'cancel').click();
    await panelHeading(workbench, 'Cancelled: one.txt').waitFor();
    const past = page.getByRole('treeitem', { name: /one\.txt, Not sent/ });
    const over = declared('view/item/context').filter((label) => !running.includes(label));
    await expectMenu(() => past.click({ button: 'right' }), over);
  });

  it("'commandPalette': what can be done at the moment", async () => {
    const always = [
      'croc.send',
      'croc.sendWithCode',
      'croc.receive',
      'croc.checkRelay',
      'croc.getStarted',
    ];
    const never = ['croc.receiveHere', 'croc.removeTransfer', 'croc.undoReceive'];
    const whileSending = [
      'croc.copyCode',
      'croc.copyReceiveCommand',
      'croc.copyLink',
      'croc.cancel',
    ];
    const withRelay = ['croc.stopRelay', 'croc.showRelay'];
    const present = async (commands: readonly string[]): Promise<string[]> => {
      const found: string[] = [];
      for (const command of commands) if (await inPalette(titleOf(command))) found.push(command);
      return found;
    };
    const expectPresent = (asked: readonly string[], there: readonly string[]): Promise<void> =>
      expect.poll(() => present(asked), { timeout: 2 * deadlineMs.step }).toEqual(there);
    const all = [...always, ...never, ...whileSending, ...withRelay, 'croc.startRelay'];
    await workbench.runCommand('Croc: Stop Workspace Relay');
    await expectInPalette('croc.startRelay', true);
    await expectPresent(all, [...always, 'croc.startRelay']);
    await sendFromExplorer(workbench, 'one.txt');
    // The panel takes the keyboard when it opens, and the palette would close.
    await panelHeading(workbench, 'Sending one.txt').waitFor();
    await expectPresent(all, [...always, ...whileSending, ...withRelay]);
    const changes = ['croc.sendChanges', 'croc.showTransfer'];
    await expectPresent(changes, changes);
  });

  it('the walkthrough firstMinute has its three steps and their pictures', async () => {
    const { page } = workbench;
    // A narrow page leaves the pictures out.
    await page.setViewportSize({ width: 1600, height: 900 });
    await workbench.runCommand('Croc: Get Started');
    for (const key of ['walk.send.title', 'walk.receive.title', 'walk.follow.title']) {
      const step = page.getByText(texts[key] ?? '', { exact: true }).first();
      const picture = page.getByAltText(texts[key.replace('title', 'alt')] ?? '');
      // The first one is open from the start, and a click would shut it.
      const shown = picture.locator('visible=true').first();
      if (!(await shown.isVisible())) await step.click();
      await shown.waitFor();
    }
    await takeScreens(workbench, 'menus-2-walkthrough', EVERY_LOOK);
  });
});
