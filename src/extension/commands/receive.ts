/** Receive a code: what, from which relay, what of it, where to. Nothing is written before the end. */
import * as vscode from 'vscode';
import {
  CrocError,
  isCrocRelay,
  networkOf,
  freeBytes,
  type Offer,
  type ReceiveOptions,
  type RecipientState,
} from '../../core/index.js';
import { codeStillGood } from '../remedies.js';
import type { Parts } from '../parts.js';
import { askCode, codeFromClipboard } from '../receive/codeStep.js';
import { findConflicts } from '../receive/conflicts.js';
import { askConflict, askFolder, type ConflictWish } from '../receive/folderStep.js';
import { askWhat } from '../receive/offerStep.js';
import type { Chosen } from '../receive/offerTree.js';
import { askRelay } from '../receive/relayStep.js';
import { review } from '../receive/review.js';
import { takeText } from '../receive/takeText.js';
import { askText } from '../receive/textStep.js';
import { acceptTracked, offeredItems } from '../receive/track.js';
import type { OfferPanel } from '../views/panel.js';
import { agreeToPublicRelays } from '../publicRelays.js';
import { sayError } from '../say.js';
import { settings } from '../settings.js';
import { bytesText, shortAddress } from '../texts.js';
import type { Transfer } from '../transfers.js';

const LAST_RELAY = 'lastRelay';

/** What is known before the first question. */
export interface ReceiveStart {
  /** Prefilled; the clipboard is looked at when absent. */
  readonly code?: string;
  /** Prefilled, `http://host:port`; also asked for when a relay is set. */
  readonly relay?: string;
  /** Whether to ask for the relay even if the local network could be asked. */
  readonly askRelay?: boolean;
  /** Whether code and relay come from a link, so somebody else chose them. */
  readonly fromLink?: boolean;
  /** Absolute folder that the person already chose. */
  readonly to?: string;
}

interface Meeting {
  readonly code: string;
  /** Absent: the local network is asked, or croc's own for a code of its. */
  readonly relay?: string;
  /** Whether the person typed the relay, or none is needed, so that nobody else is asked. */
  readonly typed: boolean;
}

/** The options of the core's `receive` that look on the local network. @param wished - whether it makes sense */
export function lookAround(wished: boolean): Pick<ReceiveOptions, 'discover' | 'multicast'> {
  const multicast = wished ? settings.surroundings : undefined;
  return multicast === undefined ? { discover: false } : { discover: true, multicast };
}

/** Which of several relays with the same channel is the sender's; the person sees it there. */
async function askWhich(relays: readonly string[]): Promise<string | undefined> {
  const { t } = vscode.l10n;
  const picked = await vscode.window.showQuickPick(
    relays.map((relay) => ({ label: shortAddress(relay), relay })),
    {
      title: t('Several relays on this network have a channel of this name.'),
      placeHolder: t('Which address does the sender see beside the code?'),
      ignoreFocusOut: true,
    },
  );
  return picked?.relay;
}

/** Nothing came of the local network, and no relay is set: the address can still be typed. */
const NOT_FOUND: ReadonlySet<string> = new Set(['no_relay', 'no_such_channel']);

/** Asks for code and relay. @returns undefined when the person leaves @throws CrocError */
async function askMeeting(parts: Parts, start: ReceiveStart): Promise<Meeting | undefined> {
  const fromLink = start.fromLink === true;
  const title = fromLink ? vscode.l10n.t('Receive from a link') : vscode.l10n.t('Receive');
  const set = start.relay === undefined ? settings.relay : undefined;
  const alone = start.relay === undefined && set === undefined && start.askRelay !== true;
  const found = alone && settings.surroundings !== undefined;
  const totalSteps = set === undefined && !found ? 2 : 1;
  let code = start.code ?? (await codeFromClipboard());
  for (;;) {
    const typed = await askCode(code, { title, totalSteps });
    if (typed.kind !== 'value') return undefined;
    code = typed.value;
    if (start.relay === undefined && networkOf(code) === 'croc') {
      const { crocRelay } = settings;
      if (crocRelay === undefined) await agreeToPublicRelays(parts.context.globalState);
      return { code, typed: true, ...(crocRelay === undefined ? {} : { relay: crocRelay }) };
    }
    if (set !== undefined) return { code, relay: set, typed: false };
    if (found) return { code, typed: false };
    const last = parts.context.globalState.get<unknown>(LAST_RELAY);
    const prefilled =
      start.relay ?? (typeof last === 'string' ? last : parts.relays.current?.url) ?? '';
    const relay = await askRelay(shortAddress(prefilled), {
      ...{ title, totalSteps },
      foreign: fromLink && start.relay !== undefined,
    });
    if (relay.kind === 'back') continue;
    return relay.kind === 'value' ? { code, relay: relay.value, typed: true } : undefined;
  }
}

/** The state while connecting, in words. */
function stateText(state: RecipientState): string {
  const { t } = vscode.l10n;
  if (state === 'awaiting-x') return t('Meeting the sender…');
  if (state === 'awaiting-h_k') return t('Checking the code…');
  if (state === 'connecting') return t('Connecting…');
  if (state === 'receiving') return t('Getting the list…');
  return t('Asking the relay…');
}

/** Connects with a progress message that can cancel. @throws CrocError */
function connect(parts: Parts, { code, relay, typed }: Meeting): PromiseLike<Offer> {
  return vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t('Receive'),
      cancellable: true,
    },
    (progress, token) => {
      const abort = new AbortController();
      token.onCancellationRequested(() => abort.abort());
      let shown = vscode.l10n.t('Looking for the sender…');
      progress.report({ message: shown });
      return parts.relayPasswords.using(relay, (password) =>
        parts.croc.receive(code, {
          ...(relay === undefined ? {} : { relay }),
          ...password,
          ...lookAround(!typed),
          onSeveral: askWhich,
          signal: abort.signal,
          onState: (state) => {
            shown = stateText(state);
            progress.report({ message: shown });
          },
          onConnection: ({ connected }) =>
            progress.report({
              message: connected ? shown : vscode.l10n.t('The connection was lost. Reconnecting…'),
            }),
        }),
      );
    },
  );
}

interface Wishes {
  readonly chosen: Chosen;
  readonly to: string;
  readonly onConflict: ConflictWish;
}

/** Asks what to take and where to. @returns what is wished, or why not */
async function askWishes(
  offer: Offer,
  fixedFolder: string | undefined,
): Promise<Wishes | 'left' | 'gone'> {
  const title = vscode.l10n.t('Receive');
  const totalSteps = fixedFolder === undefined ? 2 : 1;
  const gone = offer.gone;
  let ticks: ReadonlySet<number> | undefined;
  for (;;) {
    const what = await askWhat(offer, { title, step: 1, totalSteps }, ticks);
    if (what.kind === 'gone') return 'gone';
    if (what.kind !== 'value') return 'left';
    ticks = what.value.ticks;
    const { chosen } = what.value;
    for (;;) {
      const folder =
        fixedFolder === undefined
          ? await askFolder({ title, step: 2, totalSteps, gone })
          : ({ kind: 'value', value: fixedFolder } as const);
      if (folder.kind === 'back') break;
      if (folder.kind !== 'value') return folder.kind;
      const to = folder.value;
      if (!hasRoom(to, offer, chosen)) {
        if (fixedFolder !== undefined) break;
        continue;
      }
      const taken = await findConflicts(to, offer.entries, chosen.only);
      if (gone.aborted) return 'gone';
      if (taken.length === 0) return { chosen, to, onConflict: 'rename' };
      const step = totalSteps + 1;
      const choice = await askConflict(taken, { title, step, totalSteps: step, gone });
      if (choice.kind === 'value') return { chosen, to, onConflict: choice.value };
      if (choice.kind !== 'back') return choice.kind;
      // Back from here is the folder, or the list when the folder is fixed.
      if (fixedFolder !== undefined) break;
    }
  }
}

/** Says when a folder's disk is too small. @returns whether it has room */
function hasRoom(to: string, offer: Offer, { only }: Chosen): boolean {
  const free = freeBytes(to);
  const indices = only ?? offer.entries.keys();
  let needed = 0;
  for (const index of indices) needed += offer.entries[index]?.size ?? 0;
  if (free === undefined || needed <= free || offer.gone.aborted) return true;
  // The question comes back at once: somebody who overlooks the message would wait, and the sender, too.
  void vscode.window.showWarningMessage(
    vscode.l10n.t(
      'There is not enough room: {0} are needed, {1} are free in {2}.',
      ...[bytesText(needed), bytesText(free), to],
    ),
  );
  return false;
}

/** Takes a text; what becomes of it is done once the sender knows that it is taken. */
async function receiveText(parts: Parts, offer: Offer): Promise<boolean> {
  const wish = await askText(offer, parts.patchView);
  if (wish === 'gone') throw CrocError.from(offer.gone.reason, 'peer_cancelled');
  if (wish === 'left') {
    await offer.reject();
    return false;
  }
  await acceptTracked(parts.transfers, parts.relays, offer).receive.done;
  await takeText(offer, wish);
  return true;
}

/** Takes files, and when the person wants to decide one by one, asks once they are here. */
function receiveFiles(parts: Parts, offer: Offer, { chosen, to, onConflict }: Wishes): Transfer {
  const { receive, transfer } = acceptTracked(parts.transfers, parts.relays, offer, {
    to,
    onConflict: onConflict === 'review' ? 'rename' : onConflict,
    ...(chosen.only === undefined ? {} : { only: chosen.only }),
  });
  if (onConflict === 'review')
    receive.done.then(
      ({ renamed = [] }) => void review(parts, receive, to, renamed),
      () => undefined,
    );
  return transfer;
}

/**
 * The whole walk. Errors are told, with a button that starts it again.
 *
 * @returns whether something is being received now
 */
export async function receive(parts: Parts, start: ReceiveStart = {}): Promise<boolean> {
  let meeting: Meeting | undefined;
  let panel: OfferPanel | undefined;
  try {
    meeting = await askMeeting(parts, start);
    if (meeting === undefined) return false;
    const offer = await connect(parts, meeting);
    if (meeting.relay !== undefined && !isCrocRelay(meeting.relay))
      await parts.context.globalState.update(LAST_RELAY, meeting.relay);
    if (offer.kind !== 'files') return await receiveText(parts, offer);
    panel = parts.panels.showOffer({ items: offeredItems(offer), totals: offer.totals });
    const wishes = await askWishes(offer, start.to);
    if (wishes === 'left') await offer.reject();
    else if (wishes === 'gone') throw CrocError.from(offer.gone.reason, 'peer_cancelled');
    else {
      panel.becomes(receiveFiles(parts, offer, wishes));
      panel = undefined;
      return true;
    }
  } catch (thrown) {
    const error = CrocError.from(thrown);
    if (error.code === 'cancelled') return false;
    const again: ReceiveStart = {
      ...start,
      code: codeStillGood(error) ? (meeting?.code ?? '') : '',
      ...(meeting?.relay === undefined ? {} : { relay: meeting.relay }),
      ...(meeting !== undefined && meeting.relay === undefined && NOT_FOUND.has(error.code)
        ? { askRelay: true }
        : {}),
    };
    // The message stays until it is read, the command is done.
    void sayError(parts.log, error, {
      direction: 'receive',
      ownRelay: false,
      act: (remedy) =>
        remedy === 'receive-again' ? receive(parts, again) : parts.act(remedy, undefined),
    });
  } finally {
    panel?.close();
  }
  return false;
}

/** The command from the Explorer: into the folder that was clicked. */
export async function receiveHere(parts: Parts, given: readonly unknown[]): Promise<void> {
  const [folder] = given;
  const here = folder instanceof vscode.Uri && folder.scheme === 'file' ? folder.fsPath : undefined;
  await receive(parts, here === undefined ? {} : { to: here });
}
