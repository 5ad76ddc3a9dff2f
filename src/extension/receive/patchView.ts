/** A patch in VS Code's editor for several changes at once, before anything of it is applied. */
import path from 'node:path';
import * as vscode from 'vscode';
import { foreignText } from '../foreign.js';
import type { Git, Repository } from '../git.js';
import { previewPatch, type PreviewFile, type PreviewSide } from './patchPreview.js';

const SCHEME = 'croc-patch';

/** What is shown at the moment; it is in memory alone, and gone with its editor. */
class Previews implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #texts = new Map<string, string>();
  readonly #subscription: vscode.Disposable;
  #count = 0;
  #title = '';

  constructor() {
    this.#subscription = vscode.Disposable.from(
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      // VS Code may read a document at any time, so they stay as long as their editor.
      vscode.window.tabGroups.onDidChangeTabs(({ closed }) => {
        const still = vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs);
        if (closed.length > 0 && !still.some((tab) => this.shows(tab))) this.#forget();
      }),
    );
  }

  /** Whether a tab is the one of the changes; VS Code adds how many files there are to its title. */
  shows({ label }: vscode.Tab): boolean {
    return this.#title !== '' && label.startsWith(this.#title);
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#texts.get(uri.toString()) ?? '';
  }

  /** Shows the changes of one patch; those shown before are forgotten. */
  async show(title: string, root: string, files: readonly PreviewFile[]): Promise<void> {
    this.#forget();
    this.#title = title;
    this.#count += 1;
    const rows = files.map(({ path: name, before, after }) => [
      vscode.Uri.file(path.join(root, name)),
      this.#keep(name, 'before', before),
      this.#keep(name, 'after', after),
    ]);
    await vscode.commands.executeCommand('vscode.changes', title, rows);
    // Or the next file that somebody opens to compare would take its place.
    await vscode.commands.executeCommand('workbench.action.keepEditor');
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#forget();
  }

  #forget(): void {
    this.#texts.clear();
  }

  #keep(name: string, side: string, content: PreviewSide): vscode.Uri | undefined {
    if (content === undefined) return undefined;
    const query = `${side}-${this.#count}`;
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${name}`, query });
    const text =
      'text' in content
        ? content.text
        : vscode.l10n.t('This cannot be shown as a text ({0}).', content.binary.slice(0, 12));
    this.#texts.set(uri.toString(), text);
    return uri;
  }
}

/** Shows patches as what they would change. */
export class PatchView implements vscode.Disposable {
  #previews: Previews | undefined;

  /**
   * Shows what a patch would change in the first repository that it fits.
   *
   * @returns that repository; undefined when there is none
   */
  async show(git: Git, patch: Uint8Array): Promise<Repository | undefined> {
    for (const repository of git.repositories) {
      const files = await previewPatch(git, repository, patch);
      if (files === undefined || files.length === 0) continue;
      this.#previews ??= new Previews();
      const title = vscode.l10n.t('Offered changes to {0}', foreignText(repository.name));
      await this.#previews.show(title, repository.root, files);
      return repository;
    }
    return undefined;
  }

  /** Whether a tab is the one that shows a patch. */
  shows(tab: vscode.Tab): boolean {
    return this.#previews?.shows(tab) ?? false;
  }

  dispose(): void {
    this.#previews?.dispose();
  }
}
