/** Send with croc: a code on the clipboard and in the panel, at once. */
import path from 'node:path';
import * as vscode from 'vscode';
import {
  CrocError,
  type IgnoreOptions,
  type Send,
  type SendItem,
  type SendOptions,
} from '../../core/index.js';
import type { Parts } from '../parts.js';
import { agreeToPublicRelays } from '../publicRelays.js';
import { sayError } from '../say.js';
import { settings } from '../settings.js';
import { ignoreOptions } from '../sending/ignored.js';
import { itemsOfUris, pathsOf, shownItem } from '../sending/sources.js';
import type { MeetingPoint, Transfer } from '../transfers.js';

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
  if (active?.scheme === 'file' || active?.scheme === 'untitled') return [active];
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

/**
 * The relay to connect to, and the address that the other side uses for the same one; neither is known before
 * for croc's own network, where the code decides.
 */
async function meetingPoint(
  parts: Parts,
  asked: string | undefined,
): Promise<{ connect: string | undefined; point: MeetingPoint | undefined }> {
  if (asked === undefined && settings.network === 'croc') {
    const connect = settings.crocRelay;
    if (connect === undefined) await agreeToPublicRelays(parts.context.globalState);
    return { connect, point: undefined };
  }
  if (asked !== undefined) return { connect: asked, point: { address: asked, own: false } };
  const set = settings.relay;
  if (set !== undefined) return { connect: set, point: { address: set, own: false } };
  const relay = await parts.relays.shared();
  return { connect: relay.localUrl, point: { address: relay.url, own: true } };
}

/**
 * Starts a send and puts it into the list.
 *
 * @param sent - absolute paths, files in memory, or a text @throws CrocError
 */
export async function startSend(
  parts: Parts,
  sent: readonly SendItem[],
  options: SendOptions = {},
): Promise<{ send: Send; transfer: Transfer }> {
  const [{ connect, point }, items] = await Promise.all([
    meetingPoint(parts, options.relay),
    Promise.all(sent.map(shownItem)),
  ]);
  const { curve, limit } = settings;
  const send = await parts.relayPasswords.using(connect, (password) =>
    parts.croc.send(sent, {
      curve,
      ...(limit === undefined ? {} : { limit }),
      ...password,
      ...options,
      ...(connect === undefined ? { network: 'croc' } : { relay: connect }),
    }),
  );
  const where = point ?? { address: send.relay, own: false };
  const facts = { items, meetingPoint: where, paths: pathsOf(sent), sent };
  return { send, transfer: parts.transfers.addSend(send, facts) };
}

/** How to send what a command sends. */
export interface SendWishes {
  /** What to leave out of folders; absent: as the settings say. */
  readonly ignore?: IgnoreOptions;
  /** A code of the person's own; absent: a new one. */
  readonly code?: string;
  /** What *Send Again* does after an error; absent: the same once more. */
  readonly again?: () => Promise<unknown>;
}

/**
 * Sends things, copies the code and opens the panel; errors are told.
 *
 * @returns whether there is a code now
 */
export async function sendItems(
  parts: Parts,
  items: readonly SendItem[],
  wishes: SendWishes = {},
): Promise<boolean> {
  const { again = () => sendItems(parts, items, wishes), ...wanted } = wishes;
  try {
    const options = { ignore: ignoreOptions(), ...wanted };
    const { send, transfer } = await startSend(parts, items, options);
    // The clipboard first: the person may already be on the way to the other window.
    const copied = vscode.env.clipboard.writeText(send.code);
    parts.panels.show(transfer);
    await copied;
    return true;
  } catch (thrown) {
    const error = CrocError.from(thrown);
    // Who leaves a question knows that nothing was sent.
    if (error.code === 'cancelled') return false;
    // The message stays until it is read, the command is done.
    void sayError(parts.log, error, {
      direction: 'send',
      ownRelay: !settings.relayIsSet,
      act: (remedy) => (remedy === 'send-again' ? again() : parts.act(remedy, undefined)),
    });
    return false;
  }
}

/** Sends files and folders. @param files - absolute paths @returns whether there is a code now */
export const sendFiles = (parts: Parts, files: readonly string[]): Promise<boolean> =>
  sendItems(parts, files);

/**
 * Sends what uris stand for: files and folders on a disk, and open editors as they stand.
 *
 * @returns whether there is a code now
 */
export async function sendUris(
  parts: Parts,
  uris: readonly vscode.Uri[],
  wishes: SendWishes = {},
): Promise<boolean> {
  const items = await itemsOfUris(uris);
  if (items === undefined) {
    await vscode.window.showErrorMessage(
      vscode.l10n.t(
        'Only files on a disk can be sent. Save it to a folder first, then send it from there.',
      ),
    );
    return false;
  }
  const folders = uris.filter((_, index) => typeof items[index] === 'string');
  return (await settleUnsaved(folders)) && sendItems(parts, items, wishes);
}

/** The same things once more without leaving anything out, instead of a send that left something out. */
export async function includeIgnored(parts: Parts, transfer: Transfer): Promise<boolean> {
  const { sent, paths } = transfer.facts;
  await transfer.cancel();
  return sendItems(parts, sent ?? paths, { ignore: {} });
}

/**
 * What a command is to send.
 *
 * @param given - `(uri, uris?)`, or nothing
 * @returns empty when the person leaves
 */
export async function urisToSend(given: readonly unknown[]): Promise<readonly vscode.Uri[]> {
  const handed = urisOf(given);
  return handed.length > 0 ? handed : chooseUris();
}

/** The command. @param given - `(uri, uris?)`, or nothing */
export async function send(parts: Parts, given: readonly unknown[]): Promise<void> {
  const uris = await urisToSend(given);
  if (uris.length > 0) await sendUris(parts, uris);
}
