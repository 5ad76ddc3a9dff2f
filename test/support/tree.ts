/** Makes a tree with one of everything, and tells how two trees differ. */
import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  chmod,
  lstat,
  lutimes,
  mkdir,
  open,
  readdir,
  readlink,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

/** What the sample tree holds. */
export interface TreeOptions {
  /** Number of regular files, at least 8; default 300. */
  readonly files?: number;
  /** Size of one large random file in bytes; none by default. It counts as one of `files`. */
  readonly largeBytes?: number;
}

/** Every modification time lies after this one, in whole milliseconds since 1970. */
const OLDEST_MS = Date.UTC(2001, 8, 9, 1, 46, 40, 123);
const LINK_NAME = 'link to the zero-byte file';

/** Names in several scripts, one of them in decomposed form. */
const NAMES = [
  'plain.txt',
  'Größe und Maß.txt',
  'Привет, мир.txt',
  '日本語の文書.txt',
  'العربية.txt',
  'e\u0301 decomposed.txt',
  "with 'quotes', spaces & $signs.txt",
];

/**
 * Makes a folder with nested folders, an empty folder, a zero-byte file, a symbolic link, an
 * executable, names in more than three scripts, and files of 0 to some 40,000 bytes.
 * The content depends on nothing but the options, except for the large file.
 * @param root - path that does not exist yet
 */
export async function makeTree(root: string, options: TreeOptions = {}): Promise<void> {
  const wanted = options.files ?? 300;
  await mkdir(path.join(root, 'nested/deeper/deepest'), { recursive: true });
  await mkdir(path.join(root, 'an empty folder'));
  await mkdir(path.join(root, 'папка/フォルダー'), { recursive: true });
  await writeFile(path.join(root, 'zero bytes'), '');
  await symlink('zero bytes', path.join(root, LINK_NAME));
  await writeFile(path.join(root, 'run.sh'), '#!/bin/sh\necho hello\n');
  await chmod(path.join(root, 'run.sh'), 0o755);
  let made = 2;
  if (options.largeBytes !== undefined) {
    await writeRandom(path.join(root, 'nested/large.bin'), options.largeBytes);
    made += 1;
  }
  const folders = ['', 'nested', 'nested/deeper', 'nested/deeper/deepest', 'папка/フォルダー'];
  for (let index = 0; made < wanted; index += 1, made += 1) {
    const name = NAMES[index] ?? `file ${index}.dat`;
    const file = path.join(root, folders[index % folders.length] ?? '', name);
    await writeFile(file, bytesOf(index));
  }
  await setTimes(root);
}

/** Compressible and incompressible content of a length that follows from the number. */
function bytesOf(index: number): Buffer {
  const length = ((index + 1) ** 2 * 7919) % 40_000;
  if (index % 2 === 0) return Buffer.alloc(length, `line of file ${index}\n`);
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 32)
    createHash('sha256').update(`${index} ${at}`).digest().copy(bytes, at);
  return bytes;
}

async function writeRandom(file: string, length: number): Promise<void> {
  const piece = Buffer.alloc(1 << 20);
  const handle = await open(file, 'w');
  try {
    for (let left = length; left > 0; left -= piece.length)
      await handle.write(randomFillSync(piece), 0, Math.min(left, piece.length));
  } finally {
    await handle.close();
  }
}

/** Gives everything a different time in the past; folders last, because writing changes theirs. */
async function setTimes(root: string): Promise<void> {
  for (const [index, name] of (await list(root)).reverse().entries()) {
    const file = path.join(root, name);
    const time = new Date(OLDEST_MS + index * 86_400_123);
    if ((await lstat(file)).isSymbolicLink()) await lutimes(file, time, time);
    else await utimes(file, time, time);
  }
}

/** Every path below a folder, relative, folders before what is in them. */
async function list(root: string): Promise<string[]> {
  const names = await readdir(root, { recursive: true });
  return names.sort();
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** What of an entry has to be the same on both sides. */
async function describe(file: string): Promise<Record<string, string | number | boolean>> {
  const stats = await lstat(file);
  const { mtimeMs } = stats;
  if (stats.isSymbolicLink()) return { kind: 'symlink', target: await readlink(file) };
  if (stats.isDirectory()) return { kind: 'folder', mtimeMs };
  if (!stats.isFile()) return { kind: 'something else' };
  const executable = (stats.mode & 0o100) !== 0;
  return { kind: 'file', size: stats.size, executable, mtimeMs, sha256: await hashOf(file) };
}

/** Numbers may differ by two thousandths: Node sets times to the microsecond. */
function isSame(one: unknown, other: unknown): boolean {
  if (typeof one !== 'number' || typeof other !== 'number') return one === other;
  return Math.abs(one - other) < 0.002;
}

/**
 * Compares two folders: names, kinds, content, executable bit, modification time, link targets.
 * @returns one sentence a difference; empty when they are identical
 */
export async function compareTrees(left: string, right: string): Promise<string[]> {
  const [leftNames, rightNames] = [new Set(await list(left)), new Set(await list(right))];
  const differences = [...rightNames]
    .filter((name) => !leftNames.has(name))
    .map((name) => `extra: ${name}`);
  for (const name of leftNames) {
    if (!rightNames.has(name)) {
      differences.push(`missing: ${name}`);
      continue;
    }
    const one = await describe(path.join(left, name));
    const other = await describe(path.join(right, name));
    for (const key of new Set([...Object.keys(one), ...Object.keys(other)]))
      if (!isSame(one[key], other[key]))
        differences.push(`${name}: ${key} is ${String(other[key])} instead of ${String(one[key])}`);
  }
  return differences;
}
