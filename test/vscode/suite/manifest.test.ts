/** package.json and package.nls.json as VS Code reads them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { COMMANDS } from '../../../src/extension/commands/ids.js';
import { crocFolder } from '../support/extension.js';

const entry = v.looseObject({
  command: v.string(),
  when: v.optional(v.string()),
  group: v.optional(v.string()),
});
const manifestSchema = v.looseObject({
  activationEvents: v.array(v.string()),
  extensionKind: v.array(v.string()),
  enabledApiProposals: v.optional(v.array(v.string()), []),
  browser: v.optional(v.string()),
  contributes: v.looseObject({
    commands: v.array(
      v.looseObject({
        command: v.string(),
        title: v.string(),
        category: v.string(),
        enablement: v.optional(v.string()),
      }),
    ),
    menus: v.record(v.string(), v.array(entry)),
    configuration: v.looseObject({
      properties: v.record(v.string(), v.looseObject({ scope: v.string() })),
    }),
  }),
});

const read = (name: string): string => readFileSync(path.join(crocFolder(), name), 'utf8');
const parse = (text: string): unknown => JSON.parse(text);

describe('the manifest', () => {
  // Not from VS Code's packageJSON: there every %key% is replaced already.
  const raw = read('package.json');
  const manifest = v.parse(manifestSchema, parse(raw));
  const { commands, menus, configuration } = manifest.contributes;
  const palette = new Map((menus['commandPalette'] ?? []).map((one) => [one.command, one.when]));

  it('has every text in package.nls.json, and no text there that nobody uses', () => {
    const texts = v.parse(v.record(v.string(), v.string()), parse(read('package.nls.json')));
    const used = [...raw.matchAll(/"%([\w.]+)%"/g)].map(([, key = '']) => key);
    assert.deepEqual(new Set(used), new Set(Object.keys(texts)));
    assert.deepEqual(
      Object.entries(texts).filter(([, text]) => text.trim() === ''),
      [],
    );
    for (const { command, title, category } of commands) {
      assert.equal(title, `%command.${command.replace('croc.', '')}%`);
      assert.equal(category, 'Croc');
    }
  });

  it('declares the commands that the program has', () => {
    assert.deepEqual(
      commands.map(({ command }) => command),
      [...COMMANDS],
    );
    const known = new Set<string>(COMMANDS);
    for (const entries of Object.values(menus))
      for (const { command } of entries) assert.ok(known.has(command), command);
  });

  it('shows in the palette only what can be done at the moment', () => {
    assert.equal(palette.get('croc.receiveHere'), 'false');
    assert.equal(palette.get('croc.removeTransfer'), 'false');
    for (const { command, enablement } of commands)
      if (enablement !== undefined) assert.equal(palette.get(command), enablement, command);
    assert.equal(palette.get('croc.sendSelection'), 'editorHasSelection');
    assert.match(palette.get('croc.sendChanges') ?? '', /isWorkspaceTrusted/);
    assert.match(menus['scm/title']?.[0]?.when ?? '', /scmProvider == git/);
    assert.ok(!palette.has('croc.send'));
    assert.ok(!palette.has('croc.receive'));
  });

  it('offers to send and receive only where there are files on a disk', () => {
    for (const [menu, entries] of Object.entries(menus))
      if (/^(explorer|editor)/.test(menu))
        for (const { command, when = '' } of entries)
          // A selection can be in whatever an editor shows.
          if (command === 'croc.sendSelection') assert.equal(when, 'editorHasSelection');
          else assert.match(when, /resourceScheme =~/, menu);
  });

  it('keeps the rows of the view to themselves, and every row can be reached without a mouse', () => {
    const inView = [...(menus['view/title'] ?? []), ...(menus['view/item/context'] ?? [])];
    assert.ok(inView.length > 0);
    for (const { when = '' } of inView) assert.match(when, /^view == croc\.transfers/);
    // What is an icon on the row is in its menu too.
    const inMenu = (menus['view/item/context'] ?? []).filter(
      ({ group = '' }) => !group.startsWith('inline'),
    );
    for (const { command, group = '' } of menus['view/item/context'] ?? [])
      if (group.startsWith('inline'))
        assert.ok(
          inMenu.some((one) => one.command === command),
          command,
        );
  });

  it('lets every row be opened, also after a restart: VS Code greys out rows of a disabled command', () => {
    const opening = commands.find(({ command }) => command === 'croc.showTransfer');
    assert.equal(opening?.enablement, undefined);
    assert.equal(palette.get('croc.showTransfer'), 'croc.transferKnown');
  });

  it('lets no repository redirect a transfer', () => {
    const scopes = Object.values(configuration.properties).map(({ scope }) => scope);
    assert.ok(scopes.length > 0);
    for (const scope of scopes) assert.match(scope, /^(application|machine)$/);
  });

  it('runs beside the files, without proposed API', () => {
    assert.deepEqual(manifest.extensionKind, ['workspace']);
    assert.deepEqual(manifest.enabledApiProposals, []);
    assert.equal(manifest.browser, undefined);
    for (const event of manifest.activationEvents)
      assert.match(event, /^on(Uri$|(TaskType|WebviewPanel):)/);
  });
});
