// Builds the real `croc` program with the Go on this machine, into an ignored cache folder, for the interop
// tests and the bench. Run it again at any time: it then does nothing. Version 11 where the module proxy
// gives it out; else 10.7.0, which speaks the same protocol to a relay (not to its peer).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const MODULES = ['github.com/schollz/croc/v11@v11.2.2', 'github.com/schollz/croc/v10@v10.7.0'];
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const folder = path.resolve(process.env.CROC_PEER_CACHE || path.join(root, '.cache', 'croc'));
const binary = path.join(folder, process.platform === 'win32' ? 'croc.exe' : 'croc');

/** The croc program in the cache, or undefined. */
export function crocPath() {
  return existsSync(binary) ? binary : undefined;
}

/** Its version as it says itself, like `10.7.0`. */
export function crocVersion() {
  const { stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  return /\d+\.\d+\.\d+/.exec(stdout ?? '')?.[0] ?? 'unknown';
}

/** Builds it unless it is there. @returns undefined, or one sentence why there is none */
export function installCroc() {
  if (crocPath()) return undefined;
  if (spawnSync('go', ['version']).status !== 0)
    return 'croc is built with Go, which is not on this machine.';
  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, GOBIN: folder, GOFLAGS: '-mod=mod' };
  const said = [];
  for (const module of MODULES) {
    const built = spawnSync('go', ['install', module], { env, encoding: 'utf8', cwd: folder });
    if (built.status === 0 && crocPath()) return undefined;
    said.push(`${module}: ${(built.stderr ?? '').trim().split('\n').at(-1)}`);
  }
  return `croc could not be built (${said.join('; ')}).`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const why = installCroc();
  console.log(why ?? `croc ${crocVersion()} is in ${path.relative(root, folder)}.`);
  process.exitCode = why === undefined ? 0 : 1;
}
