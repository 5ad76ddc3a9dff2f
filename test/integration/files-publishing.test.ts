/** Thousands of small files get their final names in a second thread: the same promises hold. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemRandom } from '../../src/core/edges.js';
import { Destination, PART_NAME } from '../../src/core/files/destination.js';
import { Publisher } from '../../src/core/files/publisher.js';
import type { ConflictChoice } from '../../src/core/types.js';
import { DIST } from '../support/croc.js';
import { codeOf, file, startProgram, temporary, tree } from './files-support.js';

const FILE = join(DIST, 'publisher.js');
const COUNT = 3000;
const bytes = (index: number) => Buffer.from(`content ${index}`);
const entries = Array.from({ length: COUNT }, (_, index) =>
  file(`d/${index % 3}/f${index}`, bytes(index).length),
);

/** A thread that runs. */
async function running(): Promise<Publisher> {
  const publisher = Publisher.start(FILE, COUNT);
  if (publisher === undefined) throw new Error('no thread');
  onTestFinished(() => publisher.end());
  await vi.waitFor(() => expect(publisher.isReady).toBe(true), { timeout: 60_000 });
  return publisher;
}

/** Opens a destination in a new folder with a thread for names, every entry planned. */
async function opened(publisher: Publisher, choice: ConflictChoice = 'rename', undo = false) {
  const to = temporary();
  const destination = await Destination.open(to, entries, {
    random: systemRandom,
    publisher,
    undo,
  });
  for (const index of entries.keys()) destination.plan(index, choice);
  return { to, destination };
}

/** Writes some of the files. */
async function write(destination: Destination, from = 0, end = COUNT): Promise<void> {
  for (let index = from; index < end; index += 1) await destination.writeWhole(index, bytes(index));
}

const finals = (to: string) => tree(to).filter((path) => /\/f\d+( \(2\))?$/.test(path));
const parts = (to: string) =>
  tree(to).filter((path) => PART_NAME.test(path.slice(path.lastIndexOf('/') + 1)));

/** Everything that has a final name is whole. */
function expectWhole(to: string): void {
  for (const path of finals(to)) {
    const index = Number(/f(\d+)/.exec(path)?.[1]);
    expect(readFileSync(join(to, path)).equals(bytes(index))).toBe(true);
  }
}

describe('a thread for names', () => {
  it('is not started for few files', () => {
    expect(Publisher.start(FILE, 1000)).toBeUndefined();
  });

  it('names nearly all of thousands of files', async () => {
    const publisher = await running();
    const asked = vi.spyOn(publisher, 'name');
    const { to, destination } = await opened(publisher);
    await write(destination);
    const { files, roots, renamed } = await destination.finish();
    expect({ files, roots, renamed }).toEqual({ files: COUNT, roots: [join(to, 'd')] });
    expect(asked.mock.calls.flatMap(([moves]) => moves).length).toBe(COUNT);
    expect(publisher.isReady).toBe(true);
    expect(finals(to).length).toBe(COUNT);
    expectWhole(to);
    expect(parts(to)).toEqual([]);
  });

  it('is not waited for when it starts late, or not at all', async () => {
    const publisher = Publisher.start(join(temporary(), 'missing.js'), COUNT);
    if (publisher === undefined) throw new Error('no thread');
    const { to, destination } = await opened(publisher);
    await write(destination);
    expect((await destination.finish()).files).toBe(COUNT);
    expect(publisher.isReady).toBe(false);
    expect(finals(to).length).toBe(COUNT);
    expectWhole(to);
    await publisher.end();
  });

  it('that ends in the middle is told, and nothing half is left', async () => {
    const publisher = await running();
    const { to, destination } = await opened(publisher);
    await write(destination, 0, 1500);
    const writing = write(destination, 1500);
    const ended = publisher.end();
    // Where it had answered already, the rest is named without it.
    expect(['internal', 'none']).toContain(await codeOf(writing.then(() => destination.finish())));
    await ended;
    await destination.abort();
    expectWhole(to);
    expect(parts(to)).toEqual([]);
  });

  it('keeps the process of nobody alive', async () => {
    const child = startProgram(
      `import { Publisher } from 'CORE/files/publisher.ts';
       Publisher.start('${FILE}', ${COUNT});
       console.log('started');`,
    );
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(0);
  });
});

describe('a name that is taken meanwhile', () => {
  it.each(['rename', 'skip'] as const)('%s', async (choice) => {
    const { to, destination } = await opened(await running(), choice);
    for (const folder of ['d/0', 'd/1', 'd/2']) mkdirSync(join(to, folder), { recursive: true });
    const taken = [700, 701, 2900].map((index) => entries[index]?.path ?? '');
    for (const path of taken) writeFileSync(join(to, path), 'sudden');
    await write(destination);
    const { files, renamed } = await destination.finish();
    for (const path of taken) expect(readFileSync(join(to, path), 'utf8')).toBe('sudden');
    expect(files).toBe(choice === 'rename' ? COUNT : COUNT - taken.length);
    expect(renamed?.map(({ offered }) => offered)).toEqual(choice === 'rename' ? taken : undefined);
    for (const { offered, path } of renamed ?? [])
      expect(readFileSync(path, 'utf8')).toBe(`content ${offered.slice(offered.indexOf('f') + 1)}`);
    expect(finals(to).length).toBe(choice === 'rename' ? COUNT + taken.length : COUNT);
    expect(parts(to)).toEqual([]);
  });

  it('overwrite: what is replaced is kept for undo', async () => {
    const publisher = await running();
    const { to, destination } = await opened(publisher, 'overwrite', true);
    const taken = entries[1234]?.path ?? '';
    mkdirSync(join(to, taken, '..'), { recursive: true });
    writeFileSync(join(to, taken), 'precious');
    await write(destination);
    expect((await destination.finish()).files).toBe(COUNT);
    expectWhole(to);
    const arrived = destination.undoRecord?.arrived ?? [];
    expect(arrived.length).toBe(COUNT);
    const [replaced] = arrived.filter(({ kept }) => kept !== undefined);
    expect(replaced?.path).toBe(join(to, taken));
    expect(readFileSync(replaced?.kept ?? '', 'utf8')).toBe('precious');
  });

  it('one that replaces waits for those before it, and holds up those behind it', async () => {
    const publisher = await running();
    const to = temporary();
    const destination = await Destination.open(to, entries, {
      ...{ random: systemRandom, publisher, undo: true },
    });
    for (const index of entries.keys())
      destination.plan(index, index % 500 === 499 ? 'overwrite' : 'rename');
    await write(destination);
    expect((await destination.finish()).files).toBe(COUNT);
    // In the order in which they came, whoever named them.
    const arrived = destination.undoRecord?.arrived.map(({ path }) => path);
    expect(arrived).toEqual(entries.map(({ path }) => join(to, path)));
    expectWhole(to);
  });
});

describe('a transfer that ends badly', () => {
  it('aborted in the middle leaves whole files only', async () => {
    const publisher = await running();
    const { to, destination } = await opened(publisher);
    await write(destination, 0, 2000);
    await destination.abort();
    const left = tree(to);
    expect(finals(to).length).toBeGreaterThan(0);
    expect(finals(to).length).toBeLessThanOrEqual(2000);
    expectWhole(to);
    expect(parts(to)).toEqual([]);
    // Nobody goes on behind its back.
    await publisher.end();
    expect(tree(to)).toEqual(left);
  });

  it.each(['removed', 'moved'] as const)('a folder that is %s is told', async (how) => {
    const { to, destination } = await opened(await running());
    const folder = join(to, 'd/1');
    const run = async () => {
      await write(destination, 0, 1500);
      // Names are still given in it, so it is not removed where it is.
      renameSync(folder, join(to, 'away'));
      if (how === 'removed') await rm(join(to, 'away'), { recursive: true, maxRetries: 20 });
      await write(destination, 1500);
      await destination.finish();
    };
    expect(await codeOf(run())).toBe('folder_gone');
    await destination.abort();
    expectWhole(to);
    expect(parts(join(to, 'd'))).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  });

  it('killed in the middle leaves temporary files and whole ones', async () => {
    const to = temporary();
    const child = startProgram(
      `import { Destination } from 'CORE/files/destination.ts';
       import { Publisher } from 'CORE/files/publisher.ts';
       import { systemRandom as random } from 'CORE/edges.ts';
       const publisher = Publisher.start('${FILE}', 100_000);
       while (!publisher.isReady) await new Promise((resolve) => setTimeout(resolve, 5));
       const entries = Array.from({ length: 100_000 }, (_, index) => ({ path: 'd/0/f' + index,
         kind: 'file', size: ('content ' + index).length, mtimeMs: 0, executable: false }));
       const destination = await Destination.open('${to}', entries, { random, publisher });
       for (const index of entries.keys()) destination.plan(index, 'rename');
       for (const index of entries.keys()) {
         await destination.writeWhole(index, Buffer.from('content ' + index));
         if (index === 4000) console.log('in the middle');
       }
       console.log('too late');`,
    );
    if (child.stdout === null) throw new Error('no output');
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(child.signalCode).toBe('SIGKILL');
    expect(finals(to).length).toBeGreaterThan(1000);
    expectWhole(to);
    expect(finals(to).length + parts(to).length + 3).toBe(tree(to).length + 1);
  });
});

const canRefuseLinks = canRun('strace', '-V');

describe.runIf(canRefuseLinks)('a disk without hard links', () => {
  it.each(['with', 'without'] as const)(
    'has every file in the end, %s a thread',
    async (thread) => {
      const to = temporary();
      const child = startProgram(
        `import { Destination } from 'CORE/files/destination.ts';
       import { Publisher } from 'CORE/files/publisher.ts';
       import { systemRandom as random } from 'CORE/edges.ts';
       const publisher = ${thread === 'with'} ? Publisher.start('${FILE}', ${COUNT}) : undefined;
       while (publisher?.isReady === false) await new Promise((resolve) => setTimeout(resolve, 5));
       const entries = Array.from({ length: ${COUNT} }, (_, index) => ({ path: 'd/0/f' + index,
         kind: 'file', size: ('content ' + index).length, mtimeMs: 0, executable: false }));
       const destination = await Destination.open('${to}', entries, { random, publisher });
       for (const index of entries.keys()) destination.plan(index, 'rename');
       for (const index of entries.keys())
         await destination.writeWhole(index, Buffer.from('content ' + index));
       console.log((await destination.finish()).files);`,
        false,
        ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'inject=link,linkat:error=EPERM'],
      );
      let printed = '';
      child.stdout?.on('data', (data: Buffer) => (printed += data.toString()));
      await once(child, 'close');
      expect(printed.trim()).toBe(String(COUNT));
      expect(finals(to).length).toBe(COUNT);
      expectWhole(to);
      expect(parts(to)).toEqual([]);
    },
  );
});

function canRun(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
