/** What is known of each entry of an offer while it is received: a few bytes each. */
import { CrocError } from '../errors.js';
import type { ConflictChoice, OfferEntry } from '../types.js';

/** Where an entry stands; `waiting` and later are planned. */
export type Status = 'unplanned' | 'skipped' | 'waiting' | 'started' | 'whole' | 'done';

const STATUSES: readonly Status[] = ['unplanned', 'skipped', 'waiting', 'started', 'whole', 'done'];
const CHOICES: readonly ConflictChoice[] = ['rename', 'skip', 'overwrite'];

/** The books of one destination. Indices are places in the offer. */
export class Ledger {
  readonly #entries: readonly OfferEntry[];
  /** One byte an entry; an offer has up to a million. */
  readonly #statuses: Uint8Array;
  readonly #choices: Uint8Array;
  /** Places that are not simply the offered path. */
  readonly #places = new Map<number, string>();
  /** Topmost name on this disk → the first entry below it. */
  readonly #tops = new Map<string, number>();
  #files = 0;
  #bytes = 0;
  /** Files that are whole and have no final name yet. */
  #waiting = 0;

  constructor(entries: readonly OfferEntry[]) {
    this.#entries = entries;
    this.#statuses = new Uint8Array(entries.length);
    this.#choices = new Uint8Array(entries.length);
  }

  /** @throws CrocError `protocol_error` when the offer has no such entry */
  entry(index: number): OfferEntry {
    const entry = this.#entries[index];
    if (entry === undefined) throw new CrocError('protocol_error', { detail: `no entry ${index}` });
    return entry;
  }

  status(index: number): Status {
    return STATUSES[this.#statuses[index] ?? 0] ?? 'unplanned';
  }

  setStatus(index: number, status: Status): void {
    if (this.status(index) === 'whole') this.#waiting--;
    if (status === 'whole') this.#waiting++;
    this.#statuses[index] = STATUSES.indexOf(status);
  }

  /** Notes what was decided. @param place - relative path on this disk, undefined when skipped */
  plan(index: number, choice: ConflictChoice, place: string | undefined): void {
    this.setStatus(index, place === undefined ? 'skipped' : 'waiting');
    this.#choices[index] = CHOICES.indexOf(choice);
    if (place !== undefined && place !== this.entry(index).path) this.#places.set(index, place);
  }

  /** Where a planned entry goes, relative to the destination. */
  place(index: number): string {
    return this.#places.get(index) ?? this.entry(index).path;
  }

  choice(index: number): ConflictChoice {
    return CHOICES[this.#choices[index] ?? 0] ?? 'rename';
  }

  /** The planned entries of one kind, in the order of the offer. */
  *planned(kind: OfferEntry['kind']): Generator<[index: number, entry: OfferEntry]> {
    const waiting = STATUSES.indexOf('waiting');
    for (let index = 0; index < this.#entries.length; index++) {
      const entry = this.#entries[index];
      if (entry?.kind === kind && (this.#statuses[index] ?? 0) >= waiting) yield [index, entry];
    }
  }

  /** Notes that an entry is under its final name. */
  done(index: number, path: string): void {
    const slash = path.indexOf('/');
    const top = slash === -1 ? path : path.slice(0, slash);
    this.#tops.set(top, Math.min(index, this.#tops.get(top) ?? index));
    this.setStatus(index, 'done');
    const { kind, size } = this.entry(index);
    if (kind !== 'folder') this.#files++;
    this.#bytes += size;
  }

  /** Files and links that are done. */
  get files(): number {
    return this.#files;
  }

  /** Bytes of those. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Files and links that are whole, with their final name or soon to get it. */
  get filesWhole(): number {
    return this.#files + this.#waiting;
  }

  /** Topmost names of what is done, in the order of the offer. */
  get tops(): string[] {
    return [...this.#tops].sort(([, a], [, b]) => a - b).map(([top]) => top);
  }
}
