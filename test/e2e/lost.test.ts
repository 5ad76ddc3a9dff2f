/** A connection that is really lost in the middle: both say so and count, and go on where they were. */
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { GatedRelay } from '../support/gate.js';
import { EVERY_LOOK } from '../support/vscode/screens.js';
import {
  acceptInto,
  panelButton,
  panelHeading,
  receiveUpToOffer,
  sendFromExplorer,
  statusItem,
  takeNarrowScreens,
} from './croc.js';
import { Editors } from './editors.js';

/** Enough that it is not over before the connection is lost; a hole on the disk, so it costs nothing. */
const FILM_BYTES = 8 * 2 ** 30;

describe('a lost connection', () => {
  let gated: GatedRelay;
  let editors: Editors;
  beforeAll(async () => {
    gated = await GatedRelay.start();
    const settings = { 'croc.relay': gated.relay.url };
    editors = await Editors.open({
      a: {
        settings,
        prepare: async (folder) => {
          const handle = await open(path.join(folder, 'film.mov'), 'w');
          await handle.truncate(FILM_BYTES);
          await handle.close();
        },
      },
      b: { settings, prepare: (folder) => mkdir(path.join(folder, 'inbox')) },
    });
  });
  afterAll(async () => {
    await editors.close();
    await gated.close();
  });

  it('is counted on both sides until it is back', async () => {
    onTestFailed(async () => console.log(await editors.explain('lost-failed')));
    const { a, b } = editors;
    const code = await sendFromExplorer(a.workbench, 'film.mov');
    await receiveUpToOffer(b.workbench, { code });
    await acceptInto(b.workbench, path.join(b.folder, 'inbox'));
    for (const { workbench } of [a, b]) await workbench.webview().locator('.graph').waitFor();
    const bytes = async () => {
      const text = await b.workbench.webview().locator('.numbers span').first().innerText();
      return Number(/\((\d+) %\)/.exec(text)?.[1]);
    };
    const before = await bytes();

    gated.shut();
    for (const { workbench } of [a, b]) {
      const status = workbench.webview().locator('.status');
      await status.filter({ hasText: /connection was lost\. Reconnecting, [4-9] s/ }).waitFor();
      await statusItem(workbench)
        .filter({ hasText: /reconnecting, \d+ s/ })
        .waitFor();
      const hint = workbench.webview().locator('.hint');
      await hint.filter({ hasText: /Nothing is lost.*tried for \d+ s more/ }).waitFor();
    }
    await editors.takeScreens('lost-1-reconnecting', EVERY_LOOK);
    await takeNarrowScreens(b.workbench, 'lost-1-reconnecting-b');

    await gated.open();
    for (const { workbench } of [a, b])
      await workbench
        .webview()
        .locator('.status')
        .filter({ hasText: /^(Sending|Receiving)…$/ })
        .waitFor();
    expect(await bytes()).toBeGreaterThanOrEqual(before);
    await editors.takeScreens('lost-2-back', EVERY_LOOK);
    await panelButton(b.workbench, 'cancel').click();
    await panelHeading(b.workbench, 'Cancelled: film.mov').waitFor();
  });
});
