/** Where things are in the project, and how long a wait may take. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'package-lock.json'))) {
    const parent = path.dirname(folder);
    if (parent === folder) throw new Error('This file is not inside the project.');
    folder = parent;
  }
  return folder;
}

/** The project's root folder, absolute; works from the sources and from a bundle in test/out. */
export const projectRoot = findRoot();

/** An absolute path below test/out, where everything that tests make is kept. */
export function testOut(...parts: readonly string[]): string {
  return path.join(projectRoot, 'test', 'out', ...parts);
}

/** Deadlines of the waits at an editor, in milliseconds; the machine may be slow and shared. */
export const deadlineMs = {
  /** A server listens. */
  server: 60_000,
  /** A workbench has drawn itself and its extensions run. */
  workbench: 90_000,
  /** Something appears after a click or a key. */
  step: 20_000,
  /** A process group ends after SIGTERM. */
  stop: 5_000,
} as const;
