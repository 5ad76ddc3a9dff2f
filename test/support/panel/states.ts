/** A transfer in each of its states, and the views that the panel draws of them. */
import { EventEmitter } from 'node:events';
import { CrocError, type Progress, type Send, type SendEvents } from '../../../src/core/index.js';
import { entryOf, type Entry } from '../../../src/extension/history/entry.js';
import {
  Transfer,
  type MeetingPoint,
  type TransferFacts,
  type TransferStage,
} from '../../../src/extension/transfers.js';
import { endedView, offerView, pastView, viewOf } from '../../../src/extension/views/panelView.js';
import type { PanelView } from '../../../src/webview/messages.js';

const MIB = 2 ** 20;
const CODE = '417-lunar-acorn-quilt';
const ITEMS = [
  { name: 'holiday pictures', kind: 'folder', bytes: 734 * MIB },
  { name: 'a list of everything that we must not forget this time.md', kind: 'file', bytes: 5120 },
  { name: 'latest', kind: 'symlink', bytes: 0 },
] as const;
const TOTALS = { files: 312, folders: 14, bytes: 734 * MIB + 5120 };
const FACTS: TransferFacts = {
  items: ITEMS,
  meetingPoint: { address: 'http://192.168.1.20:8003', own: true },
  paths: ['/home/ada/holiday pictures', '/home/ada/a list.md', '/home/ada/latest'],
};
const PROGRESS: Progress = {
  bytes: 448 * MIB,
  total: TOTALS.bytes,
  transferred: 120 * MIB,
  resumed: 328 * MIB,
  files: 312,
  filesDone: 190,
  active: [
    { path: 'holiday pictures/day 1/beach.jpg', bytes: 3 * MIB, size: 8 * MIB },
    {
      path: 'holiday pictures/day 1/a very long name that goes on and on, until it does not fit any more.mov',
      bytes: 61 * MIB,
      size: 64 * MIB,
    },
  ],
};

/** A send that does nothing, because nothing but its states is looked at. */
const running: Send = Object.assign(new EventEmitter<SendEvents>(), {
  code: CODE,
  relay: FACTS.meetingPoint.address,
  curve: 'p256' as const,
  state: 'initialize' as const,
  offered: undefined,
  done: new Promise<never>(() => undefined),
  cancel: () => Promise.resolve(),
});

function transfer(
  direction: 'send' | 'receive',
  stage: TransferStage,
  change: (made: Transfer) => void = () => undefined,
  meetingPoint: MeetingPoint = FACTS.meetingPoint,
): Transfer {
  const paths = direction === 'send' ? FACTS.paths : ['/home/bob/inbox'];
  const facts = { ...FACTS, meetingPoint, paths };
  const made = new Transfer(direction, facts, running);
  made.stage = stage;
  made.totals = TOTALS;
  if (stage === 'waiting') made.code = CODE;
  change(made);
  return made;
}

/** A transfer that has moved for half a minute, faster and slower. */
function moved(made: Transfer): void {
  made.progress = PROGRESS;
  for (let step = 0; step < 60; step += 1) {
    const bytes = step * 2 * MIB + Math.sin(step / 4) * 3 * MIB;
    made.rate.add(step * 500, Math.max(0, bytes));
    made.rates.add(step * 500, Math.max(0, bytes));
  }
}

const entry = (made: Transfer, closing: boolean): Entry =>
  entryOf(made, { runner: { host: 'here', pid: 1 }, closing, nowMs: Date.now() });

const failed = (code: 'wrong_code' | 'connection_lost') => (made: Transfer) => {
  moved(made);
  made.error = new CrocError(code);
};
/** What has no file: a text, or the words of an editor. */
function textTransfer(direction: 'send' | 'receive'): Transfer {
  const item = { name: 'words', kind: 'text', bytes: 5 } as const;
  const sent = direction === 'send' ? [{ kind: 'text', text: 'hello' } as const] : undefined;
  const facts = { items: [item], meetingPoint: FACTS.meetingPoint, paths: [] };
  const made = new Transfer(direction, sent === undefined ? facts : { ...facts, sent }, running);
  made.stage = 'done';
  made.result = { files: 0, bytes: 5, transferred: 5 };
  return made;
}
function received(made: Transfer): void {
  made.result = { files: TOTALS.files, bytes: TOTALS.bytes, transferred: TOTALS.bytes };
  made.roots = ['/home/bob/inbox/holiday pictures'];
  made.canUndo = true;
}

/** Every state by a name for pictures; made anew at each call, in the language of the moment. */
export function panelStates(): Readonly<Record<string, PanelView>> {
  const now = Date.now();
  return {
    waiting: viewOf(
      transfer('send', 'waiting', (made) => {
        made.ignored = 312;
      }),
    ),
    'waiting-public': viewOf(
      transfer(
        'send',
        'waiting',
        (made) => {
          made.code = 'lunar-acorn-quilt';
        },
        { address: 'croc://2.getcroc.com:9009', own: false },
      ),
    ),
    connecting: viewOf(transfer('send', 'connecting')),
    deciding: viewOf(transfer('send', 'running')),
    offer: offerView({ items: ITEMS, totals: TOTALS }),
    sending: viewOf(transfer('send', 'running', moved)),
    receiving: viewOf(transfer('receive', 'running', moved)),
    paused: viewOf(
      transfer('receive', 'running', (made) => {
        moved(made);
        made.lost = { sinceMs: now - 4000, giveUpAtMs: now + 56_000 };
      }),
    ),
    'paused-waiting': viewOf(
      transfer('send', 'waiting', (made) => {
        made.lost = { sinceMs: now - 4000, giveUpAtMs: now + 116_000 };
      }),
    ),
    sent: viewOf(
      transfer('send', 'done', (made) => {
        made.result = { files: TOTALS.files, bytes: TOTALS.bytes, transferred: TOTALS.bytes };
        made.skipped = [{ path: 'holiday pictures/pipe', reason: 'special-file' }];
      }),
    ),
    received: viewOf(transfer('receive', 'done', received)),
    'sent-text': viewOf(textTransfer('send')),
    'received-text': viewOf(textTransfer('receive')),
    'past-text': pastView(entry(textTransfer('receive'), false)),
    'failed-send': viewOf(transfer('send', 'failed', failed('wrong_code'))),
    'failed-receive': viewOf(transfer('receive', 'failed', failed('connection_lost'))),
    'sending-one': viewOf(
      transfer('send', 'running', (made) => {
        moved(made);
        // The sender reads ahead of what the recipient says it has.
        const active = [{ path: 'film.mov', bytes: 121 * MIB, size: 8192 * MIB }];
        made.progress = { bytes: 103 * MIB, total: 8192 * MIB, transferred: 121 * MIB, active };
      }),
    ),
    'cancelled-receive': viewOf(transfer('receive', 'cancelled', moved)),
    cancelled: viewOf(
      transfer('send', 'cancelled', (made) => {
        // It was still being counted.
        made.totals = undefined;
      }),
    ),
    'interrupted-send': pastView(entry(transfer('send', 'running', moved), true)),
    'interrupted-receive': pastView(entry(transfer('receive', 'running', moved), true)),
    past: pastView(entry(transfer('receive', 'done', received), false)),
    ended: endedView(undefined),
  };
}
