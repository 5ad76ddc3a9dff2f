/** The changes in a repository as one patch that `git apply` takes, binary files too. */
import type { Git, Repository } from '../git.js';
import { mustRun, withOwnIndex } from '../ownIndex.js';

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

/**
 * @returns the patch's exact bytes; empty when there are no such changes
 * @throws CrocError `internal`, with what git says
 */
export async function changesOf(
  git: Git,
  repository: Repository,
  { which, untracked }: ChangesWish,
): Promise<Buffer> {
  if (which === 'staged') return mustRun(git, repository, [...DIFF, '--cached']);
  const born = (await git.run(repository, ['rev-parse', '--verify', '-q', 'HEAD'])).code === 0;
  // Before the first commit everything staged is new, so it is compared with nothing at all.
  const nothing = ['hash-object', '-t', 'tree', '--stdin'];
  const from =
    which === 'unstaged'
      ? []
      : [born ? 'HEAD' : (await mustRun(git, repository, nothing)).toString().trim()];
  if (!untracked) return mustRun(git, repository, [...DIFF, ...from]);
  return withOwnIndex(git, repository, async (env) => {
    await mustRun(git, repository, ['add', '--intent-to-add', '--', '.'], { env });
    return mustRun(git, repository, [...DIFF, ...from], { env });
  });
}
