/**
 * What a patch would change in a repository, file by file. It is applied to a copy of the index that
 * stands for the working tree; of the repository itself nothing is touched.
 */
import type { Git, Repository } from '../git.js';
import { mustRun, withOwnIndex, type GitEnv } from '../ownIndex.js';

/** Larger files, and more of them, are not shown. */
const MAX_FILE_BYTES = 5 * 1024 * 1024;
const MAX_ALL_BYTES = 32 * 1024 * 1024;
const MAX_FILES = 1000;
/** git looks for a zero byte in as many bytes to tell a binary file. */
const PROBED_BYTES = 8000;

/** One side of a file: a text, or what can be said of it instead; undefined where there is no file. */
export type PreviewSide = { readonly text: string } | { readonly binary: string } | undefined;

/** A file that a patch changes. */
export interface PreviewFile {
  /** Below the repository's top folder, `/` between parts. */
  readonly path: string;
  readonly before: PreviewSide;
  readonly after: PreviewSide;
}

interface Change {
  readonly path: string;
  readonly before: Side;
  readonly after: Side;
}
interface Side {
  readonly mode: string;
  readonly id: string;
  readonly path: string;
}

/**
 * Tries a patch on a repository.
 *
 * @returns undefined when it does not fit, or is too large to be looked at this way
 */
export async function previewPatch(
  git: Git,
  repository: Repository,
  input: Uint8Array,
): Promise<PreviewFile[] | undefined> {
  try {
    const check = await git.run(repository, ['apply', '--check'], { input });
    if (check.code !== 0) return undefined;
    return await withOwnIndex(git, repository, (env) => tryOut(git, repository, { input, env }));
  } catch {
    // Such as a file that git does not know yet, or a repository that is gone: then the patch itself is shown.
    return undefined;
  }
}

async function tryOut(
  git: Git,
  repository: Repository,
  { input, env }: { input: Uint8Array; env: GitEnv },
): Promise<PreviewFile[] | undefined> {
  const tree = async (): Promise<string> =>
    (await mustRun(git, repository, ['write-tree'], { env })).toString().trim();
  await mustRun(git, repository, ['add', '--update', '--', '.'], { env });
  const before = await tree();
  await mustRun(git, repository, ['apply', '--cached', '--whitespace=nowarn'], { input, env });
  const diff = ['diff-tree', '-r', '-z', '--raw', '--full-index', '-M', before, await tree()];
  const changes = readRaw((await mustRun(git, repository, diff, { env })).toString());
  if (changes.length > MAX_FILES) return undefined;
  const files: PreviewFile[] = [];
  let left = MAX_ALL_BYTES;
  const show = async ({ mode, id }: Side): Promise<PreviewSide> => {
    if (/^0+$/.test(id)) return undefined;
    // A submodule is a commit of another repository.
    if (mode === '160000') return { binary: id };
    const content = await mustRun(git, repository, ['cat-file', 'blob', id], { env });
    left -= content.length;
    const binary = content.subarray(0, PROBED_BYTES).includes(0);
    return binary || content.length > MAX_FILE_BYTES
      ? { binary: id }
      : { text: content.toString() };
  };
  for (const change of changes) {
    const [one, other] = [await show(change.before), await show(change.after)];
    if (left < 0) return undefined;
    files.push({ path: change.path, before: one, after: other });
  }
  return files;
}

/** Reads `git diff-tree --raw -z`: `:mode mode id id status`, then one path, or two of a file that moved. */
function readRaw(raw: string): Change[] {
  const fields = raw.split('\0');
  const changes: Change[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [before = '', after = '', old = '', fresh = '', status = ''] = (fields[at] ?? '')
      .replace(/^:/, '')
      .split(' ');
    const from = fields[at + 1] ?? '';
    const moved = /^[RC]/.test(status);
    const path = moved ? (fields[at + 2] ?? '') : from;
    if (moved) at += 1;
    changes.push({
      path,
      before: { mode: before, id: old, path: from },
      after: { mode: after, id: fresh, path },
    });
  }
  return changes;
}
