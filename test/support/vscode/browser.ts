/** The browser in which the workbench runs. */
import { chromium, type Browser } from 'playwright-core';
import { chromiumPath } from '../../../scripts/install-vscode.mjs';
import { deadlineMs } from './project.js';

/** Starts Chromium without a window. `close()` ends it. */
export function launchBrowser(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) throw new Error('No Chromium: run `npm run vscode:install`.');
  return chromium.launch({
    executablePath,
    headless: true,
    timeout: deadlineMs.server,
    args: [
      // Root and containers have no user namespaces for the sandbox; only our own server is visited.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
