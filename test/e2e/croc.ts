/** The words and places of the extension, as a person finds them. The only file that knows them. */
import type { Locator } from 'playwright-core';
import { deadlineMs } from '../support/vscode/project.js';
import { takeScreen } from '../support/vscode/screens.js';
import { until } from '../support/vscode/wait.js';
import type { Workbench } from '../support/vscode/workbench.js';

/** What the extension calls things in English. */
export const words = {
  send: 'Send with croc',
  receive: 'Croc: Receive croc code',
  asksCode: /Enter the code/,
  asksRelay: /relay address/,
  /** The list of what is offered; its title has the totals. */
  asksWhat: /Untick what you do not want/,
  asksFolder: /Where should it go/,
  browse: 'Browse…',
  folderButton: 'Receive Here',
} as const;

const CODE = /\b\d+(?:-[a-z]+){2,}\b/;

/** The extension's status bar item. */
export function statusItem(workbench: Workbench): Locator {
  return workbench.statusItem('croc-share.croc-share.croc.status');
}

/** The code in the status bar, as soon as there is one that is not `before`. */
export async function codeInStatusBar(workbench: Workbench, before?: string): Promise<string> {
  const read = async () => {
    const item = statusItem(workbench);
    const code = (await item.isVisible()) ? CODE.exec(await item.innerText())?.[0] : undefined;
    return code === before ? undefined : code;
  };
  return until(read, deadlineMs.step, 'A code in the status bar');
}

/** Right-clicks `name` in the Explorer, sends it, and gives the code that the status bar shows. */
export async function sendFromExplorer(workbench: Workbench, name: string): Promise<string> {
  await workbench.chooseFromContextMenu(name, words.send);
  return codeInStatusBar(workbench);
}

/** The relay address, `host:port`, that the panel of a waiting send shows beside the code. */
export async function relayInPanel(workbench: Workbench, code: string): Promise<string> {
  const panel = workbench.webview();
  const shown = (name: string) => panel.getByRole('status', { name, exact: true });
  await shown('Code').filter({ hasText: code }).waitFor();
  return shown('Relay address').innerText();
}

/** The heading of the panel that is shown, such as `Sent sample`. */
export function panelHeading(workbench: Workbench, text: string): Locator {
  return workbench.webview().getByRole('heading', { name: text, exact: true });
}

/** A button of the panel by what it does. */
export function panelButton(workbench: Workbench, action: string): Locator {
  return workbench.webview().locator(`vscode-button[data-action="${action}"]`);
}

/** Pictures of the panel 400 px wide and at 200 %; throws when something of it is cut off. */
export async function takeNarrowScreens(workbench: Workbench, name: string): Promise<void> {
  const { page } = workbench;
  const toggle = 'View: Toggle Primary Side Bar Visibility';
  // 200 % of a window of 1280 by 800 leaves half as many pixels of the page's own.
  const sizes = [
    { mark: 'narrow', width: 460, height: 800 },
    { mark: 'zoomed', width: 640, height: 400 },
  ];
  const before = page.viewportSize();
  await workbench.runCommand(toggle);
  for (const { mark, width, height } of sizes) {
    await page.setViewportSize({ width, height });
    await page.waitForFunction(
      (wanted) => document.querySelector('.monaco-workbench')?.clientWidth === wanted,
      width,
    );
    await takeScreen(workbench, `${name}-${mark}`);
    const cutOff = await workbench
      .webview()
      .locator('body')
      .evaluate((body) => {
        const { clientWidth } = body.ownerDocument.documentElement;
        const right = (element: Element) => element.getBoundingClientRect().right;
        return [...body.querySelectorAll('h1, p, output, vscode-button, li, span')]
          .filter((element) => right(element) > clientWidth + 1)
          .map((element) => `${element.tagName}: ${element.textContent}`);
      });
    if (cutOff.length > 0) throw new Error(`Cut off when ${mark}: ${cutOff.join('; ')}`);
  }
  if (before !== null) await page.setViewportSize(before);
  await workbench.runCommand(toggle);
}

/** Shuts every editor, so that the next panel is the only one. */
export async function closeEditors(workbench: Workbench): Promise<void> {
  await workbench.runCommand('View: Close All Editors');
  await workbench.page.locator('.tab').first().waitFor({ state: 'detached' });
}

/** Starts receiving and answers up to the list of what is offered, which is then on the screen. */
export async function receiveUpToOffer(
  workbench: Workbench,
  { code, relay }: { readonly code: string; readonly relay?: string },
): Promise<void> {
  const { quickInput } = workbench;
  await workbench.runCommand(words.receive);
  await quickInput.asks(words.asksCode);
  await quickInput.submit(code);
  // Where a relay is set, nobody asks for it.
  if (relay !== undefined) {
    await quickInput.asks(words.asksRelay);
    await quickInput.submit(relay);
  }
  await quickInput.asks(words.asksWhat);
}

/** Takes everything of the offer on the screen into `folder` (absolute, exists), by the file dialog. */
export async function acceptInto(workbench: Workbench, folder: string): Promise<void> {
  const { quickInput } = workbench;
  await quickInput.asks(words.asksWhat);
  await quickInput.accept();
  await quickInput.asks(words.asksFolder);
  await quickInput.pick(words.browse);
  await quickInput.choosePath(folder, words.folderButton);
}
