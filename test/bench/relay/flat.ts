/** Tells whether a soaked relay stayed flat. */

/** One look at the relay. */
export interface Sample {
  readonly residentMiB: number;
  readonly heapMiB: number;
  readonly descriptors: number;
  readonly sockets: number;
  readonly timers: number;
  readonly channels: number;
  readonly held: number;
}

/** Everything that is looked at. */
export function keysOf(sample: Sample): (keyof Sample)[] {
  return Object.keys(sample) as (keyof Sample)[];
}

/** One thing that was looked at: at the start, in the second and the last quarter of the load, and after it. */
export interface Figure {
  readonly what: keyof Sample;
  readonly start: number;
  readonly early: number;
  readonly late: number;
  readonly rest: number;
}

/** Of bench/soak-results.json: the last run of each `store`. */
export type AllSoakResults = readonly SoakResults[];

/** One run. */
export interface SoakResults {
  readonly date: string;
  readonly machine: string;
  /** How long the load lasted. */
  readonly minutes: number;
  /** Where the channels were: `memory` or `Redis`. */
  readonly store: string;
  readonly load: Readonly<Record<string, number>>;
  readonly figures: readonly Figure[];
  /** Why it is not flat; empty when it is. */
  readonly failures: readonly string[];
}

/** How much more the last quarter may need than the second: times that, and that much on top. */
const MORE: Readonly<Record<keyof Sample, readonly [number, number]>> = {
  residentMiB: [1, 16],
  heapMiB: [1, 4],
  descriptors: [1.2, 10],
  sockets: [1.2, 10],
  timers: [1.2, 10],
  channels: [1.2, 10],
  held: [1.2, 10],
};
/** How much more than at the start may be left after the rest. Memory is judged under load only. */
const LEFT_OVER: Readonly<Partial<Record<keyof Sample, number>>> = {
  descriptors: 2,
  sockets: 0,
  timers: 2,
  channels: 0,
  held: 0,
};

/** The typical value; of the heap the lowest, because what the collector has not looked at yet is no growth. */
function typical(samples: readonly Sample[], what: keyof Sample): number {
  const sorted = samples.map((sample) => sample[what]).sort((a, b) => a - b);
  return sorted[what === 'heapMiB' ? 0 : sorted.length >> 1] ?? Number.NaN;
}

/**
 * Compares quarters of the load, and the rest with the start.
 * @param samples - looks at even distances while there was load
 * @returns the figures, and a sentence for each thing that grew or was left
 */
export function judge(
  start: Sample,
  samples: readonly Sample[],
  rest: Sample,
): { readonly figures: readonly Figure[]; readonly grown: readonly string[] } {
  const quarter = Math.ceil(samples.length / 4);
  const figures = keysOf(start).map((what) => ({
    what,
    start: start[what],
    // The first quarter fills what lives for a while.
    early: typical(samples.slice(quarter, 2 * quarter), what),
    late: typical(samples.slice(-quarter), what),
    rest: rest[what],
  }));
  const grown = figures.flatMap(({ what, ...one }) => {
    const [factor, extra] = MORE[what];
    const left = LEFT_OVER[what];
    // Written so that a figure that is no number fails as well.
    const flat = one.late <= one.early * factor + extra;
    const clean = left === undefined || one.rest <= one.start + left;
    return [
      ...(flat ? [] : [`${what} grew from ${one.early} to ${one.late}`]),
      ...(clean ? [] : [`${one.rest} ${what} were left, ${one.start} at the start`]),
    ];
  });
  return { figures, grown };
}
