/** The verdict of the relay's soak, and what bench and soak have written into docs/relay.md. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { judge } from '../bench/relay/flat.js';
import type { AllSoakResults, Sample } from '../bench/relay/flat.js';
import { render } from '../bench/relay/report.js';
import type { RelayResults } from '../bench/relay/report.js';

const START: Sample = {
  residentMiB: 50,
  heapMiB: 8,
  descriptors: 20,
  sockets: 0,
  timers: 1,
  channels: 0,
  held: 0,
};
const busy = (more: Partial<Sample> = {}): Sample => ({
  ...{ residentMiB: 70, heapMiB: 12, descriptors: 33, sockets: 10, timers: 11, channels: 30 },
  held: 10,
  ...more,
});
/** Forty looks, each of which `at` makes from how much of the time is over, 0 to 1. */
const looks = (at: (share: number) => Partial<Sample>): Sample[] =>
  Array.from({ length: 40 }, (_, index) => busy(at(index / 39)));

describe('a soak', () => {
  it('is flat when what it needs goes up and down', () => {
    const { grown } = judge(
      START,
      looks((share) => ({ heapMiB: 10 + 8 * Math.abs(Math.sin(share * 50)) })),
      START,
    );
    expect(grown).toEqual([]);
  });

  it.each<[keyof Sample, number]>([
    ['residentMiB', 60],
    ['heapMiB', 20],
    ['descriptors', 60],
    ['sockets', 60],
    ['timers', 60],
    ['channels', 100],
    ['held', 60],
  ])('fails when %s grows all the time', (what, by) => {
    const { grown } = judge(
      START,
      looks((share) => ({ [what]: busy()[what] + by * share })),
      START,
    );
    expect(grown).toHaveLength(1);
    expect(grown[0]).toMatch(`${what} grew from`);
  });

  it.each<keyof Sample>(['descriptors', 'sockets', 'timers', 'channels', 'held'])(
    'fails when %s are left after the load',
    (what) => {
      const steady = looks(() => ({}));
      expect(judge(START, steady, { ...START, [what]: START[what] + 3 }).grown).toHaveLength(1);
    },
  );

  it('fails when nothing could be read', () => {
    const nothing = looks(() => ({ timers: Number.NaN }));
    expect(judge(START, nothing, START).grown).toHaveLength(1);
  });
});

describe('docs/relay.md', () => {
  const root = path.resolve(import.meta.dirname, '../..');
  const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
  const results = JSON.parse(read('bench/relay-results.json')) as RelayResults;
  const soaks = JSON.parse(read('bench/soak-results.json')) as AllSoakResults;

  it('has the figures of the last runs and no others', () => {
    expect(render(read('docs/relay.md'), results, soaks)).toBe(read('docs/relay.md'));
  });

  it('tells of a run that reached what was asked of it', () => {
    const ours = (work: 'rendezvous' | 'waiting' | 'staples'): Record<string, number> => {
      const result = results.works[work]?.results.ours;
      return typeof result === 'object' ? result : {};
    };
    const wormhole = results.works.rendezvous?.results.wormhole;
    expect(typeof wormhole).toBe('object');
    if (typeof wormhole === 'object')
      expect(ours('rendezvous')['perSecond']).toBeGreaterThan(wormhole['perSecond'] ?? Infinity);
    expect(ours('waiting')).toMatchObject({ count: 10_000, heldRequests: 10_000 });
    expect(ours('waiting')['peakMiB']).toBeLessThan(512);
    expect(ours('staples')).toMatchObject({ count: 200, stalled: 0, wrongPieces: 0 });
    expect(soaks.length).toBeGreaterThan(0);
    for (const { failures } of soaks) expect(failures).toEqual([]);
  });
});
