// Makes a clean clone ready with nothing but Node and npm: installs the dependencies when they are
// not those of the lock file, and with --build also builds dist/ when a source is newer.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const at = (...parts) => path.join(root, ...parts);
const time = (file) => (existsSync(file) ? statSync(file).mtimeMs : 0);
const npm = (...args) =>
  execFileSync('npm', args, {
    cwd: root,
    stdio: ['ignore', 2, 'inherit'],
    shell: process.platform === 'win32',
  });

/** Newest modification time below a folder, in milliseconds. */
const newest = (folder) =>
  Math.max(
    0,
    ...readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => time(path.join(entry.parentPath ?? entry.path, entry.name))),
  );

export function ensureInstalled() {
  // The stamp names the lock file that was installed: times say nothing in a fresh clone.
  const stamp = at('node_modules', '.croc-installed');
  const lock = createHash('sha256')
    .update(readFileSync(at('package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  npm('ci', '--no-audit', '--no-fund');
  writeFileSync(stamp, lock);
}

export function ensureBuilt() {
  ensureInstalled();
  const sources = Math.max(newest(at('src')), time(at('esbuild.js')), time(at('package.json')));
  const outputs = [
    'index.js',
    'worker.js',
    'crocWorker.js',
    'publisher.js',
    'relayWorker.js',
    'cli.js',
    'extension.js',
  ];
  if (Math.min(...outputs.map((file) => time(at('dist', file)))) < sources)
    npm('run', '--silent', 'build');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--build')) ensureBuilt();
  else ensureInstalled();
}
