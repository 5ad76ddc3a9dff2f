/**
 * What the sentences of the panel need of `vscode`, for pages that are built outside of an extension
 * host: the translation (VS Code's own library) and the environment. Everything else is not there.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { config, t } from '@vscode/l10n';
import { projectRoot } from '../vscode/project.js';

export const l10n = { t };
export const env = { language: 'en', remoteName: undefined, uriScheme: 'vscode' };
export const UIKind = { Desktop: 1, Web: 2 };

/** Switches the sentences to a language: `en`, or one that has a bundle in l10n/. */
export function speak(language: string): void {
  env.language = language;
  const file = path.join(projectRoot, 'l10n', `bundle.l10n.${language}.json`);
  config({ contents: language === 'en' ? '{}' : readFileSync(file, 'utf8') });
}
