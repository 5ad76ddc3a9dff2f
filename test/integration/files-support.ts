/** What the tests of the disk share: temporary folders, offers, and children of another user. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, lstatSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildSync } from 'esbuild';
import { afterEach } from 'vitest';
import { systemRandom } from '../../src/core/edges.js';
import { CrocError } from '../../src/core/errors.js';
import { Destination } from '../../src/core/files/destination.js';
import type { WalkEntry } from '../../src/core/files/walk.js';
import { walk } from '../../src/core/files/walk.js';
import type { ConflictChoice, OfferEntry, Skipped } from '../../src/core/types.js';

export const isRoot = process.getuid?.() === 0;
export const isLinux = process.platform === 'linux';
const NOBODY = 65534;

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A temporary folder that is gone after the test. */
export function temporary(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'croc-files-')));
  folders.push(folder);
  return folder;
}

export const MTIME_MS = 1_600_000_000_123;

export function file(path: string, content: string | number, more: Partial<OfferEntry> = {}) {
  const size = typeof content === 'number' ? content : Buffer.byteLength(content);
  return { path, kind: 'file', size, mtimeMs: MTIME_MS, executable: false, ...more } as const;
}
export function folder(path: string, mtimeMs = MTIME_MS): OfferEntry {
  return { path, kind: 'folder', size: 0, mtimeMs, executable: false };
}
export function link(path: string, target: string): OfferEntry {
  return { path, kind: 'symlink', size: 0, mtimeMs: MTIME_MS, executable: false, target };
}

/** Opens a destination and plans every entry with one choice. */
export async function planned(
  to: string,
  entries: readonly OfferEntry[],
  choice: ConflictChoice = 'rename',
): Promise<Destination> {
  const destination = await Destination.open(to, entries, { random: systemRandom });
  for (const index of entries.keys()) destination.plan(index, choice);
  return destination;
}

/** Walks, and gives what is sent and what is not. */
export async function walked(...paths: string[]) {
  const skipped: Skipped[] = [];
  const entries: WalkEntry[] = [];
  for await (const entry of walk(paths, { onSkip: (skip) => skipped.push(skip) }))
    entries.push(entry);
  return { entries, skipped, paths: entries.map((entry) => entry.path) };
}

/** Everything below a folder, sorted, folders with a slash at the end. */
export function tree(root: string, prefix = ''): string[] {
  const found: string[] = [];
  for (const name of readdirSync(root).sort()) {
    const isFolder = lstatSync(join(root, name)).isDirectory();
    found.push(`${prefix}${name}${isFolder ? '/' : ''}`);
    if (isFolder) found.push(...tree(join(root, name), `${prefix}${name}/`));
  }
  return found;
}

/** The code of the CrocError that a promise is rejected with. */
export async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === 'function' ? work() : work);
    return 'none';
  } catch (error) {
    if (error instanceof CrocError) return error.code;
    throw error;
  }
}

/** How many descriptors this process has open. */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/**
 * Starts a program of this project in a process of its own: bundled, as it is shipped.
 *
 * @param code - TypeScript; `CORE` stands for the folder of the core
 * @param under - a program, with its arguments, that runs it
 */
export function startProgram(
  code: string,
  asNobody = false,
  under: readonly string[] = [],
): ChildProcess {
  const home = temporary();
  chmodSync(home, 0o755);
  const outfile = join(home, 'program.mjs');
  buildSync({
    stdin: {
      contents: code.replaceAll('CORE', resolve('src/core')),
      resolveDir: resolve('.'),
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    logLevel: 'error',
  });
  const user = asNobody ? { uid: NOBODY, gid: NOBODY } : {};
  const [program, ...args] = [...under, process.execPath, outfile];
  return spawn(program, args, {
    ...user,
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: '/',
  });
}

/** Runs a program to its end and gives what it printed. */
export async function runProgram(code: string, asNobody = false): Promise<string> {
  const child = startProgram(code, asNobody);
  let printed = '';
  child.stdout?.on('data', (data: Buffer) => (printed += data.toString()));
  await once(child, 'close');
  return printed.trim();
}
