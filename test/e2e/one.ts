/** One person at one editor with the packed extension. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../support/vscode/browser.js';
import { dieOnSignals } from '../support/vscode/group.js';
import { EditorServer, type EditorOptions } from '../support/vscode/server.js';
import { Workbench } from '../support/vscode/workbench.js';

/** An editor server, a browser, and the windows that were opened. */
export class OneEditor {
  private constructor(
    readonly server: EditorServer,
    readonly browser: Browser,
    readonly root: string,
  ) {}

  /** Starts it with the extension of `CROC_VSIX`. */
  static async start(options: EditorOptions = {}): Promise<OneEditor> {
    const vsix = process.env['CROC_VSIX'];
    if (vsix === undefined) throw new Error('CROC_VSIX is not set: use `npm run test:e2e`.');
    dieOnSignals();
    const root = await mkdtemp(path.join(os.tmpdir(), 'croc-one-'));
    const server = await EditorServer.start({ ...options, vsix });
    return new OneEditor(server, await launchBrowser(), root);
  }

  /** Makes a folder and gives it, absolute. @param prepare - fills it */
  async folder(name: string, prepare: (folder: string) => Promise<unknown>): Promise<string> {
    const folder = path.join(this.root, name);
    await mkdir(folder);
    await prepare(folder);
    return folder;
  }

  /** Opens a window. @param folder - absolute */
  window(folder: string): Promise<Workbench> {
    return Workbench.open(this.browser, this.server, { folder });
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.server.stop();
    await rm(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}
