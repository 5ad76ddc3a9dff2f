/** What two people see when it does not work: a wrong code, and a transfer that is stopped. */
import { mkdir, open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { makeTree } from '../support/tree.js';
import { EVERY_LOOK } from '../support/vscode/screens.js';
import {
  acceptInto,
  closeEditors,
  codeInStatusBar,
  panelButton,
  panelHeading,
  receiveUpToOffer,
  relayInPanel,
  sendFromExplorer,
  statusItem,
  takeNarrowScreens,
  words,
} from './croc.js';
import { Editors } from './editors.js';
import { placesOf } from './remains.js';

/** Enough that it cannot be over before somebody has looked; a hole on the disk, so it costs nothing. */
const HUGE_BYTES = 8 * 2 ** 30;

async function makeHuge(file: string): Promise<void> {
  const handle = await open(file, 'w');
  await handle.truncate(HUGE_BYTES);
  await handle.close();
}

const wrong = (code: string): string => code.replace(/-.*$/, '-wrong-words-here');
const secretOf = (code: string): string => code.slice(code.indexOf('-') + 1);

describe('two editors in trouble', () => {
  let editors: Editors;

  beforeAll(async () => {
    editors = await Editors.open({
      a: {
        prepare: async (folder) => {
          await makeTree(path.join(folder, 'sample'), { files: 12 });
          await makeHuge(path.join(folder, 'disk image.img'));
        },
      },
      b: { prepare: (folder) => mkdir(path.join(folder, 'inbox')) },
    });
  });
  afterAll(() => editors.close());

  it('tell both of a wrong code, and send again with a new one', async () => {
    onTestFailed(async () => console.log(await editors.explain('wrong-failed')));
    const { a, b } = editors;
    const inbox = path.join(b.folder, 'inbox');
    const code = await sendFromExplorer(a.workbench, 'sample');
    const relay = await relayInPanel(a.workbench, code);
    await takeNarrowScreens(a.workbench, 'wrong-0-code-a');

    const { quickInput } = b.workbench;
    await b.workbench.runCommand(words.receive);
    await quickInput.asks(words.asksCode);
    await quickInput.submit(wrong(code));
    await quickInput.asks(words.asksRelay);
    await quickInput.submit(relay);
    await Promise.all([
      panelHeading(a.workbench, 'Could not send sample').waitFor(),
      b.workbench.notification(/code did not match/).waitFor(),
    ]);
    expect(await readdir(inbox)).toEqual([]);
    await editors.takeScreens('wrong-1-told', EVERY_LOOK);
    // The panel is in front, so no message says the same again.
    expect(await a.workbench.notification(/code did not match/).isVisible()).toBe(false);

    await panelButton(a.workbench, 'send-again').click();
    const next = await codeInStatusBar(a.workbench, code);
    expect(await relayInPanel(a.workbench, next)).toBe(relay);
    expect(await a.workbench.readClipboard()).toBe(next);
    await b.workbench.answerNotification(/code did not match/, 'Receive Again');
    await quickInput.asks(words.asksCode);
    expect(await quickInput.input.inputValue()).toBe('');
    await quickInput.submit(next);
    await quickInput.asks(words.asksRelay);
    expect(await quickInput.input.inputValue()).toBe(relay);
    await quickInput.accept();
    await acceptInto(b.workbench, inbox);
    await Promise.all([
      panelHeading(a.workbench, 'Sent sample').waitFor(),
      b.workbench.notification('Received sample').waitFor(),
    ]);
    expect(await readdir(inbox)).toEqual(['sample']);
    await takeNarrowScreens(a.workbench, 'wrong-2-sent-a');

    for (const { workbench, folder } of [a, b])
      for (const used of [code, next]) {
        const places = await placesOf(workbench, secretOf(used), path.basename(folder));
        expect(places.control).not.toEqual([]);
        expect(places.secret).toEqual([]);
      }
  });

  it('show a large transfer, and nothing half under its name when the recipient stops it', async () => {
    onTestFailed(async () => console.log(await editors.explain('huge-failed')));
    const { a, b } = editors;
    const inbox = path.join(b.folder, 'inbox', 'large');
    await mkdir(inbox);
    await closeEditors(a.workbench);
    const code = await sendFromExplorer(a.workbench, 'disk image.img');
    const relay = await relayInPanel(a.workbench, code);
    await receiveUpToOffer(b.workbench, { code, relay });
    await acceptInto(b.workbench, inbox);
    await statusItem(b.workbench).filter({ hasText: '%' }).click();
    for (const { workbench } of [a, b]) {
      const numbers = workbench.webview().locator('.numbers');
      await numbers.filter({ hasText: /of 8\.0 GiB.*iB\/s · \d+ (s|min) left/ }).waitFor();
    }
    await editors.takeScreens('huge-1-passing', EVERY_LOOK);
    await takeNarrowScreens(b.workbench, 'huge-1-passing-b');

    await panelButton(b.workbench, 'cancel').click();
    await Promise.all([
      panelHeading(b.workbench, 'Cancelled: disk image.img').waitFor(),
      panelHeading(a.workbench, 'Could not send disk image.img').waitFor(),
    ]);
    // Who stopped it can have it after all.
    await panelButton(b.workbench, 'receive-again').waitFor();
    const advice = a.workbench.webview().locator('.hint');
    expect(await advice.innerText()).toBe('Send again, and tell the other side the new code.');
    // What came stays for another try, under a name of its own.
    for (const name of await readdir(inbox))
      expect(name).toMatch(/^\.disk image\.img\.croc-[0-9a-f]{16}\.part$/);
    await editors.takeScreens('huge-2-stopped', EVERY_LOOK);
  });
});
