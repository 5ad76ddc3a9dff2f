/** What the setting `croc.ignore` leaves out of folders that are sent. */
import * as vscode from 'vscode';
import type { ExcludePatterns, IgnoreOptions } from '../../core/index.js';
import { settings } from '../settings.js';
import { excludePatterns } from './globs.js';

/** What to leave out now, as the settings say. */
export function ignoreOptions(): IgnoreOptions {
  const { ignore } = settings;
  if (ignore === 'none') return {};
  if (ignore === 'gitignore') return { gitignore: true };
  const exclude: ExcludePatterns[] = (vscode.workspace.workspaceFolders ?? [])
    .filter(({ uri }) => uri.scheme === 'file')
    .map(({ uri }) => ({
      base: uri.fsPath,
      patterns: excludePatterns(vscode.workspace.getConfiguration('files', uri).get('exclude')),
    }));
  return { gitignore: true, exclude };
}
