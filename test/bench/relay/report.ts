/** The results of bench and soak as tables in docs/relay.md. */
import type { Kind, Order, Work } from './driver.js';
import type { AllSoakResults, Sample, SoakResults } from './flat.js';

/** The figures of one relay: the median over the rounds; or a sentence why there are none. */
export type Result = Readonly<Record<string, number>> | string;
/** What is said of a relay and a work. */
export type Task = Omit<Order, 'kind' | 'place' | 'work'>;

/** One kind of work, by all relays in one run. */
export interface Outcome {
  readonly date: string;
  readonly rounds: number;
  readonly tasks: Readonly<Partial<Record<Kind, Task>>>;
  readonly results: Readonly<Partial<Record<Kind, Result>>>;
}

/** bench/relay-results.json. */
export interface RelayResults {
  readonly machine: string;
  /** Names and versions of those that took part. */
  readonly programs: readonly string[];
  readonly works: Readonly<Partial<Record<Work, Outcome>>>;
}

const BEGIN = '<!-- bench:relay: begin -->';
const END = '<!-- bench:relay: end -->';
const KINDS: readonly Kind[] = ['ours', 'wormhole', 'croc'];
const HEADS: Record<Kind, string> = {
  ours: 'croc-share',
  wormhole: 'magic-wormhole',
  croc: 'croc',
};

type Row = readonly [figure: string, words: string];
const MEETINGS: readonly Row[] = [
  ['perSecond', 'meetings a second'],
  ['relayCpuMsEach', 'of the relay’s processor each, ms'],
  ['perCore', 'so many a second would fill one core'],
  ['relayBusyPercent', 'the relay’s core was busy, %'],
  ['clientsCpuMsEach', 'of the clients’ processor each, ms'],
  ['p50Ms', 'a meeting takes, median, ms'],
  ['p90Ms', 'nine of ten take at most, ms'],
  ['p99Ms', '99 of 100 take at most, ms'],
];
const TABLES: Readonly<Partial<Record<Work, readonly [title: string, rows: readonly Row[]]>>> = {
  rendezvous: ['Meetings, by bare clients', MEETINGS],
  clients: ['Meetings, by whole clients with key exchange', MEETINGS],
  waiting: [
    'Channels that wait at the same time',
    [
      ['count', 'channels'],
      ['heldRequests', 'requests that the relay says it holds'],
      ['openedPerSecond', 'opened a second'],
      ['idleMiB', 'relay before, MiB'],
      ['readyMiB', 'relay with all of them, MiB'],
      ['peakMiB', 'relay at its highest, MiB'],
      ['kibEach', 'each, KiB'],
      ['meetingP50Ms', 'a meeting beside them takes, median, ms'],
      ['meetingMostMs', 'the longest of 20, ms'],
    ],
  ],
  staples: [
    'Staples at the same time, with data both ways',
    [
      ['count', 'staples'],
      ['mebibytesPerSecond', 'all together, MiB/s'],
      ['longestPauseMs', 'longest time that a stream stood still, ms'],
      ['stalled', 'streams that stood still for over 5 s'],
      ['endP50Seconds', 'a stream takes, median, s'],
      ['endLastSeconds', 'the last one, s'],
      ['wrongPieces', 'pieces lost, changed or mixed up'],
      ['readyKibEach', 'memory of a staple without data, KiB'],
      ['peakKibEach', 'at its highest, KiB'],
    ],
  ],
  fairness: [
    'A fast pair beside one that reads 1 MiB/s',
    [
      ['fastAlone', 'fast pair alone, MiB/s'],
      ['fastBesideSlow', 'fast pair beside the slow one, MiB/s'],
      ['slowKept', 'slow pair, MiB/s'],
      ['wrongPieces', 'pieces lost, changed or mixed up'],
    ],
  ],
};

/** A number as people read it. */
export function number(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '';
  if (Number.isInteger(value)) return value.toLocaleString('en');
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
}

/** A figure of what was measured, or one that follows from others. */
function figureOf(result: Result | undefined, what: string): number | undefined {
  if (result === undefined || typeof result === 'string') return undefined;
  const of = (name: string): number => result[name] ?? Number.NaN;
  const each = (name: string): number => ((of(name) - of('idleMiB')) * 1024) / of('count');
  switch (what) {
    case 'perCore':
      return 1000 / of('relayCpuMsEach');
    case 'relayBusyPercent':
      return (of('relayCpuMsEach') * of('perSecond')) / 10;
    case 'kibEach':
    case 'readyKibEach':
      return each('readyMiB');
    case 'peakKibEach':
      return each('peakMiB');
    default:
      return result[what];
  }
}

function table(work: Work, { date, rounds, tasks, results }: Outcome): string {
  const [title, rows] = TABLES[work] ?? [work, []];
  const there = KINDS.filter((kind) => typeof results[kind] === 'object');
  const lines = rows.map(
    ([what, words]) =>
      `| ${words} | ${there.map((kind) => number(figureOf(results[kind], what))).join(' | ')} |`,
  );
  const notes = KINDS.flatMap((kind) => {
    const result = results[kind];
    return typeof result === 'string' ? [`${HEADS[kind]}: ${result}`] : [];
  });
  const each = there.map((kind) => `${HEADS[kind]} ${number(tasks[kind]?.count)}`).join(', ');
  return [
    `### ${title}`,
    `| | ${there.map((kind) => HEADS[kind]).join(' | ')} |\n|---|${there.map(() => '--:|').join('')}\n${lines.join('\n')}`,
    `${date}, median of ${rounds === 1 ? '1 round' : `${rounds} rounds`}; how many: ${each}.`,
    ...notes,
  ].join('\n\n');
}

const SAMPLE_WORDS: Readonly<Record<keyof Sample, string>> = {
  residentMiB: 'memory, MiB',
  heapMiB: 'JavaScript heap after collection, MiB',
  descriptors: 'file descriptors',
  sockets: 'connections',
  timers: 'timers',
  channels: 'channels',
  held: 'held requests',
};

function soakTable({ date, minutes, store, load, figures, failures }: SoakResults): string {
  const of = (what: string): string => number(load[what]);
  const rows = figures.map(
    ({ what, start, early, late, rest }) =>
      `| ${SAMPLE_WORDS[what]} | ${[start, early, late, rest].map(number).join(' | ')} |`,
  );
  return [
    `### Soak, channels in ${store}`,
    `${date}, ${number(minutes)} minutes of load: ${of('meetings')} meetings with ${of('movedMiB')} MiB in all ` +
      `(${of('abandoned')} abandoned without a word), ${of('waited')} channels that waited, ${of('guesses')} guesses, ` +
      `${of('nonsense')} connections with nonsense, ${of('crocPairs')} pairs of croc clients; ${of('wrong')} streams ` +
      `came out wrong. The relay took ${of('relayCpuPercent')} % of a core. ` +
      (failures.length === 0 ? 'Verdict: flat.' : `Verdict: not flat (${failures.join('; ')}).`),
    '| | start | second quarter | last quarter | at rest |\n|---|--:|--:|--:|--:|\n' +
      rows.join('\n'),
  ].join('\n\n');
}

/** One work, for a terminal. */
export function asText(work: Work, outcome: Outcome): string {
  return table(work, outcome).replace(/^\|[-|: ]+\n/gm, '');
}

/** Puts the results between the two marks of the document. @throws Error when the marks are not there */
export function render(
  document: string,
  { machine, programs, works }: RelayResults,
  soaks: AllSoakResults,
): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error('docs/relay.md has lost its marks');
  const tables = (Object.keys(TABLES) as Work[]).flatMap((work) => {
    const outcome = works[work];
    return outcome === undefined ? [] : [table(work, outcome)];
  });
  const parts = [`On ${machine}, with ${programs.join(', ')}.`, ...tables, ...soaks.map(soakTable)];
  return `${document.slice(0, begin)}${BEGIN}\n\n${parts.join('\n\n')}\n\n${document.slice(end)}`;
}
