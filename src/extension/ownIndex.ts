/** Work with git on a copy of a repository's index, so that nothing of the person's own is touched. */
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CrocError } from '../core/index.js';
import type { Git, Repository } from './git.js';

/** Environment of a command of git. */
export type GitEnv = Readonly<Record<string, string>>;

/**
 * Runs git and gives what it prints.
 *
 * @throws CrocError `internal`, with what git says, unless it went well
 */
export async function mustRun(
  git: Git,
  repository: Repository,
  args: readonly string[],
  { input, env = {} }: { input?: Uint8Array; env?: GitEnv } = {},
): Promise<Buffer> {
  const given = input === undefined ? { env } : { env, input };
  const { code, stdout, stderr } = await git.run(repository, args, given);
  if (code !== 0)
    throw new CrocError('internal', { detail: `git: ${stderr.split('\n', 1)[0] ?? ''}` });
  return stdout;
}

/**
 * Works on a copy of the index that is removed afterwards.
 *
 * @param work - gets the environment that makes git use the copy; what git stores with it besides, such as the
 *   contents of files, goes to a temporary folder, too
 * @throws what `work` throws
 */
export async function withOwnIndex<T>(
  git: Git,
  repository: Repository,
  work: (env: GitEnv) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'croc-index-'));
  const inside = async (what: string): Promise<string> => {
    const found = await mustRun(git, repository, ['rev-parse', '--git-path', what]);
    return path.resolve(repository.root, found.toString().trim());
  };
  try {
    const copy = path.join(folder, 'index');
    const objects = path.join(folder, 'objects');
    await mkdir(objects);
    // There is none before the first `git add`.
    await copyFile(await inside('index'), copy).catch(() => undefined);
    return await work({
      GIT_INDEX_FILE: copy,
      GIT_OBJECT_DIRECTORY: objects,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: await inside('objects'),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
