/** Whatever the manifest contributes is tried out in a real editor: there is a test that names it. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../support/vscode/project.js';

const ids = (key: string) => v.array(v.looseObject({ [key]: v.string() }));
const manifestSchema = v.looseObject({
  contributes: v.looseObject({
    commands: ids('command'),
    menus: v.record(v.string(), ids('command')),
    configuration: v.looseObject({ properties: v.record(v.string(), v.unknown()) }),
    taskDefinitions: v.array(v.looseObject({ properties: v.record(v.string(), v.unknown()) })),
    problemMatchers: ids('name'),
    views: v.record(v.string(), ids('id')),
    viewsWelcome: ids('view'),
    walkthroughs: ids('id'),
  }),
});

const { contributes } = v.parse(
  manifestSchema,
  JSON.parse(readFileSync(path.join(projectRoot, 'package.json'), 'utf8')),
);

/** Every test of a folder in one text; the one about the manifest only reads it. */
function testsIn(folder: string): string {
  const files = readdirSync(path.join(projectRoot, folder)).filter(
    (name) => name.endsWith('.test.ts') && name !== 'manifest.test.ts',
  );
  return files.map((name) => readFileSync(path.join(projectRoot, folder, name), 'utf8')).join('\n');
}
const inHost = testsIn('test/vscode/suite');
const inEditors = testsIn('test/e2e');

/** A word of its own: `croc.send` is not named by `croc.sendText`. */
const names = (text: string, word: string): boolean =>
  new RegExp(`(?<![\\w.])${word.replaceAll('.', '\\.')}(?![\\w.]*\\w)`).test(text);

describe('in the extension host there is a test of', () => {
  it.each(contributes.commands.map(({ command }) => String(command)))('the command %s', (id) => {
    expect(names(inHost, id)).toBe(true);
  });

  // Tests set them without the prefix: `scene.set('limit', 1)`.
  it.each(Object.keys(contributes.configuration.properties))('the setting %s', (key) => {
    expect(inHost).toContain(`scene.set('${key.replace('croc.', '')}'`);
  });

  it.each(Object.values(contributes.views).flatMap((all) => all.map(({ id }) => String(id))))(
    'the view %s',
    (id) => {
      expect(names(inHost, `${id}.focus`)).toBe(true);
    },
  );

  it.each(contributes.taskDefinitions.flatMap(({ properties }) => Object.keys(properties)))(
    'the task property %s',
    (name) => {
      expect(names(testsIn('test/vscode/suite'), name)).toBe(true);
    },
  );

  it.each(contributes.problemMatchers.map(({ name }) => String(name)))('the matcher %s', (name) => {
    expect(inHost).toContain(`$${name}`);
  });
});

describe('in a whole editor there is a test of', () => {
  // test/e2e/menus.test.ts looks for every entry of the manifest; it has to know how each menu is opened.
  it.each(Object.keys(contributes.menus))('the menu %s', (menu) => {
    expect(inEditors).toContain(`'${menu}'`);
  });

  it.each(contributes.walkthroughs.map(({ id }) => String(id)))('the walkthrough %s', (id) => {
    expect(names(inEditors, id)).toBe(true);
  });

  it('the welcome of each empty view', () => {
    expect(contributes.viewsWelcome.map(({ view }) => view)).toEqual(['croc.transfers']);
    expect(inEditors).toContain('Receive with Code…');
  });
});
