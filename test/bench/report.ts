/** The results of a run as text and as tables in docs/performance.md. */
import type { Figure, Outcome } from './cases.js';

/** The last run of one case. */
export interface Measured extends Outcome {
  /** Its name on the command line. */
  readonly case: string;
  /** Day of the run, ISO. */
  readonly date: string;
  readonly rounds: number;
  /** Size of the large file, MiB. */
  readonly sizeMiB: number;
}

/** bench/results.json. */
export interface Results {
  readonly machine: string;
  /** Names and versions of those that took part. */
  readonly programs: readonly string[];
  readonly cases: readonly Measured[];
}

const BEGIN = '<!-- bench: begin -->';
const END = '<!-- bench: end -->';

function number(value: number): string {
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
}

const ratioOf = ({ ratio }: Figure): string => (ratio === undefined ? '' : `${number(ratio)} ×`);

/** One case, for a terminal. */
export function asText({ title, figures, skipped }: Outcome): string {
  const width = Math.max(0, ...figures.map(({ what }) => what.length));
  const lines = figures.map(
    (figure) =>
      `  ${figure.what.padEnd(width)} ${number(figure.value).padStart(9)} ${figure.unit.padEnd(14)} ${ratioOf(figure)}`,
  );
  return [title, ...lines, ...skipped.map((sentence) => `  skipped: ${sentence}`)].join('\n');
}

function asTable({ title, figures, skipped, date, rounds }: Measured): string {
  const rows = figures.map(
    (figure) => `| ${figure.what} | ${number(figure.value)} ${figure.unit} | ${ratioOf(figure)} |`,
  );
  const notes = skipped.map((sentence) => `Skipped: ${sentence.split('\n')[0] ?? ''}`);
  return [
    `### ${title}`,
    `${date}, ${rounds} ${rounds === 1 ? 'round' : 'rounds'}.`,
    '| | median | we are better by |\n|---|--:|--:|\n' + rows.join('\n'),
    ...notes,
  ].join('\n\n');
}

/** Puts the results between the two marks of the document. @throws Error when the marks are not there */
export function render(document: string, results: Results): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error('docs/performance.md has lost its marks');
  const head = `On ${results.machine}, with ${results.programs.join(', ')}.`;
  const tables = results.cases.map(asTable);
  return `${document.slice(0, begin)}${BEGIN}\n\n${[head, ...tables].join('\n\n')}\n\n${document.slice(end)}`;
}
