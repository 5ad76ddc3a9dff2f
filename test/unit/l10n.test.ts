/** Every text is there in every language, and none that nobody says. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { dynamicCalls, sentences } from '../support/l10n.js';
import { projectRoot } from '../support/vscode/project.js';

const bundle = (...file: string[]): Record<string, string> =>
  v.parse(
    v.record(v.string(), v.string()),
    JSON.parse(readFileSync(path.join(projectRoot, ...file), 'utf8')),
  );
const named = (folder: string, what: RegExp): string[] =>
  readdirSync(path.join(projectRoot, folder)).filter((name) => what.test(name));
const holes = (text: string): string[] => (text.match(/\{\d+\}/g) ?? []).sort();

describe('the sentences of the extension', () => {
  it('are written where they are said, but for the texts of the errors', () => {
    expect(dynamicCalls().map((call) => call.replace(/^.*: /, ''))).toEqual([
      'ERRORS[code].next',
      'entry.what',
    ]);
  });

  it('are all in the English bundle (run `npm run l10n`)', () => {
    expect(Object.keys(bundle('l10n', 'bundle.l10n.json'))).toEqual(sentences());
  });

  it.each(named('l10n', /^bundle\.l10n\.\w+\.json$/))('are all in %s', (file) => {
    const texts = bundle('l10n', file);
    const missing = sentences().filter((sentence) => texts[sentence] === undefined);
    expect({ missing }).toEqual({ missing: [] });
    const known = new Set(sentences());
    expect(Object.keys(texts).filter((sentence) => !known.has(sentence))).toEqual([]);
    for (const [sentence, text] of Object.entries(texts)) {
      expect(text.trim()).not.toBe('');
      expect(holes(text), sentence).toEqual(holes(sentence));
    }
  });
});

describe('the texts of the manifest', () => {
  it.each(named('.', /^package\.nls\.\w+\.json$/))('are all in %s', (file) => {
    const english = bundle('package.nls.json');
    const texts = bundle(file);
    expect(Object.keys(texts).sort()).toEqual(Object.keys(english).sort());
    const commands = (text: string): string[] => text.match(/\(command:[\w.]+\)/g) ?? [];
    for (const [key, text] of Object.entries(texts)) {
      expect(text.trim(), key).not.toBe('');
      expect(commands(text), key).toEqual(commands(english[key] ?? ''));
    }
  });
});
