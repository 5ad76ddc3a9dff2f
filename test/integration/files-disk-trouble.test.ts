import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/core/edges.js';
import { Destination, PART_NAME } from '../../src/core/files/destination.js';
import {
  codeOf,
  file,
  folder,
  isLinux,
  isRoot,
  link,
  planned,
  runProgram,
  startProgram,
  temporary,
  tree,
} from './files-support.js';

// A disk that is busy with others may take long to flush.

const MIB = 1024 * 1024;
const mounts: string[] = [];

/** A small disk of its own; undefined where this machine does not let us make one. */
function smallDisk(options: string): string | undefined {
  const at = temporary();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'croc-test', at], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  mounts.push(at);
  return at;
}

const canMount = isLinux && isRoot && smallDisk('size=1m') !== undefined;
function unmountAll(): void {
  for (const at of mounts.splice(0)) execFileSync('umount', ['-l', at]);
}
unmountAll();
afterEach(unmountAll);
if (!canMount) console.log('No small disk can be mounted here, so a full disk is not tested.');

describe.runIf(canMount)('a full disk', () => {
  const mounted = (options: string): string => {
    const at = smallDisk(options);
    if (at === undefined) throw new Error('the disk could be mounted before');
    return at;
  };

  it('is told, and what was begun is removed', async () => {
    const to = mounted('size=2m');
    const free = () => statfsSync(to).bfree;
    const before = free();
    const destination = await planned(to, [file('d/big', 8 * MIB)]);
    const piece = Buffer.alloc(256 * 1024, 'x');
    const writing = async () => {
      for (let offset = 0; offset < 8 * MIB; offset += piece.length)
        await destination.writeAt(0, offset, piece);
    };
    expect(await codeOf(writing())).toBe('disk_full');
    expect(await codeOf(destination.finish())).toBe('disk_full');
    await destination.abort();
    expect(tree(to)).toEqual([]);
    expect(free()).toBe(before);
  });

  it('is told for a small file, a folder and a link too', async () => {
    const to = mounted('size=1m,nr_inodes=4');
    const offers = [
      [file('a/b/c/d/e', 'x')],
      [folder('a'), folder('b'), folder('c'), folder('d'), folder('e')],
      [folder('d'), ...['1', '2', '3', '4', '5'].map((name) => link(`d/${name}`, 'x'))],
    ];
    for (const offer of offers) {
      const destination = await planned(to, offer);
      const run = async () => {
        if (offer[0]?.kind === 'file') await destination.writeWhole(0, Buffer.from('x'));
        await destination.finish();
      };
      expect(await codeOf(run())).toBe('disk_full');
      await destination.abort();
      // Links that were made stay, and the folder with them.
      expect(tree(to).filter((path) => !path.startsWith('d/'))).toEqual([]);
    }
  });

  it('is told when not even a probe fits', async () => {
    const to = mounted('size=1m,nr_inodes=1');
    expect(await codeOf(Destination.open(to, [], { random: systemRandom }))).toBe('disk_full');
  });

  it('that may only be read is told', async () => {
    const to = mounted('size=1m');
    const destination = await planned(to, [file('a', 1), file('b', 1)]);
    execFileSync('mount', ['-o', 'remount,ro', to]);
    expect(await codeOf(() => destination.writeWhole(0, Buffer.from('x')))).toBe(
      'folder_not_writable',
    );
    await destination.abort();
    expect(await codeOf(Destination.open(to, [], { random: systemRandom }))).toBe(
      'folder_not_writable',
    );
  });
});

describe('a folder', () => {
  const open = (to: string) => Destination.open(to, [], { random: systemRandom });

  it('that does not exist, or is a file, is gone', async () => {
    const to = temporary();
    writeFileSync(join(to, 'file'), 'x');
    expect(await codeOf(open(join(to, 'no')))).toBe('folder_gone');
    expect(await codeOf(open(join(to, 'file')))).toBe('folder_gone');
    expect(tree(to)).toEqual(['file']);
  });

  it('that vanishes in the middle is gone', async () => {
    for (const vanish of ['before', 'between', 'end'] as const) {
      const to = join(temporary(), 'to');
      mkdirSync(join(to, 'd'), { recursive: true });
      const destination = await planned(to, [file('d/a', 4), file('d/b', 4)]);
      const run = async () => {
        if (vanish === 'before') rmSync(to, { recursive: true });
        await destination.writeWhole(0, Buffer.from('1234'));
        if (vanish === 'between') renameSync(to, `${to}-moved`);
        await destination.writeWhole(1, Buffer.from('1234'));
        if (vanish === 'end') rmSync(to, { recursive: true });
        await destination.finish();
      };
      expect(await codeOf(run())).toBe('folder_gone');
      await destination.abort();
    }
  });

  it.runIf(isRoot)('of another user is not writable, nor is one in it', async () => {
    const to = temporary();
    mkdirSync(join(to, 'mine'));
    chmodSync(to, 0o755);
    const inner = join(to, 'theirs');
    mkdirSync(join(inner, 'locked'), { recursive: true });
    chownSync(inner, 65534, 65534);
    const printed = await runProgram(
      `import { Destination } from 'CORE/files/destination.ts';
       import { systemRandom as random } from 'CORE/edges.ts';
       const entries = ['locked/a', 'a'].map((path) =>
         ({ path, kind: 'file', size: 1, mtimeMs: 0, executable: false }));
       for (const [to, index] of [['${to}', 1], ['${inner}', 0], ['${inner}', 1]]) {
         let destination;
         try {
           destination = await Destination.open(to, entries, { random });
           destination.plan(index, 'rename');
           await destination.writeWhole(index, Buffer.from('x'));
           console.log((await destination.finish()).files);
         } catch (error) { console.log(error.code); await destination?.abort(); }
       }`,
      true,
    );
    expect(printed.split('\n')).toEqual(['folder_not_writable', 'folder_not_writable', '1']);
    expect(tree(to)).toEqual(['mine/', 'theirs/', 'theirs/a', 'theirs/locked/']);
    expect(statSync(join(inner, 'a')).uid).toBe(65534);
  });
});

describe('a process that is killed', () => {
  it('leaves temporary files only, and whole files under final names', async () => {
    const to = temporary();
    const COUNT = 3000;
    const SIZE = 20_000;
    const child = startProgram(
      `import { Destination } from 'CORE/files/destination.ts';
       import { systemRandom as random } from 'CORE/edges.ts';
       const entries = Array.from({ length: ${COUNT} }, (_, i) =>
         ({ path: 'd/' + i, kind: 'file', size: ${SIZE}, mtimeMs: 0, executable: false }));
       const destination = await Destination.open('${to}', entries, { random });
       for (const index of entries.keys()) destination.plan(index, 'rename');
       for (const index of entries.keys()) {
         const data = Buffer.alloc(${SIZE}, 'x');
         if (index % 3 === 0) await destination.writeWhole(index, data);
         else {
           await destination.writeAt(index, ${SIZE / 2}, data.subarray(${SIZE / 2}));
           await destination.writeAt(index, 0, data.subarray(${SIZE / 2}));
         }
         if (index === 600) console.log('in the middle');
       }
       await destination.finish();`,
    );
    if (child.stdout === null) throw new Error('no output');
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(child.signalCode).toBe('SIGKILL');
    const names = tree(join(to, 'd'));
    const parts = names.filter((name) => PART_NAME.test(name));
    const finals = names.filter((name) => !PART_NAME.test(name));
    expect(parts.length).toBeGreaterThan(0);
    expect(finals.length).toBeGreaterThan(100);
    expect(finals.length).toBeLessThan(COUNT);
    const whole = Buffer.alloc(SIZE, 'x');
    for (const name of finals) {
      expect(name).toMatch(/^\d+$/);
      expect(readFileSync(join(to, 'd', name)).equals(whole)).toBe(true);
    }
    for (const name of parts) expect(statSync(join(to, 'd', name)).mode & 0o111).toBe(0);
  });
});
