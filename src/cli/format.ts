/** Numbers and names as people read them. */
import { printable } from '../core/index.js';
import type { Offer, OfferEntry, Totals } from '../core/index.js';

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** A size in bytes, 0 or more, as `17 B` or `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  let shown = `${bytes} B`;
  let value = bytes;
  for (const unit of UNITS) {
    if (value < 1024) break;
    value /= 1024;
    shown = `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
  }
  return shown;
}

/** A duration in seconds as `7 s`, `3 min 20 s` or `2 h 5 min`; `?` when it is not known. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '?';
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** A number with its noun: `1 file`, `1,204 files`. */
export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** What an offer holds: `3 files and 2 folders, 64 MiB`. */
export function formatTotals(totals: Totals): string {
  const folders = totals.folders > 0 ? ` and ${plural(totals.folders, 'folder')}` : '';
  return `${plural(totals.files, 'file')}${folders}, ${formatBytes(totals.bytes)}`;
}

/** What an offer is: `3 files, 64 MiB`, `a text, 17 B`. */
export function formatOffer({ kind, totals, content, name }: OfferFacts): string {
  if (kind === 'files') return formatTotals(totals);
  const called = name === undefined ? '' : ` (${printable(name)})`;
  return `a ${kind}${called}, ${formatBytes(content?.length ?? 0)}`;
}

/** What is told of an offer. */
export type OfferFacts = Pick<Offer, 'kind' | 'entries' | 'totals' | 'text' | 'content' | 'name'>;

/**
 * A text of the other side as a terminal may show it: whatever could move the cursor or change colours
 * is visible instead; line ends and tabs stay.
 */
export function formatText(text: string): string {
  return text
    .split(/(\r?\n|\t)/)
    .map((part, index) => (index % 2 === 1 ? part : printable(part)))
    .join('');
}

/** One line of the list that a person sees before accepting; the peer's text is made safe to show. */
export function formatEntry(entry: OfferEntry): string {
  const name = printable(entry.path);
  if (entry.kind === 'folder') return `${'folder'.padStart(9)}  ${name}/`;
  if (entry.kind === 'symlink')
    return `${'link'.padStart(9)}  ${name} -> ${printable(entry.target ?? '')}`;
  return `${formatBytes(entry.size).padStart(9)}  ${name}${entry.executable ? ' (executable)' : ''}`;
}
