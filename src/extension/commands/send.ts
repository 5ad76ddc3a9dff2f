/** Send with croc: a code on the clipboard and in the panel, at once. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import type { Send, SendOptions } from '../../core/index.js';
import type { Parts } from '../parts.js';
import { sayError } from '../say.js';
import { settings } from '../settings.js';
import type { MeetingPoint, Transfer, TransferItem } from '../transfers.js';

const isUri = (value: unknown): value is vscode.Uri => value instanceof vscode.Uri;

/** What the Explorer, a tab, an editor or another extension handed over; nothing in the palette. */
function urisOf(given: readonly unknown[]): vscode.Uri[] {
  const [first, all] = given;
  // A tab's menu hands over something else as second argument, so it is looked at, not believed.
  const several: unknown[] = Array.isArray(all) ? all : [];
  const uris = several.filter(isUri);
  if (uris.length > 0) return uris;
  return isUri(first) ? [first] : [];
}

/** The uri of the active editor, also of an image or a notebook. */
function activeUri(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (
    input instanceof vscode.TabInputText ||
    input instanceof vscode.TabInputCustom ||
    input instanceof vscode.TabInputNotebook
  )
    return input.uri;
  return vscode.window.activeTextEditor?.document.uri;
}

/** What to send when nothing was handed over: the active file, else what the person picks. */
async function chooseUris(): Promise<vscode.Uri[]> {
  const active = activeUri();
  if (active?.scheme === 'file') return [active];
  const picked = await vscode.window.showOpenDialog({
    canSelectFiles: true,
    canSelectFolders: true,
    canSelectMany: true,
    openLabel: vscode.l10n.t('Send'),
    title: vscode.l10n.t('Send with croc'),
  });
  return picked ?? [];
}

/** Asks about unsaved changes. @returns false when the person leaves */
async function settleUnsaved(uris: readonly vscode.Uri[]): Promise<boolean> {
  const inside = (file: string, root: string): boolean =>
    file === root || file.startsWith(root.endsWith(path.sep) ? root : root + path.sep);
  const dirty = vscode.workspace.textDocuments.filter(
    (document) =>
      document.isDirty &&
      document.uri.scheme === 'file' &&
      uris.some((uri) => inside(document.uri.fsPath, uri.fsPath)),
  );
  if (dirty.length === 0) return true;
  const save = vscode.l10n.t('Save and Send');
  const asIs = vscode.l10n.t('Send What Is on Disk');
  const picked = await vscode.window.showWarningMessage(
    dirty.length === 1
      ? vscode.l10n.t(
          '{0} has changes that are not saved.',
          path.basename(dirty[0]?.fileName ?? ''),
        )
      : vscode.l10n.t('{0} files have changes that are not saved.', dirty.length),
    save,
    asIs,
  );
  if (picked === save) for (const document of dirty) await document.save();
  return picked !== undefined;
}

async function itemOf(file: string): Promise<TransferItem> {
  const found = await stat(file).catch(() => undefined);
  const folder = found?.isDirectory() ?? false;
  return {
    name: path.basename(file),
    kind: folder ? 'folder' : 'file',
    bytes: folder ? undefined : found?.size,
  };
}

/** The relay to connect to, and the address that the other side uses for the same one. */
async function meetingPoint(
  parts: Parts,
  asked: string | undefined,
): Promise<{ connect: string; point: MeetingPoint }> {
  if (asked !== undefined) return { connect: asked, point: { address: asked, own: false } };
  const set = settings.relay;
  if (set !== undefined) return { connect: set, point: { address: set, own: false } };
  const relay = await parts.relays.shared();
  return { connect: relay.localUrl, point: { address: relay.url, own: true } };
}

/**
 * Starts a send and puts it into the list.
 *
 * @param files - absolute paths @throws CrocError
 */
export async function startSend(
  parts: Parts,
  files: readonly string[],
  options: SendOptions = {},
): Promise<{ send: Send; transfer: Transfer }> {
  const [{ connect, point }, items] = await Promise.all([
    meetingPoint(parts, options.relay),
    Promise.all(files.map(itemOf)),
  ]);
  const { curve, limit } = settings;
  const send = await parts.croc.send(files, {
    curve,
    ...(limit === undefined ? {} : { limit }),
    ...options,
    relay: connect,
  });
  const transfer = parts.transfers.addSend(send, { items, meetingPoint: point, paths: files });
  return { send, transfer };
}

/**
 * Sends files, copies the code and opens the panel; errors are told.
 *
 * @returns whether there is a code now
 */
export async function sendFiles(parts: Parts, files: readonly string[]): Promise<boolean> {
  try {
    const { send, transfer } = await startSend(parts, files);
    // The clipboard first: the person may already be on the way to the other window.
    const copied = vscode.env.clipboard.writeText(send.code);
    parts.panels.show(transfer);
    await copied;
    return true;
  } catch (error) {
    // The message stays until it is read, the command is done.
    void sayError(parts.log, error, {
      direction: 'send',
      ownRelay: !settings.relayIsSet,
      act: (remedy) =>
        remedy === 'send-again' ? sendFiles(parts, files) : parts.act(remedy, undefined),
    });
    return false;
  }
}

/** The command. @param given - `(uri, uris?)`, or nothing */
export async function send(parts: Parts, given: readonly unknown[]): Promise<void> {
  const handed = urisOf(given);
  const uris = handed.length > 0 ? handed : await chooseUris();
  if (uris.length === 0) return;
  const files = uris.filter((uri) => uri.scheme === 'file');
  if (files.length < uris.length) {
    await vscode.window.showErrorMessage(
      vscode.l10n.t(
        'Only files on a disk can be sent. Save it to a folder first, then send it from there.',
      ),
    );
    return;
  }
  if (!(await settleUnsaved(files))) return;
  await sendFiles(
    parts,
    files.map((uri) => uri.fsPath),
  );
}
