/** The extension as people install it. */
import { execFileSync } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { projectRoot } from './project.js';

/** Runs `npm run package` and gives the .vsix that it made, absolute; `CROC_VSIX` names one instead. */
export async function packExtension(): Promise<string> {
  const given = process.env['CROC_VSIX'];
  if (given !== undefined) return path.resolve(given);
  // File systems may keep times of whole seconds.
  const start = Math.floor(Date.now() / 1000) * 1000;
  // On Windows npm is a script, which only a shell can run.
  const shell = process.platform === 'win32';
  const args = ['run', '--silent', 'package'];
  execFileSync('npm', args, { cwd: projectRoot, stdio: ['ignore', 2, 'inherit'], shell });
  for (const name of await readdir(projectRoot)) {
    const file = path.join(projectRoot, name);
    if (name.endsWith('.vsix') && (await stat(file)).mtimeMs >= start) return file;
  }
  throw new Error('`npm run package` made no .vsix in the project folder.');
}
