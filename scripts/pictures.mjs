// `npm run pictures`: the pictures of the README and the walkthrough, and the animation, taken from the
// packed extension in two real editors. Writes media/walkthrough/ and docs/images/.
import { mkdir, open, writeFile } from 'node:fs/promises';
import path from 'node:path';
import gifenc from 'gifenc';
import { PNG } from 'pngjs';
import { makeTree } from '../test/support/tree.ts';
import { packExtension } from '../test/support/vscode/pack.ts';
import { setLook } from '../test/support/vscode/screens.ts';
import {
  acceptInto,
  closeEditors,
  panelButton,
  panelHeading,
  receiveUpToOffer,
  relayInPanel,
  codeInStatusBar,
  sendFromExplorer,
  statusItem,
  words,
} from '../test/e2e/croc.ts';
import { Editors } from '../test/e2e/editors.ts';
import { root } from './ensure.mjs';

const SIZE = { width: 960, height: 600 };
const FILM_BYTES = 8 * 2 ** 30;
const at = (...parts) => path.join(root, ...parts);

/** A large file that costs nothing: a hole on the disk. */
async function makeFilm(file) {
  const handle = await open(file, 'w');
  await handle.truncate(FILM_BYTES);
  await handle.close();
}

const frames = [];

/** Adds what somebody sees to the animation. */
async function frame({ workbench }, seconds) {
  frames.push({ png: await workbench.page.screenshot(), delayMs: seconds * 1000 });
}

/** One picture of an element in both looks: FOLDER/NAME-{light,dark}.png. */
async function picture({ workbench }, locator, folder, name) {
  // What an earlier transfer said may still stand over it.
  await workbench.runCommand('Notifications: Clear All Notifications');
  for (const look of ['light', 'dark']) {
    await setLook(workbench, look);
    await workbench.page.mouse.move(0, 0);
    await locator.screenshot({ path: at(folder, `${name}-${look}.png`) });
  }
  await setLook(workbench, 'light');
}

async function animation() {
  const gif = gifenc.GIFEncoder();
  for (const { png, delayMs } of frames) {
    const { data, width, height } = PNG.sync.read(png);
    const palette = gifenc.quantize(data, 128);
    const indexed = gifenc.applyPalette(data, palette);
    gif.writeFrame(indexed, width, height, { palette, delay: delayMs });
  }
  gif.finish();
  await writeFile(at('docs', 'images', 'croc.gif'), gif.bytes());
}

/** The walk that the animation shows; leaves both at its end. */
async function walk({ a, b }) {
  await frame(a, 1);
  await a.workbench.openContextMenu('sample', words.send);
  await frame(a, 1.5);
  await a.workbench.clickMenuItem(words.send);
  const code = await codeInStatusBar(a.workbench);
  const relay = await relayInPanel(a.workbench, code);
  await frame(a, 3);
  await receiveUpToOffer(b.workbench, { code, relay });
  await frame(b, 2.5);
  await acceptInto(b.workbench, path.join(b.folder, 'inbox'));
  await Promise.all([
    panelHeading(a.workbench, 'Sent sample').waitFor(),
    panelHeading(b.workbench, 'Received sample').waitFor(),
  ]);
  await frame(b, 2.5);
  await frame(a, 2.5);
}

/** The stills: a code that waits, a receive under way, the view Transfers. */
async function stills({ a, b }) {
  const panel = ({ workbench }) => workbench.page.locator('iframe.webview.ready').first();
  await closeEditors(a.workbench);
  const code = await sendFromExplorer(a.workbench, 'film.mov');
  const relay = await relayInPanel(a.workbench, code);
  await a.workbench.runCommand('View: Toggle Primary Side Bar Visibility');
  await picture(a, panel(a), 'media/walkthrough', 'send');
  await a.workbench.runCommand('View: Toggle Primary Side Bar Visibility');
  await closeEditors(b.workbench);
  await receiveUpToOffer(b.workbench, { code, relay });
  await acceptInto(b.workbench, b.folder);
  await statusItem(b.workbench).filter({ hasText: '%' }).waitFor();
  await b.workbench.webview().locator('.graph').waitFor();
  await b.workbench.runCommand('View: Toggle Primary Side Bar Visibility');
  await picture(b, panel(b), 'media/walkthrough', 'receive');
  await a.workbench.runCommand('Focus on Transfers View');
  await a.workbench.page.getByRole('treeitem', { name: /film\.mov, Sending/ }).waitFor();
  const view = a.workbench.page.locator('.pane').filter({ hasText: 'film.mov' }).last();
  await picture(a, view, 'media/walkthrough', 'follow');
  await panelButton(b.workbench, 'cancel').click();
  await panelHeading(b.workbench, 'Cancelled: film.mov').waitFor();
}

for (const folder of ['media/walkthrough', 'docs/images'])
  await mkdir(at(folder), { recursive: true });
process.env.CROC_VSIX ??= await packExtension();
const editors = await Editors.open({
  a: {
    prepare: async (folder) => {
      await makeTree(path.join(folder, 'sample'), { files: 12 });
      await makeFilm(path.join(folder, 'film.mov'));
    },
  },
  b: { prepare: (folder) => mkdir(path.join(folder, 'inbox')) },
});
try {
  for (const { workbench } of [editors.a, editors.b]) await workbench.page.setViewportSize(SIZE);
  await walk(editors);
  await animation();
  await stills(editors);
} finally {
  await editors.close();
}
