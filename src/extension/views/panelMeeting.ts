/** How the other side gets in, as the panel shows it while a code waits. */
import * as vscode from 'vscode';
import type { PanelCopyable, PanelView } from '../../webview/messages.js';
import { isCrocRelay } from '../../core/index.js';
import { crocCommand, receiveCommand } from '../commands/receiveCommand.js';
import { receiveLink } from '../link.js';
import { isPublicCrocRelay } from '../address.js';
import { networkText } from '../place.js';
import { isLoopback, shortAddress } from '../texts.js';
import type { Transfer } from '../transfers.js';

const { t } = vscode.l10n;

function codeOf(code: string): PanelCopyable {
  return {
    label: t('Code'),
    text: code,
    copy: t('Copy Code'),
    copied: t('Copied'),
    note: t('Already on your clipboard. It works once, for one recipient.'),
  };
}

/** Who can reach the relay, as far as its address tells. */
function reachText(address: string, own: boolean): string {
  if (isLoopback(address)) return t('This address works on this computer only.');
  if (isPublicCrocRelay(address))
    return t('One of croc’s public relays, on the internet. It sees neither names nor contents.');
  if (!own) return t('The relay from your settings. It sees neither names nor contents.');
  const network = networkText();
  if (network === undefined)
    return t('This window runs the relay. The other side must be able to reach this computer.');
  const runs = t(
    'This window runs the relay on its remote machine. The other side must be able to reach that machine.',
  );
  return `${runs} ${network}`;
}

function relayOf({ facts }: Transfer): PanelCopyable {
  const { address, own } = facts.meetingPoint;
  return {
    label: t('Relay address'),
    text: shortAddress(address),
    copy: t('Copy Relay Address'),
    copied: t('Copied'),
    note: reachText(address, own),
  };
}

/** The same over croc's own network, where the code is all that the other side needs. */
function crocMeeting(
  code: string,
  transfer: Transfer,
): Pick<PanelView, 'code' | 'relay' | 'steps' | 'command'> {
  return {
    code: codeOf(code),
    relay: relayOf(transfer),
    steps: {
      title: t('On the other side'),
      lines: [
        t(
          'In VS Code, run “Croc: Receive croc code” from the Command Palette, and enter the code.',
        ),
        t('Or run the croc program, version 11, and enter the code when it asks.'),
      ],
    },
    command: {
      label: t('Or in a terminal'),
      text: crocCommand(code, transfer.facts.meetingPoint.address, 'posix'),
      copy: t('Copy Receive Command'),
      copied: t('Copied'),
    },
  };
}

/** The parts of the view that are there only while somebody can use the code. */
export function meetingOf(
  transfer: Transfer,
): Pick<PanelView, 'code' | 'relay' | 'qr' | 'steps' | 'command'> {
  const { code } = transfer;
  if (code === undefined) return {};
  if (transfer.stage !== 'waiting') return { code: codeOf(code) };
  const { address } = transfer.facts.meetingPoint;
  if (isCrocRelay(address)) return crocMeeting(code, transfer);
  return {
    code: codeOf(code),
    relay: relayOf(transfer),
    qr: {
      link: receiveLink(code, address),
      label: t('QR code of a link that opens VS Code with code and relay filled in'),
      note: t('Opens VS Code with all of it filled in'),
    },
    steps: {
      title: t('On the other side'),
      lines: [
        t('In VS Code, run “Croc: Receive croc code” from the Command Palette.'),
        t('Enter the code, then the relay address if it asks for one.'),
      ],
    },
    command: {
      label: t('Or in a terminal'),
      text: receiveCommand(code, address, 'posix'),
      copy: t('Copy Receive Command'),
      copied: t('Copied'),
    },
  };
}
