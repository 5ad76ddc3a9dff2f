/** One workbench in one browser page: what a person sees and does. */
import { format } from 'node:util';
import type { Browser, BrowserContext, FrameLocator, Locator, Page } from 'playwright-core';
import { deadlineMs } from './project.js';
import { QuickInput } from './quickInput.js';
import type { EditorServer } from './server.js';
import { pause, until } from './wait.js';

/** A page to open. */
export interface WorkbenchOptions {
  /** Folder to open, absolute. */
  readonly folder: string;
  /** Pairs for the workbench, such as `['extensionDevelopmentPath', server.uri(path)]`. */
  readonly payload?: readonly (readonly [string, string])[];
  /** Called with the page before it is loaded. */
  readonly beforeLoad?: (page: Page) => Promise<void>;
}

/** A workbench that is drawn and ready for hands. */
export class Workbench {
  readonly page: Page;
  readonly server: EditorServer;
  readonly quickInput: QuickInput;
  readonly #context: BrowserContext;
  readonly #console: string[] = [];

  private constructor(context: BrowserContext, page: Page, server: EditorServer) {
    this.#context = context;
    this.page = page;
    this.server = server;
    this.quickInput = new QuickInput(page);
    page.on('console', (message) => this.#hear(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => this.#hear(format(error)));
  }

  /** Opens a page with a context of its own, so that two workbenches share no storage. */
  static async open(
    browser: Browser,
    server: EditorServer,
    options: WorkbenchOptions,
  ): Promise<Workbench> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    context.setDefaultTimeout(deadlineMs.step);
    const origin = `http://${server.host}`;
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin });
    const page = await context.newPage();
    const workbench = new Workbench(context, page, server);
    await options.beforeLoad?.(page);
    await page.goto(server.url(options.folder, options.payload), { timeout: deadlineMs.workbench });
    await page.locator('.monaco-workbench .statusbar-item').first().waitFor({
      timeout: deadlineMs.workbench,
    });
    return workbench;
  }

  /** What the page said on its console, three lines a piece, for the report of a failure. */
  get console(): readonly string[] {
    return this.#console;
  }

  /** A row of the Explorer by its file name. */
  explorerRow(name: string): Locator {
    // A label goes on after the name (" • Modified", ", compressed folder"), never without a break.
    const rows = this.page.locator('.explorer-folders-view [role="treeitem"]');
    return rows.and(this.page.locator(`[aria-label="${name}"], [aria-label^="${name},"]`)).first();
  }

  /** Right-clicks the Explorer row of `name` and chooses `label` of the menu. */
  async chooseFromContextMenu(name: string, label: string): Promise<void> {
    await this.openContextMenu(name, label);
    await this.clickMenuItem(label);
  }

  /** Right-clicks the Explorer row of `name` until its menu has `label`; leaves the menu open. */
  async openContextMenu(name: string, label: string): Promise<void> {
    const what = `"${label}" in the menu of "${name}"`;
    await until(() => this.#menuWith(name, label), deadlineMs.workbench, what);
  }

  /** Clicks an item of the open menu. */
  async clickMenuItem(label: string): Promise<void> {
    const item = this.#menuItem(label);
    // A menu swallows a click that follows its opening too soon, and then stays open.
    for (let attempt = 0; attempt < 5; attempt++) {
      await item.hover();
      await pause(200);
      await item.click();
      if (await shows(item, 'detached')) return;
    }
    throw new Error(`The menu does not close on "${label}".`);
  }

  /** Runs a command by the title that the palette shows (`Croc: Show Transfer`, or a part of it). */
  async runCommand(title: string): Promise<void> {
    const what = `"${title}" in the palette`;
    await until(() => this.#paletteWith(title), deadlineMs.workbench, what);
    await this.quickInput.pick(title);
  }

  /** The same without a mouse. */
  async runCommandByKeys(title: string): Promise<void> {
    const what = `"${title}" in the palette`;
    await until(() => this.#paletteWith(title), deadlineMs.workbench, what);
    await this.page.keyboard.press('Enter');
  }

  // Right after a start, what an extension contributes is not in menus and palette yet, and an open
  // one does not take it up. So these two look, and shut it again when it is not there.

  async #menuWith(name: string, label: string): Promise<true | undefined> {
    await this.explorerRow(name).click({ button: 'right', timeout: deadlineMs.workbench });
    if (await shows(this.#menuItem(label), 'visible')) return true;
    await this.page.keyboard.press('Escape');
    return undefined;
  }

  async #paletteWith(title: string): Promise<true | undefined> {
    await this.page.keyboard.press('F1');
    // A panel that just opens takes the keyboard, and with that the palette is shut again.
    const open = async (): Promise<boolean> => shows(this.quickInput.input, 'visible');
    if (!(await open())) return undefined;
    const row = this.quickInput.rows.filter({ hasText: title }).first();
    const filled = this.quickInput.input.fill(`>${title}`, { timeout: 3000 }).then(
      () => true,
      () => false,
    );
    if ((await filled) && (await shows(row, 'visible'))) return true;
    if (await open()) await this.quickInput.cancel();
    return undefined;
  }

  #hear(words: string): void {
    // The log files need a native module that nobody compiled; every logger says so at length.
    if (words.includes('Could not locate the bindings file')) return;
    this.#console.push(words.split('\n', 3).join('\n'));
  }

  #menuItem(label: string): Locator {
    return this.page.locator('.monaco-menu').getByRole('menuitem', { name: label, exact: true });
  }

  /** A status bar item by its whole id, `publisher.name.itemId`. */
  statusItem(id: string): Locator {
    return this.page.locator(`[id="${id}"]`);
  }

  /** The notification (toast) that contains `text`. */
  notification(text: string | RegExp): Locator {
    return this.page.locator('.notification-toast').filter({ hasText: text }).first();
  }

  /** Presses a button of the notification that contains `text`. */
  async answerNotification(text: string | RegExp, button: string): Promise<void> {
    await this.notification(text).getByRole('button', { name: button, exact: true }).click();
  }

  /** The modal dialog that contains `text`. */
  dialog(text: string | RegExp): Locator {
    return this.page.locator('.monaco-dialog-box').filter({ hasText: text });
  }

  /** Presses a button of the modal dialog that contains `text`. */
  async answerDialog(text: string | RegExp, button: string): Promise<void> {
    await this.dialog(text).getByRole('button', { name: button, exact: true }).click();
  }

  /** The inside of the webview that is shown (the first one, if there are several). */
  webview(): FrameLocator {
    const outer = this.page.locator('iframe.webview.ready').first();
    return outer.contentFrame().locator('iframe#active-frame').contentFrame();
  }

  /** The text on the clipboard. All pages of one browser share it. */
  readClipboard(): Promise<string> {
    return this.page.evaluate(() => navigator.clipboard.readText());
  }

  /** Puts text on the clipboard. */
  async writeClipboard(text: string): Promise<void> {
    await this.page.evaluate((value) => navigator.clipboard.writeText(value), text);
  }

  /** Closes the page. The server runs on. */
  close(): Promise<void> {
    return this.#context.close();
  }
}

/** Tells whether something comes into `state` within a second. */
export function shows(locator: Locator, state: 'visible' | 'detached'): Promise<boolean> {
  return locator.waitFor({ state, timeout: 1_000 }).then(
    () => true,
    () => false,
  );
}
