/**
 * What is left out of a folder that is sent: by `.gitignore` files as git reads them (of the folder,
 * below it, and above it up to the top of its repository, with `.git/info/exclude`), and by patterns of
 * the same form that the caller gives. The lists that a person's git settings name are not read.
 *
 * All rules that hold in a folder are one list, counted from one base, the later ones stronger; so
 * a rule of a deeper folder wins, as in git. The walk does not enter a folder that is left out, so
 * nothing below it can be taken in again, also as in git.
 */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import type { IgnoreOptions } from '../types.js';

/** A list of rules longer than this is not read. */
const MAX_RULES_BYTES = 1024 * 1024;

/** Tells what is left out in one folder. */
export interface FolderRules {
  /** Whether something in this folder, or below it, is left out. */
  ignores(source: string, isFolder: boolean): boolean;
  /** The rules that hold in a folder in it. */
  within(folder: string): FolderRules;
}

/** Leaves nothing out. */
export const NO_RULES: FolderRules = { ignores: () => false, within: () => NO_RULES };

/**
 * The rules for one folder that was named. When they would leave out the folder itself, only those
 * count that it brings along: it was named on purpose.
 *
 * @param root - absolute real path of a folder
 */
export function rulesFor(root: string, options: IgnoreOptions): FolderRules {
  const git = options.gitignore === true;
  const top = git ? repositoryTop(root) : undefined;
  const outer = (options.exclude ?? [])
    .map(({ base, patterns }) => ({ base: real(base), patterns }))
    .filter(({ base }) => isAtOrAbove(base, root));
  if (!git && outer.length === 0) return NO_RULES;
  const bases = [root, ...(top === undefined ? [] : [top]), ...outer.map(({ base }) => base)];
  const base = bases.reduce((a, b) => (b.length < a.length ? b : a));
  const all = ignore(CASE);
  if (top !== undefined) {
    all.add(rebased(readRules(join(top, '.git', 'info', 'exclude')), base, top));
    for (const folder of foldersBetween(top, root))
      all.add(rebased(readRules(join(folder, '.gitignore')), base, folder));
  }
  for (const { base: from, patterns } of outer) all.add(rebased(patterns, base, from));
  const rules = new Rules(base, git, all);
  if (base !== root && rules.ignores(root, true))
    return new Rules(root, git, ignore(CASE)).within(root);
  return rules.within(root);
}

/** git's own default: case counts except where disks ignore it. */
const CASE = { ignorecase: process.platform === 'win32' || process.platform === 'darwin' };

class Rules implements FolderRules {
  constructor(
    private readonly base: string,
    private readonly git: boolean,
    private readonly rules: Ignore,
  ) {}

  ignores(source: string, isFolder: boolean): boolean {
    // No rule takes git's own folder in again.
    if (this.git && basename(source).toLowerCase() === '.git') return true;
    const path = slashed(relative(this.base, source));
    return ignore.isPathValid(path) && this.rules.ignores(isFolder ? `${path}/` : path);
  }

  within(folder: string): FolderRules {
    if (!this.git) return this;
    const own = readRules(join(folder, '.gitignore'));
    if (own.length === 0) return this;
    const rules = ignore(CASE)
      .add(this.rules)
      .add(rebased(own, this.base, folder));
    return new Rules(this.base, this.git, rules);
  }
}

/** The rules of a file, none when it cannot be read: a list that is gone is no reason to stop. */
function readRules(file: string): string[] {
  try {
    const stats = statSync(file);
    if (!stats.isFile() || stats.size > MAX_RULES_BYTES) return [];
    return readFileSync(file, 'utf8')
      .replace(/^\ufeff/, '')
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '' && !line.startsWith('#'));
  } catch {
    return [];
  }
}

/** Rules counted from `folder`, rewritten so that they count from `base`, which is at or above it. */
function rebased(rules: readonly string[], base: string, folder: string): string[] {
  const way = slashed(relative(base, folder));
  if (way === '') return [...rules];
  const prefix = `/${way.replace(/[\\*?[\]]/g, '\\$&')}/`;
  return rules.map((rule) => {
    const not = rule.startsWith('!') ? '!' : '';
    const pattern = rule.slice(not.length);
    // Without a slash, but for one at the end, a rule holds at every depth.
    const anchored = /\/(?=.*\S)/.test(pattern);
    const escaped = pattern.replace(/^\\(?=[#!])/, '');
    return `${not}${prefix}${anchored ? escaped.replace(/^\//, '') : `**/${escaped}`}`;
  });
}

/** The top of the repository that a folder is in: where `.git` is, a folder or a file. */
function repositoryTop(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (statSync(join(at, '.git'), { throwIfNoEntry: false }) !== undefined) return at;
    if (at === dirname(at)) return undefined;
  }
}

/** The folders from `top` to the one above `root`, topmost first. */
function foldersBetween(top: string, root: string): string[] {
  const folders: string[] = [];
  for (let at = root; at !== top; at = dirname(at)) folders.unshift(dirname(at));
  return folders;
}

function isAtOrAbove(folder: string, below: string): boolean {
  const edge = folder.endsWith(sep) ? folder : folder + sep;
  return below === folder || below.startsWith(edge);
}

function slashed(path: string): string {
  return sep === '/' ? path : path.replaceAll(sep, '/');
}

function real(folder: string): string {
  try {
    return realpathSync.native(folder);
  } catch {
    return folder;
  }
}
