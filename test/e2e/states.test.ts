/**
 * The panel in each of its states, in a real editor's page and themes: nobody is kept out, nothing is cut
 * off, and there is a picture of each. The views are made as the extension makes them.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PanelView } from '../../src/webview/messages.js';
import { panelStates } from '../support/panel/states.js';
import { speak } from '../support/panel/vscode.js';
import { seriousFindings } from '../support/vscode/axe.js';
import { launchBrowser } from '../support/vscode/browser.js';
import { dieOnSignals } from '../support/vscode/group.js';
import { setLook, takePanel, type Look } from '../support/vscode/screens.js';
import { EditorServer } from '../support/vscode/server.js';
import { Workbench } from '../support/vscode/workbench.js';
import { panelHeading, sendFromExplorer } from './croc.js';

const LOOKS: readonly Look[] = ['light', 'dark', 'hc', 'hc-light'];

describe('the panel', () => {
  let root: string;
  let browser: Browser;
  let server: EditorServer;
  let workbench: Workbench;

  beforeAll(async () => {
    dieOnSignals();
    const vsix = process.env['CROC_VSIX'];
    if (vsix === undefined) throw new Error('CROC_VSIX is not set: use `npm run test:e2e`.');
    root = await mkdtemp(path.join(os.tmpdir(), 'croc-states-'));
    await mkdir(path.join(root, 'w'));
    await writeFile(path.join(root, 'w', 'one.txt'), 'one');
    server = await EditorServer.start({ vsix });
    browser = await launchBrowser();
    workbench = await Workbench.open(browser, server, { folder: path.join(root, 'w') });
    await sendFromExplorer(workbench, 'one.txt');
    await panelHeading(workbench, 'Sending one.txt').waitFor();
    await workbench.runCommand('View: Toggle Primary Side Bar Visibility');
  });
  afterAll(async () => {
    await browser.close();
    await server.stop();
    await rm(root, { recursive: true, force: true, maxRetries: 5 });
  });

  /** Gives the page a view, as the extension does. */
  async function show(view: PanelView): Promise<void> {
    const message = { type: 'view', view };
    await workbench
      .webview()
      .locator('body')
      .evaluate((body, sent) => body.ownerDocument.defaultView?.postMessage(sent, '*'), message);
    await panelHeading(workbench, view.heading).waitFor();
  }

  /** What is cut off or sticks out at the right. */
  const cutOff = () =>
    workbench
      .webview()
      .locator('body')
      .evaluate((body) => {
        const { clientWidth, scrollWidth } = body.ownerDocument.documentElement;
        return scrollWidth > clientWidth ? `${scrollWidth} wide in ${clientWidth}` : '';
      });

  for (const look of LOOKS)
    it(`keeps nobody out and looks at home in ${look}`, async () => {
      speak('en');
      await setLook(workbench, look);
      const findings: string[] = [];
      for (const [name, view] of Object.entries(panelStates())) {
        await show(view);
        for (const finding of await seriousFindings(workbench))
          findings.push(`${name}: ${finding}`);
        await takePanel(workbench, `state-${name}-${look}`);
      }
      expect(findings).toEqual([]);
    });

  it('fits at 200 % and in a narrow column, in English and in German', async () => {
    await setLook(workbench, 'light');
    const wide: string[] = [];
    for (const language of ['en', 'de']) {
      speak(language);
      for (const size of [
        { width: 640, height: 400 },
        { width: 380, height: 800 },
      ]) {
        await workbench.page.setViewportSize(size);
        for (const [name, view] of Object.entries(panelStates())) {
          await show(view);
          const how = await cutOff();
          if (how !== '') wide.push(`${name} (${language}, ${size.width}): ${how}`);
          if (name === 'waiting' || name === 'receiving')
            await takePanel(workbench, `state-${name}-${language}-${size.width}`);
        }
      }
    }
    await workbench.page.setViewportSize({ width: 1280, height: 800 });
    for (const [name, view] of Object.entries(panelStates())) {
      await show(view);
      await takePanel(workbench, `state-${name}-de`);
    }
    expect(wide).toEqual([]);
  });
});
