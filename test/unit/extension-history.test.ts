/** The history on the disk, and the rate over a whole transfer. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseEntry, type Entry } from '../../src/extension/history/entry.js';
import { EntryStore } from '../../src/extension/history/store.js';
import { RateHistory } from '../../src/extension/rate.js';

const entry = (change: Partial<Entry> = {}): Entry => ({
  version: 1,
  id: randomUUID(),
  direction: 'send',
  items: [{ name: 'one.txt', kind: 'file', bytes: 5 }],
  moreItems: 0,
  paths: ['/tmp/one.txt'],
  roots: [],
  startedAtMs: 1000,
  state: 'done',
  runner: { host: 'here', pid: 1, seenAtMs: 1000 },
  ...change,
});

describe('an entry', () => {
  it('has no place for a code', () => {
    const made = entry();
    expect(parseEntry(JSON.parse(JSON.stringify(made)))).toEqual(made);
    expect(parseEntry({ ...made, code: '1-a-b-c' })).toEqual(made);
  });

  it.each<[string, object]>([
    ['another version', { version: 2 }],
    ['an id that leads out of the folder', { id: '../../../etc/passwd' }],
    ['a state that is none', { state: 'exploded' }],
    ['an error that is none', { error: 'exploded' }],
    ['a negative size', { items: [{ name: 'a', kind: 'file', bytes: -1 }] }],
    ['a name that is no text', { items: [{ name: 7, kind: 'file' }] }],
  ])('is none with %s', (_, change) => {
    expect(parseEntry({ ...entry(), ...change })).toBeUndefined();
  });
});

describe('the store', () => {
  let folder: string;
  let store: EntryStore;
  beforeEach(async () => {
    folder = path.join(await mkdtemp(path.join(os.tmpdir(), 'croc-history-')), 'history');
    store = new EntryStore(folder);
  });
  afterEach(() => rm(path.dirname(folder), { recursive: true, force: true }));

  it('keeps what two windows write at once, whole', async () => {
    const other = new EntryStore(folder);
    const entries = Array.from({ length: 40 }, () => entry());
    await Promise.all(entries.map((one, index) => (index % 2 ? store : other).write(one)));
    const read = await store.read();
    const byId = (a: Entry, b: Entry): number => a.id.localeCompare(b.id);
    expect(read.sort(byId)).toEqual(entries.sort(byId));
    expect((await readdir(folder)).filter((name) => !name.endsWith('.json'))).toEqual([]);
  });

  it('has the last of many writes of one entry', async () => {
    const one = entry();
    for (let bytes = 0; bytes < 50; bytes += 1)
      void store.write({ ...one, progress: { bytes, total: 50 } });
    await store.flush();
    expect((await store.read())[0]?.progress).toEqual({ bytes: 49, total: 50 });
  });

  it.skipIf(process.platform === 'win32')('is for its owner only', async () => {
    await store.write(entry());
    expect((await stat(folder)).mode & 0o077).toBe(0);
    const [name = ''] = await readdir(folder);
    expect((await stat(path.join(folder, name))).mode & 0o077).toBe(0);
  });

  it('reads nothing that is broken, foreign, or under another name', async () => {
    await store.write(entry());
    await writeFile(path.join(folder, `${randomUUID()}.json`), '{"version":1,');
    await writeFile(path.join(folder, `${randomUUID()}.json`), JSON.stringify(entry()));
    await writeFile(path.join(folder, 'notes.txt'), 'x');
    expect(await store.read()).toHaveLength(1);
  });

  it('drops the oldest that are over, and nothing that runs', async () => {
    for (let at = 0; at < 205; at += 1)
      await store.write(entry({ startedAtMs: at, state: at === 0 ? 'running' : 'done' }));
    await store.prune();
    const times = (await store.read()).map(({ startedAtMs }) => startedAtMs).sort((a, b) => a - b);
    expect(times).toHaveLength(201);
    expect(times.slice(0, 2)).toEqual([0, 5]);
  });

  it('tells when another window wrote', async () => {
    const changed = new Promise<void>((resolve, reject) => {
      store.watch(resolve).then((watching) => {
        if (watching === undefined) reject(new Error('It cannot be watched.'));
        else new EntryStore(folder).write(entry()).catch(reject);
      }, reject);
    });
    await changed;
    expect(await store.read()).toHaveLength(1);
  });

  it('is empty where there is no folder', async () => {
    expect(await store.read()).toEqual([]);
    await store.remove(randomUUID());
  });
});

describe('RateHistory', () => {
  it('spans the whole transfer in a bounded number of points', () => {
    const rates = new RateHistory(500, 60);
    for (let step = 0; step <= 100_000; step += 1) rates.add(step * 500, step * 500);
    expect(rates.points.length).toBeLessThan(60);
    expect(rates.points.length).toBeGreaterThanOrEqual(20);
    for (const rate of rates.points) expect(rate).toBeCloseTo(1000);
  });

  it('shows a pause as long as it was', () => {
    const rates = new RateHistory(500, 60);
    rates.add(0, 0);
    rates.add(500, 1000);
    rates.add(3000, 1000);
    rates.add(3500, 2000);
    expect(rates.points).toEqual([2000, 0, 0, 0, 0, 0, 2000]);
  });
});
