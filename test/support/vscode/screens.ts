/** Pictures of the workbench, kept as build output in test/out/screens. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { deadlineMs, testOut } from './project.js';
import { until } from './wait.js';
import type { Workbench } from './workbench.js';

/** A look of the editor, by the ending of the picture's name. */
export type Look = 'light' | 'dark' | 'hc' | 'hc-light';

// The editor follows what the browser says of the system, at once and without any settings file.
const LOOKS = {
  light: {
    media: { colorScheme: 'light', forcedColors: 'none' },
    mark: 'vs',
    body: 'vscode-light',
  },
  dark: {
    media: { colorScheme: 'dark', forcedColors: 'none' },
    mark: 'vs-dark',
    body: 'vscode-dark',
  },
  hc: {
    media: { colorScheme: 'dark', forcedColors: 'active' },
    mark: 'hc-black',
    body: 'vscode-high-contrast',
  },
  'hc-light': {
    media: { colorScheme: 'light', forcedColors: 'active' },
    mark: 'hc-light',
    body: 'vscode-high-contrast-light',
  },
} as const;

/** Changes the look; resolves when the workbench and its visible webview show it. */
export async function setLook(workbench: Workbench, look: Look): Promise<void> {
  const { page } = workbench;
  const { media, mark, body } = LOOKS[look];
  await page.emulateMedia(media);
  await page.locator(`.monaco-workbench.${mark}`).waitFor();
  if (await page.locator('iframe.webview.ready').first().isVisible())
    await workbench.webview().locator(`body.${body}`).waitFor();
}

/** Every look, for the pictures that show something new. */
export const EVERY_LOOK = ['light', 'dark', 'hc'] as const;

/** Takes test/out/screens/NAME-LOOK.png for every look given, and comes back to the first. */
export async function takeScreens(
  workbench: Workbench,
  name: string,
  looks: readonly [Look, ...(readonly Look[])] = ['light'],
): Promise<void> {
  for (const look of looks) {
    await setLook(workbench, look);
    await takeScreen(workbench, `${name}-${look}`);
  }
  if (looks.length > 1) await setLook(workbench, looks[0]);
}

/** Takes test/out/screens/NAME.png as the workbench is; gives the file. */
export async function takeScreen(workbench: Workbench, name: string): Promise<string> {
  const file = testOut('screens', `${name}.png`);
  await mkdir(path.dirname(file), { recursive: true });
  await leaveHovers(workbench);
  await workbench.page.screenshot({ path: file, timeout: deadlineMs.step });
  return file;
}

/**
 * What only hovers because the pointer happens to be there is no part of a picture. A hover that was on its way when
 * the pointer left comes after it, and stays until the pointer moves once more.
 */
async function leaveHovers({ page }: Workbench): Promise<void> {
  const hovers = page.locator('.monaco-hover:visible');
  let y = 0;
  const left = async (): Promise<true | undefined> => {
    await page.mouse.move(0, (y = 1 - y));
    return (await hovers.count()) === 0 || undefined;
  };
  await until(left, deadlineMs.step, 'The end of what hovers', 100);
}

/** Takes test/out/screens/NAME.png of the panel alone; gives the file. */
export async function takePanel(workbench: Workbench, name: string): Promise<string> {
  const file = testOut('screens', `${name}.png`);
  await mkdir(path.dirname(file), { recursive: true });
  await workbench.page.mouse.move(0, 0);
  const panel = workbench.page.locator('iframe.webview.ready').first();
  await panel.screenshot({ path: file, timeout: deadlineMs.step });
  return file;
}
