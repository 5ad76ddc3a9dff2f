/** The changes in a repository as one patch that `git apply` takes, binary files too. */
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CrocError } from '../../core/index.js';
import type { Git, Repository } from '../git.js';

/** Which changes. */
export interface ChangesWish {
  readonly which: 'staged' | 'unstaged' | 'both';
  /** Files that git does not know yet; they are not staged. */
  readonly untracked: boolean;
}

/** The same patch whatever the person's settings for reading diffs are. */
const DIFF = [
  ...['-c', 'diff.noprefix=false', '-c', 'diff.mnemonicPrefix=false', '-c', 'core.quotePath=true'],
  ...['diff', '--binary', '--full-index', '--no-color', '--no-ext-diff', '--no-textconv'],
  ...['--no-relative', '--src-prefix=a/', '--dst-prefix=b/', '--submodule=short'],
];

async function must(git: Git, repository: Repository, args: readonly string[], env = {}) {
  const { code, stdout, stderr } = await git.run(repository, args, { env });
  if (code !== 0)
    throw new CrocError('internal', { detail: `git: ${stderr.split('\n', 1)[0] ?? ''}` });
  return stdout;
}

/**
 * @returns the patch's exact bytes; empty when there are no such changes
 * @throws CrocError `internal`, with what git says
 */
export async function changesOf(
  git: Git,
  repository: Repository,
  { which, untracked }: ChangesWish,
): Promise<Buffer> {
  if (which === 'staged') return must(git, repository, [...DIFF, '--cached']);
  const born = (await git.run(repository, ['rev-parse', '--verify', '-q', 'HEAD'])).code === 0;
  // Before the first commit everything staged is new, so it is compared with nothing at all.
  const nothing = ['hash-object', '-t', 'tree', '--stdin'];
  const from =
    which === 'unstaged'
      ? []
      : [born ? 'HEAD' : (await must(git, repository, nothing)).toString().trim()];
  if (!untracked) return must(git, repository, [...DIFF, ...from]);
  return withOwnIndex(git, repository, async (env) => {
    await must(git, repository, ['add', '--intent-to-add', '--', '.'], env);
    return must(git, repository, [...DIFF, ...from], env);
  });
}

/** Works on a copy of the index, so that nothing of the person's own is touched. */
async function withOwnIndex<T>(
  git: Git,
  repository: Repository,
  work: (env: Record<string, string>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'croc-index-'));
  try {
    const copy = path.join(folder, 'index');
    const index = await must(git, repository, ['rev-parse', '--git-path', 'index']);
    // There is none before the first `git add`.
    await copyFile(path.resolve(repository.root, index.toString().trim()), copy).catch(
      () => undefined,
    );
    return await work({ GIT_INDEX_FILE: copy });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
