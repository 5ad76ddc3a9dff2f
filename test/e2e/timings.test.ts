/**
 * How long the walks take in real editors: `CROC_BENCH=1 npm run test:e2e -- timings`. A measurement and no test, so it
 * runs only when asked for; the table goes to test/out/bench/editor.txt.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deadlineMs, testOut } from '../support/vscode/project.js';
import { pause, until } from '../support/vscode/wait.js';
import type { Workbench } from '../support/vscode/workbench.js';
import { closeEditors, panelHeading, relayInPanel, statusItem, words } from './croc.js';
import { Editors } from './editors.js';

const ROUNDS = 6;
/** Between two looks; what is told is late by less. */
const LOOK_MS = 2;

/** Looks until something is there; gives it and the time, on the clock of `performance.now()`. */
async function seen<T>(look: () => Promise<T | undefined>, what: string): Promise<[T, number]> {
  const found = await until(look, deadlineMs.step, what, LOOK_MS);
  return [found, performance.now()];
}

/** One walk, in milliseconds. */
interface Walk {
  /** From the click in the menu to the code on the clipboard. */
  readonly clipboard: number;
  /** … to the code in the status bar. */
  readonly shown: number;
  /** From Enter behind the code to the list of what is offered. */
  readonly offer: number;
  /** From the choice of the folder to the first byte in it. */
  readonly bytes: number;
}

const row = (name: string, values: readonly number[]): string => {
  const [first = 0, ...later] = values;
  const sorted = later.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return `| ${name} | ${first.toFixed(0)} ms | ${median.toFixed(0)} ms |`;
};

describe.runIf(process.env['CROC_BENCH'] === '1')('the walks, timed', () => {
  let editors: Editors;
  beforeAll(async () => {
    editors = await Editors.open({
      a: { prepare: (folder) => writeFile(path.join(folder, 'five.bin'), randomBytes(5 << 20)) },
      b: {},
    });
  });
  afterAll(() => editors.close());

  /** Opens the menu, clicks, and looks for the code. */
  async function send(
    workbench: Workbench,
    before: string,
  ): Promise<{ code: string; clipboard: number; shown: number }> {
    await workbench.openContextMenu('five.bin', words.send);
    const item = workbench.page.locator('.monaco-menu').getByRole('menuitem', { name: words.send });
    await item.hover();
    // A menu swallows a click that follows its opening too soon.
    await pause(300);
    const start = performance.now();
    await item.click({ noWaitAfter: true });
    const [code, copied] = await seen(async () => {
      const text = await workbench.readClipboard();
      return text === before ? undefined : text;
    }, 'The code on the clipboard');
    const [, shown] = await seen(async () => {
      const text = await statusItem(workbench).innerText();
      return text.includes(code) ? true : undefined;
    }, 'The code in the status bar');
    return { code, clipboard: copied - start, shown: shown - start };
  }

  async function walk(before: string): Promise<Walk & { code: string }> {
    const { a, b } = editors;
    const { quickInput, page } = b.workbench;
    const sent = await send(a.workbench, before);
    const relay = await relayInPanel(a.workbench, sent.code);
    await b.workbench.runCommandByKeys(words.receive);
    await quickInput.asks(words.asksCode);
    await quickInput.fill(sent.code);
    await page.keyboard.press('Enter');
    await quickInput.asks(words.asksRelay);
    await quickInput.fill(relay);
    const typed = performance.now();
    await page.keyboard.press('Enter');
    const title = page.locator('.quick-input-title').filter({ hasText: /1 file/ });
    const [, listed] = await seen(
      async () => ((await title.isVisible()) ? true : undefined),
      'The offer',
    );
    await quickInput.asks(words.asksWhat);
    await quickInput.accept();
    await quickInput.asks(words.asksFolder);
    const chosen = performance.now();
    await page.keyboard.press('Enter');
    const [, first] = await seen(async () => {
      for (const name of await readdir(b.folder))
        if ((await stat(path.join(b.folder, name)).catch(() => undefined))?.size) return true;
      return undefined;
    }, 'The first byte');
    await panelHeading(a.workbench, 'Sent five.bin').waitFor();
    await panelHeading(b.workbench, 'Received five.bin').waitFor();
    for (const side of [a, b]) await closeEditors(side.workbench);
    await rm(path.join(b.folder, 'five.bin'));
    return { ...sent, offer: listed - typed, bytes: first - chosen };
  }

  it('from right-click to code, and from code to first byte', async () => {
    const walks: Walk[] = [];
    let before = '';
    for (let round = 0; round < ROUNDS; round += 1) {
      const done = await walk(before);
      before = done.code;
      walks.push(done);
    }
    const { size } = await stat(process.env['CROC_VSIX'] ?? '');
    const table = [
      '| | first | later, median |',
      '|---|--:|--:|',
      row(
        'right-click: click to code on the clipboard',
        walks.map(({ clipboard }) => clipboard),
      ),
      row(
        '… to code in the status bar',
        walks.map(({ shown }) => shown),
      ),
      row(
        'Enter to the list of what is offered',
        walks.map(({ offer }) => offer),
      ),
      row(
        'folder chosen to first byte in it',
        walks.map(({ bytes }) => bytes),
      ),
      row(
        'Enter to first byte, without the person',
        walks.map((one) => one.offer + one.bytes),
      ),
      `| size of the package | ${(size / 1024).toFixed(0)} KiB | |`,
    ].join('\n');
    const file = testOut('bench', 'editor.txt');
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, `${table}\n`);
    console.log(table);
    expect(walks.length).toBe(ROUNDS);
  });
});
