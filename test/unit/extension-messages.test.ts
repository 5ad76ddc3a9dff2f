import { describe, expect, it } from 'vitest';
import { announcer } from '../../src/webview/announce.js';
import {
  ACTIONS,
  parseSavedPage,
  parseToExtension,
  parseToPage,
  type PanelView,
} from '../../src/webview/messages.js';

const VIEW: PanelView = {
  id: '1',
  direction: 'send',
  stage: 'waiting',
  heading: 'Sending docs',
  status: 'Waiting',
  code: { label: 'Code', text: '1-a-b-c', copy: 'Copy', copied: 'Copied' },
  progress: { label: 'Progress', percent: 50, left: '', right: '', notes: [], files: [] },
  list: {
    title: 'What',
    summary: '1 file',
    rows: [{ icon: 'file', name: '<img src=x>', detail: '' }],
    notes: [],
  },
  buttons: [{ action: 'cancel', label: 'Cancel', icon: 'close', primary: false }],
};

describe('messages to the page', () => {
  it('takes a whole view and what was copied', () => {
    expect(parseToPage({ type: 'view', view: VIEW })).toEqual({ type: 'view', view: VIEW });
    const copied = { type: 'copied', action: 'copy-code' };
    expect(parseToPage(copied)).toEqual(copied);
  });

  it.each([
    ['nothing', undefined],
    ['text', 'view'],
    ['another type', { type: 'other' }],
    ['a view without a heading', { type: 'view', view: { ...VIEW, heading: undefined } }],
    ['an unknown stage', { type: 'view', view: { ...VIEW, stage: 'exploded' } }],
    ['an unknown field', { type: 'view', view: { ...VIEW, html: '<b>' } }],
    [
      'an icon that is not a name',
      {
        type: 'view',
        view: { ...VIEW, buttons: [{ ...VIEW.buttons[0], icon: 'x" onload="' }] },
      },
    ],
    [
      'more than all of the progress',
      { type: 'view', view: { ...VIEW, progress: { ...VIEW.progress, percent: 101 } } },
    ],
    ['an unknown copied action', { type: 'copied', action: 'format-disk' }],
  ])('refuses %s', (_, message) => {
    expect(parseToPage(message)).toBeUndefined();
  });
});

describe('messages to the extension', () => {
  it('takes ready and every action', () => {
    expect(parseToExtension({ type: 'ready' })).toEqual({ type: 'ready' });
    for (const action of ACTIONS)
      expect(parseToExtension({ type: 'action', action })).toEqual({ type: 'action', action });
  });

  it.each([
    [null],
    [{}],
    [{ type: 'action' }],
    [{ type: 'action', action: 'croc.send' }],
    [{ type: 'action', action: 'open', path: '/etc/passwd' }],
    [{ type: 'ready', more: 1 }],
  ])('refuses %j', (message) => {
    expect(parseToExtension(message)).toBeUndefined();
  });
});

describe('what a page keeps', () => {
  it('is a heading and a direction, and cannot hold a code', () => {
    const saved = { version: 2, id: '1', direction: 'send', heading: 'Sending docs' };
    expect(parseSavedPage(saved)).toEqual(saved);
    expect(parseSavedPage({ ...saved, code: '1-a-b-c' })).toBeUndefined();
    expect(parseSavedPage({ ...saved, version: 1 })).toBeUndefined();
    expect(parseSavedPage(undefined)).toBeUndefined();
  });
});

describe('announcer', () => {
  function fake() {
    let nowMs = 0;
    const said: string[] = [];
    let timers: { atMs: number; fire: () => void }[] = [];
    const announce = announcer({
      now: () => nowMs,
      after: (delayMs, fire) => {
        timers.push({ atMs: nowMs + delayMs, fire });
      },
      say: (sentence) => {
        said.push(`${nowMs} ${sentence}`);
      },
    });
    const until = (toMs: number): void => {
      const due = timers.filter(({ atMs }) => atMs <= toMs);
      timers = timers.filter(({ atMs }) => atMs > toMs);
      for (const { atMs, fire } of due) {
        nowMs = atMs;
        fire();
      }
      nowMs = toMs;
    };
    return { announce, said, until };
  }

  it('says the first at once, then only the newest, five seconds apart', () => {
    const { announce, said, until } = fake();
    announce('waiting');
    for (let percent = 1; percent <= 40; percent += 1) {
      until(percent * 100);
      announce(`${percent} %`);
    }
    until(20_000);
    announce('done');
    expect(said).toEqual(['0 waiting', '5000 40 %', '20000 done']);
  });

  it('does not repeat itself', () => {
    const { announce, said, until } = fake();
    announce('waiting');
    until(1000);
    announce('waiting');
    until(9000);
    announce('waiting');
    expect(said).toEqual(['0 waiting']);
  });

  it('drops a sentence that was taken back before it was said', () => {
    const { announce, said, until } = fake();
    announce('a');
    until(1000);
    announce('b');
    announce('a');
    until(6000);
    expect(said).toEqual(['0 a']);
  });
});
