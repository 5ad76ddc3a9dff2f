import { PassThrough } from 'node:stream';
import * as v from 'valibot';
import { describe, expect, test, vi } from 'vitest';
import { CrocError } from '../../src/core/index.js';
import type { Conflict, OfferEntry, Totals } from '../../src/core/index.js';
import { ProgressDisplay } from '../../src/cli/bar.js';
import { exitCodeOf } from '../../src/cli/context.js';
import { formatBytes, formatEntry, formatSeconds, formatTotals } from '../../src/cli/format.js';
import { wants } from '../../src/cli/program.js';
import { askAccept, conflictAsker } from '../../src/cli/questions.js';
import { JsonReporter } from '../../src/cli/reporter.js';
import { LineTerminal } from '../../src/cli/terminal.js';
import { TextReporter } from '../../src/cli/text.js';

const never = new AbortController().signal;
const file = (path: string, size = 1): OfferEntry => ({
  path,
  kind: 'file',
  size,
  mtimeMs: Date.UTC(2024, 0, 2),
  executable: false,
});
const totals = (files: number, bytes: number): Totals => ({ files, folders: 0, bytes });

/** A stream that keeps what was written. */
function sink(): { stream: PassThrough; text: () => string } {
  const stream = new PassThrough();
  let text = '';
  stream.on('data', (piece: Buffer) => (text += piece.toString()));
  return { stream, text: () => text };
}

describe('numbers', () => {
  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [10 * 1024, '10 KiB'],
    [64 * 2 ** 20, '64 MiB'],
    [1.5 * 2 ** 30, '1.5 GiB'],
    [2 ** 53, '8.0 PiB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test.each([
    [7.4, '7 s'],
    [200, '3 min 20 s'],
    [7_500, '2 h 5 min'],
    [Infinity, '?'],
    [NaN, '?'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });

  test('totals name folders only when there are some', () => {
    expect(formatTotals({ files: 1, folders: 0, bytes: 5 })).toBe('1 file, 5 B');
    expect(formatTotals({ files: 1200, folders: 2, bytes: 0 })).toBe(
      '1,200 files and 2 folders, 0 B',
    );
  });
});

describe('a connection', () => {
  const lost = { connected: false, giveUpInMs: 117_400.4 };
  const back = { connected: true, giveUpInMs: 0 };

  test('that is lost and back is told of in sentences, once each', () => {
    const out = sink();
    const err = sink();
    const report = new TextReporter(out.stream, err.stream);
    report.connection(back);
    expect(err.text()).toBe('');
    for (const connection of [lost, lost, back, back, lost]) report.connection(connection);
    expect(err.text()).toBe(
      'Connection lost, trying for another 118 s.\nConnected again.\n' +
        'Connection lost, trying for another 118 s.\n',
    );
    expect(out.text()).toBe('');
  });

  test('is a line of JSON', () => {
    const out = sink();
    const report = new JsonReporter(out.stream);
    report.connection(lost);
    report.connection(back);
    expect(out.text()).toBe(
      '{"event":"connection","connected":false,"giveUpInMs":117400}\n' +
        '{"event":"connection","connected":true,"giveUpInMs":0}\n',
    );
  });
});

describe('a text', () => {
  const nasty = 'a\ttab\r\nb\u001b[2J\u202e\rc';
  const offer = (text: string) => ({
    kind: 'text' as const,
    ...{ entries: [], totals: totals(0, 0), text, content: Buffer.from(text), name: 'x\u001b.txt' },
  });

  test('is shown with its line ends and tabs and without anything a terminal obeys', () => {
    const out = sink();
    const report = new TextReporter(out.stream, sink().stream);
    report.offer(offer(nasty));
    report.text(offer(nasty));
    expect(out.text()).toBe(
      `Offered: a text (x\\u{1b}.txt), ${Buffer.byteLength(nasty)} B.\n` +
        'a\ttab\r\nb\\u{1b}[2J\\u{202e}\\u{d}c\n',
    );
  });

  test('with --stdout it goes there as it is, alone; a terminal is still protected', () => {
    for (const isTTY of [false, true]) {
      const [out, err] = [sink(), sink()];
      const stdout = Object.assign(out.stream, { isTTY });
      const report = new TextReporter(stdout, err.stream, true);
      report.state('awaiting-x');
      report.offer(offer(nasty));
      report.text(offer(nasty));
      report.received({ files: 0, bytes: 9, transferred: 9, roots: [] });
      expect(out.text() === nasty).toBe(!isTTY);
      expect(out.text().includes('\u001b')).toBe(!isTTY);
      expect(err.text()).toContain('Offered: a text');
    }
  });

  test('as JSON comes with its bytes only when it is not UTF-8', () => {
    const out = sink();
    const report = new JsonReporter(out.stream);
    report.text(offer(nasty));
    const content = Buffer.from([0x2b, 0xe9, 0x0a]);
    report.text({ ...offer(''), kind: 'patch', text: content.toString(), content });
    expect(
      out
        .text()
        .trimEnd()
        .split('\n')
        .map((line): unknown => JSON.parse(line)),
    ).toEqual([
      { event: 'text', kind: 'text', text: nasty },
      { event: 'text', kind: 'patch', text: '+\ufffd\n', base64: content.toString('base64') },
    ]);
  });
});

describe('what a peer names', () => {
  test('shows no control character of a name or a link target (CVE-2023-43620)', () => {
    const shown = [
      formatEntry(file('a\u001b[2Jb\r\n\u202egpj.exe')),
      formatEntry({ ...file('l'), kind: 'symlink', target: '\u001b]0;x\u0007' }),
    ].join('');
    expect(shown).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(shown).toContain('\\u{1b}[2Jb\\u{d}\\u{a}\\u{202e}gpj.exe');
  });

  test('a skipped path, a root and an error detail are made safe as well', () => {
    const [out, err] = [sink(), sink()];
    const report = new TextReporter(out.stream, err.stream);
    report.offered({
      totals: totals(1, 1),
      skipped: [{ path: 'a\u001b[1m', reason: 'special-file' }],
      ignored: 0,
    });
    report.received({ files: 1, bytes: 1, transferred: 1, roots: ['/x/\u001b[1m'] });
    report.failed(new CrocError('file_not_found', { detail: '\u001b[1m' }));
    expect(out.text() + err.text()).not.toContain('\u001b');
    expect(err.text()).toContain('Not sent: a\\u{1b}[1m');
  });

  test('a long offer is listed in part and counted', () => {
    const out = sink();
    const entries = Array.from({ length: 1_030 }, (_, index) => file(`f${index}`));
    new TextReporter(out.stream, sink().stream).offer({
      kind: 'files',
      entries,
      totals: totals(1_030, 1_030),
    });
    expect(out.text().trimEnd().split('\n')).toHaveLength(32);
    expect(out.text()).toContain('… and 1,000 more');
  });

  test('everything that could surprise is listed, wherever it stands', () => {
    const out = sink();
    const plain = Array.from({ length: 500 }, (_, index) => file(`f${index}`));
    const hidden = file('docs/.ssh/authorized_keys');
    const program = { ...file('run.exe'), executable: true };
    const entries = [...plain, hidden, program];
    new TextReporter(out.stream, sink().stream).offer({
      kind: 'files',
      entries,
      totals: totals(502, 502),
    });
    expect(out.text()).toContain('docs/.ssh/authorized_keys');
    expect(out.text()).toContain('run.exe (executable)');
    expect(out.text()).toContain('… and 472 more');
  });
});

describe('JSON lines', () => {
  function told(run: (report: JsonReporter) => void): unknown[] {
    const out = sink();
    run(new JsonReporter(out.stream));
    return out
      .text()
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
  }
  const result = { files: 2, bytes: 10, transferred: 4 };

  test('a state is told once', () => {
    const lines = told((report) => {
      report.state('awaiting-y');
      report.state('awaiting-y');
      report.state('closed');
    });
    expect(lines).toEqual([
      { event: 'state', state: 'awaiting-y' },
      { event: 'state', state: 'closed' },
    ]);
  });

  test.each([0, 1, 1000, 2001])('an offer of %i entries is one line', (count) => {
    const entries = Array.from({ length: count }, (_, index) => ({
      ...{ path: `a "${index}"\n`, kind: 'file' as const, size: 1 },
      ...{ mtimeMs: index, executable: false },
    }));
    const facts = { kind: 'files' as const, entries, totals: totals(count, count) };
    expect(told((report) => report.offer(facts))).toEqual([
      { event: 'offer', kind: 'files', entries, bytes: count },
    ]);
  });

  test('the offer of a text names its file', () => {
    const content = Buffer.from('abc');
    const facts = { kind: 'text' as const, entries: [], totals: totals(0, 0), content, name: 'n' };
    expect(told((report) => report.offer(facts))).toEqual([
      { event: 'offer', kind: 'text', entries: [], bytes: 3, name: 'n' },
    ]);
  });

  test('the last progress is told even when the core did not, and only then', () => {
    const done = { event: 'done', files: 2, bytes: 10, transferred: 4 };
    const full = { event: 'progress', bytes: 10, total: 10 };
    expect(told((report) => report.sent(result))).toEqual([full, done]);
    expect(
      told((report) => {
        report.progress({ bytes: 10, total: 10, transferred: 4 });
        report.received({ ...result, roots: [] });
      }),
    ).toEqual([full, done]);
  });

  test('progress is told every 120 ms at most, with the newest numbers, and once at the end', () => {
    vi.useFakeTimers();
    const lines = told((report) => {
      for (let bytes = 0; bytes < 10; bytes += 1) {
        report.progress({ bytes, total: 10, transferred: bytes });
        vi.advanceTimersByTime(40);
      }
      vi.advanceTimersByTime(1_000);
      report.sent(result);
      vi.advanceTimersByTime(1_000);
    });
    vi.useRealTimers();
    expect(lines.map((line) => v.parse(v.looseObject({ bytes: v.number() }), line).bytes)).toEqual([
      0, 2, 5, 8, 9, 10, 10,
    ]);
  });

  test('an error has its code and its sentence, nothing else', () => {
    const error = new CrocError('wrong_code', { cause: new Error('inside') });
    expect(told((report) => report.failed(error))).toEqual([
      { event: 'error', code: 'wrong_code', message: error.message },
    ]);
  });

  test('--json is seen in a wrong command line, and after -- it is a path', () => {
    expect(wants('--json', ['bogus', '--json'])).toBe(true);
    expect(wants('--json', ['send', '--', '--json'])).toBe(false);
  });
});

test('exit codes: usage 2, cancelled here 130, all else 1', () => {
  expect(exitCodeOf(new CrocError('usage'))).toBe(2);
  expect(exitCodeOf(new CrocError('cancelled'))).toBe(130);
  expect(exitCodeOf(new CrocError('peer_cancelled'))).toBe(1);
  expect(exitCodeOf(new CrocError('wrong_code'))).toBe(1);
});

describe('progress on stderr', () => {
  test('without a terminal, a line each five seconds', () => {
    const err = sink();
    let nowMs = 0;
    const display = new ProgressDisplay(err.stream, () => nowMs);
    for (; nowMs <= 11_000; nowMs += 100)
      display.update({ bytes: nowMs, total: 20_000, transferred: nowMs });
    display.end();
    expect(err.text()).toBe('25 %, 4.9 KiB of 20 KiB\n50 %, 9.8 KiB of 20 KiB\n');
  });

  test('says how much was there already', () => {
    const err = sink();
    let nowMs = 0;
    const display = new ProgressDisplay(err.stream, () => nowMs);
    const progress = { bytes: 1024, total: 2048, transferred: 24, resumed: 1000 };
    display.update(progress);
    nowMs = 6_000;
    display.update(progress);
    expect(err.text()).toBe('50 %, 1.0 KiB of 2.0 KiB, resuming: 48 % was here\n');
  });

  test('on a terminal, a bar that ends full, also for nothing at all', () => {
    const err = sink();
    let nowMs = 0;
    const screen = Object.assign(err.stream, { isTTY: true, columns: 100 });
    const display = new ProgressDisplay(screen, () => nowMs);
    nowMs = 1_000;
    display.update({ bytes: 0, total: 0, transferred: 0 });
    display.end();
    expect(err.text()).toContain(`[${'#'.repeat(24)}] 100 %  0 B of 0 B`);
  });
});

describe('questions', () => {
  function terminal() {
    const input = new PassThrough();
    const output = sink();
    return { input, output, terminal: new LineTerminal(input, output.stream) };
  }
  const conflict = (name: string): Conflict => ({
    entry: file(name, 2048),
    existing: `/here/${name}`,
    existingSize: 17,
    existingMtimeMs: 0,
  });

  test.each([
    ['y\n', true],
    ['YES\n', true],
    [' y \n', true],
    ['\n', false],
    ['n\n', false],
    ['yikes\n', false],
  ])('accept: %j is %s', async (typed, accepted) => {
    const { input, output, terminal: asked } = terminal();
    input.write(typed);
    expect(await askAccept(asked, '2 files, 64 B', never)).toBe(accepted);
    expect(output.text()).toBe('Accept 2 files, 64 B? [y/N] ');
  });

  test('the end of the input is a no', async () => {
    const { input, terminal: asked } = terminal();
    input.end();
    expect(await askAccept(asked, '1 file, 1 B', never)).toBe(false);
  });

  test('a cancel ends the question with its reason', async () => {
    const { terminal: asked } = terminal();
    const controller = new AbortController();
    const answer = askAccept(asked, '1 file, 1 B', controller.signal);
    const reason = new CrocError('cancelled');
    controller.abort(reason);
    await expect(answer).rejects.toBe(reason);
  });

  test.each([
    ['o\n', 'overwrite'],
    ['k\n', 'rename'],
    ['\n', 'rename'],
    ['what?\ns\n', 'skip'],
  ])('conflict: %j is %s', async (typed, choice) => {
    const { input, terminal: asked } = terminal();
    input.write(typed);
    expect(await conflictAsker(asked, never)(conflict('a'))).toBe(choice);
  });

  test('conflicts are asked one at a time, and a capital letter answers for the rest', async () => {
    const { input, output, terminal: asked } = terminal();
    const ask = conflictAsker(asked, never);
    input.write('s\nO\n');
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => ask(conflict(name))));
    expect(answers).toEqual(['skip', 'overwrite', 'overwrite', 'overwrite']);
    expect(output.text().match(/is already there/g)).toHaveLength(2);
    expect(output.text()).toContain('17 B, 1970-01-01 00:00:00 UTC');
  });

  test('when the input ends, both files are kept', async () => {
    const { input, terminal: asked } = terminal();
    const ask = conflictAsker(asked, never);
    input.end();
    expect(await Promise.all([ask(conflict('a')), ask(conflict('b'))])).toEqual([
      'rename',
      'rename',
    ]);
  });
});

test.each([
  ['417-lunar-acorn-quilt', 'croc-share receive 417-lunar-acorn-quilt --relay http://h:1'],
  ["42-it's;mine", String.raw`croc-share receive '42-it'\''s;mine' --relay http://h:1`],
])('the line for the other side has the code %s as one word of a shell', (code, line) => {
  const out = sink();
  new TextReporter(out.stream, sink().stream, false).code(code, 'http://h:1', false);
  expect(out.text()).toContain(`  ${line}\n`);
});
