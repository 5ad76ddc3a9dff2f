/** Where this window's files are, in words: a person at a remote window has two machines. */
import { hostname } from 'node:os';
import * as vscode from 'vscode';

/** Kinds of places, by the prefix of VS Code's `remoteName`. */
const KINDS = [
  [/^ssh-remote/, 'ssh'],
  [/^wsl/, 'wsl'],
  [/^(dev-container|attached-container|k8s-container)/, 'container'],
  [/^(codespaces|github-codespaces)/, 'codespace'],
] as const;
export type PlaceKind = (typeof KINDS)[number][1] | 'local' | 'remote';

/** @param remoteName - `vscode.env.remoteName` @returns what kind of machine the files are on */
export function placeKind(remoteName: string | undefined): PlaceKind {
  if (remoteName === undefined || remoteName === '') return 'local';
  return KINDS.find(([pattern]) => pattern.test(remoteName))?.[1] ?? 'remote';
}

/**
 * Where files come from and go to.
 *
 * @returns like `on SSH: devbox` or `in the container`; undefined on the person's own machine
 */
export function placeText(
  remoteName: string | undefined = vscode.env.remoteName,
  host: string = hostname(),
): string | undefined {
  const { t } = vscode.l10n;
  switch (placeKind(remoteName)) {
    case 'local':
      return undefined;
    case 'ssh':
      return t('on SSH: {0}', host);
    case 'wsl':
      return t('in WSL: {0}', host);
    case 'container':
      return t('in the container');
    case 'codespace':
      return t('in the codespace');
    case 'remote':
      return t('on the remote machine: {0}', host);
  }
}

/** Whose local network it is; a sentence, undefined on the person's own machine. */
export function networkText(
  remoteName: string | undefined = vscode.env.remoteName,
  host: string = hostname(),
): string | undefined {
  const { t } = vscode.l10n;
  switch (placeKind(remoteName)) {
    case 'local':
      return undefined;
    case 'container':
      return t('The local network is that of the container; other machines may not reach it.');
    case 'wsl':
      return t('The local network is that of WSL; other machines may not reach it.');
    default:
      return t('The local network is that of the remote machine, {0}.', host);
  }
}
