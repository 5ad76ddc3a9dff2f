/** Globs of VS Code's `files.exclude` as patterns of a `.gitignore`. Pure. */

/** `a{b,c}d` becomes `abd` and `acd`; braces that do not close stay. */
export function expandBraces(glob: string): string[] {
  const open = glob.indexOf('{');
  if (open === -1) return [glob];
  let depth = 0;
  let start = open + 1;
  const parts: string[] = [];
  for (let at = open; at < glob.length; at += 1) {
    const character = glob[at];
    if (character === '{') depth += 1;
    if (character === '}') depth -= 1;
    if ((character === ',' && depth === 1) || depth === 0) {
      parts.push(glob.slice(start, at));
      start = at + 1;
    }
    if (depth > 0) continue;
    const [before, after] = [glob.slice(0, open), glob.slice(at + 1)];
    return parts.flatMap((part) => expandBraces(before + part + after));
  }
  return [glob];
}

/**
 * Globs of `files.exclude` as lines of a `.gitignore` in the workspace folder. Those that hold only
 * beside another file (`when`) leave out nothing.
 *
 * @param globs - as the setting has it: glob → true, false or a condition
 */
export function excludePatterns(globs: unknown): string[] {
  if (typeof globs !== 'object' || globs === null) return [];
  return Object.entries(globs)
    .filter(([, value]) => value === true)
    .flatMap(([glob]) => expandBraces(glob))
    .map((glob) => glob.replace(/^\.?\//, ''))
    .map((glob) => (glob.startsWith('**/') ? glob : `/${glob}`));
}
