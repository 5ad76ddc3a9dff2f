/** Two people: two VS Codes with the packed extension, one browser, a page each. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../support/vscode/browser.js';
import { dieOnSignals } from '../support/vscode/group.js';
import { takeScreen, takeScreens, type Look } from '../support/vscode/screens.js';
import { EditorServer, type EditorOptions } from '../support/vscode/server.js';
import { Workbench } from '../support/vscode/workbench.js';

/** How a side differs from a fresh editor. */
export type SideOptions = Pick<EditorOptions, 'settings' | 'env'> & {
  /** Fills the side's folder (absolute) before the editor opens it. */
  readonly prepare?: (folder: string) => Promise<unknown>;
};

/** One person at one editor. */
export interface Side {
  readonly name: 'a' | 'b';
  /** The open folder, absolute. */
  readonly folder: string;
  readonly workbench: Workbench;
}

/** Both sides, running. */
export class Editors {
  readonly a: Side;
  readonly b: Side;
  readonly #browser: Browser;
  readonly #root: string;

  private constructor(a: Side, b: Side, browser: Browser, root: string) {
    this.a = a;
    this.b = b;
    this.#browser = browser;
    this.#root = root;
  }

  /** Starts both editors with the extension of `CROC_VSIX`; resolves when both can be used. */
  static async open(options: { a: SideOptions; b: SideOptions }): Promise<Editors> {
    const vsix = process.env['CROC_VSIX'];
    if (vsix === undefined) throw new Error('CROC_VSIX is not set: use `npm run test:e2e`.');
    dieOnSignals();
    const root = await mkdtemp(path.join(os.tmpdir(), 'croc-e2e-'));
    const browser = await launchBrowser();
    // Both are waited for even if one fails, so that nothing is left running.
    const [a, b] = await Promise.allSettled([
      openSide(browser, root, 'a', { ...options.a, vsix }),
      openSide(browser, root, 'b', { ...options.b, vsix }),
    ]);
    if (a.status === 'fulfilled' && b.status === 'fulfilled')
      return new Editors(a.value, b.value, browser, root);
    await browser.close();
    const reasons: unknown[] = [];
    for (const side of [a, b])
      if (side.status === 'fulfilled') await side.value.workbench.server.stop();
      else reasons.push(side.reason);
    await rm(root, { recursive: true, force: true });
    throw new AggregateError(reasons, `The editors did not open: ${reasons.join('; ')}`);
  }

  /** Pictures of both sides: test/out/screens/NAME-{a,b}-LOOK.png. */
  async takeScreens(name: string, looks?: readonly [Look, ...(readonly Look[])]): Promise<void> {
    for (const side of [this.a, this.b])
      await takeScreens(side.workbench, `${name}-${side.name}`, looks);
  }

  /** Pictures and consoles of both sides for somebody who must find out what failed. */
  async explain(name: string): Promise<string> {
    const words: string[] = [];
    for (const { workbench, name: side } of [this.a, this.b]) {
      const picture = await takeScreen(workbench, `${name}-${side}`);
      words.push(`Side ${side}: ${picture}`, ...workbench.console.slice(-10));
    }
    return words.join('\n');
  }

  /** Ends everything and removes both folders. */
  async close(): Promise<void> {
    await this.#browser.close();
    await Promise.all([this.a, this.b].map((side) => side.workbench.server.stop()));
    await rm(this.#root, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function openSide(
  browser: Browser,
  root: string,
  name: Side['name'],
  { prepare, ...options }: SideOptions & EditorOptions,
): Promise<Side> {
  const folder = path.join(root, name);
  await mkdir(folder);
  await prepare?.(folder);
  const server = await EditorServer.start(options);
  try {
    return { name, folder, workbench: await Workbench.open(browser, server, { folder }) };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
