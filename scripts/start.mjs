// `npm start`: the main job on this machine. Without an argument it runs a relay, sends a sample
// folder with one process and receives it with another, and compares the two folders. With
// arguments (`npm start -- PATH`) it is `croc-share send` with them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ensureBuilt, root } from './ensure.mjs';

const CLI = path.join(root, 'dist', 'cli.js');
const SAMPLE = { files: 60, largeBytes: 64 << 20 };
const mebibytes = (bytes) => `${(bytes / (1 << 20)).toFixed(1)} MiB`;
const say = (who, text) => console.log(`${who.padEnd(10)} ${text}`);

/** The tree maker of the tests is TypeScript, so it is compiled on the fly; one copy is enough. */
async function loadTreeTools() {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [path.join(root, 'test/support/tree.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  });
  const code = Buffer.from(outputFiles[0].contents).toString('base64');
  return import(`data:text/javascript;base64,${code}`);
}

/** A real process of the command line, whose JSON lines go to `hear` and can be awaited by name. */
class Cli {
  #awaited = new Map();
  #failure;

  constructor(args, { env = {}, hear } = {}) {
    this.child = spawn(process.execPath, [CLI, ...args, '--json'], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      const told = JSON.parse(line);
      hear?.(told);
      if (told.event === 'error') this.#fail(new Error(told.message));
      this.#slot(told.event).resolve(told);
    });
    this.ended = once(this.child, 'close').then(([code]) =>
      this.#fail(new Error(`croc-share ended with exit code ${code}`)),
    );
  }

  /** The first event of this name; rejects when the process fails or ends without it. */
  event(name) {
    return this.#slot(name).promise;
  }

  /** Ends the process, if it still runs, and waits until it is gone. */
  async stop() {
    this.child.kill('SIGTERM');
    await this.ended;
  }

  #slot(name) {
    const known = this.#awaited.get(name);
    if (known !== undefined) return known;
    const slot = {};
    slot.promise = new Promise((resolve, reject) => Object.assign(slot, { resolve, reject }));
    // Whoever awaits it hears of it; whoever does not need not.
    slot.promise.catch(() => undefined);
    this.#awaited.set(name, slot);
    if (this.#failure !== undefined) slot.reject(this.#failure);
    return slot;
  }

  #fail(error) {
    this.#failure ??= error;
    for (const slot of this.#awaited.values()) slot.reject(this.#failure);
  }
}

/** Draws the recipient's progress: a bar on a terminal, every quarter elsewhere. */
function progressDrawer() {
  let told = -1;
  return ({ bytes, total }) => {
    const part = total === 0 ? 1 : bytes / total;
    const cells = Math.round(part * 30);
    const line = `[${'#'.repeat(cells).padEnd(30, '.')}] ${Math.floor(part * 100)} %  ${mebibytes(bytes)}`;
    if (process.stdout.isTTY)
      process.stdout.write(`\r${''.padEnd(10)} ${line}${part === 1 ? '\n' : ''}`);
    else if (Math.floor(part * 4) > told) say('', line);
    told = Math.floor(part * 4);
  };
}

/** Relay, sender, recipient; @returns whether what arrived is identical */
async function demonstrate(folder, running, signal) {
  const { makeTree, compareTrees } = await loadTreeTools();
  const [sample, out] = [path.join(folder, 'sample'), path.join(folder, 'received')];
  await mkdir(out);
  await makeTree(sample, SAMPLE);
  const start = (args, options) => {
    signal.throwIfAborted();
    const cli = new Cli(args, options);
    running.push(cli);
    return cli;
  };

  const relay = start(['relay', '--host', '127.0.0.1', '--port', '0', '--tcp-ports', '0,0,0,0']);
  const { url, ports } = await relay.event('listening');
  say('relay', `${url}, TCP ports ${ports.join(', ')}`);

  const tellState = (who) => (told) => told.event === 'state' && say(who, told.state);
  const sender = start(['send', sample, '--relay', url], { hear: tellState('sender') });
  const { code } = await sender.event('code');
  say('sender', `code ${code}`);

  const draw = progressDrawer();
  const startedMs = performance.now();
  const recipient = start(['receive', '--relay', url, '--out', out, '--yes'], {
    env: { CROC_SECRET: code },
    hear(told) {
      tellState('recipient')(told);
      if (told.event === 'offer')
        say('recipient', `is offered ${told.entries.length} entries, ${mebibytes(told.bytes)}`);
      if (told.event === 'progress') draw(told);
    },
  });
  const [done] = await Promise.all([recipient.event('done'), sender.event('done')]);
  const seconds = (performance.now() - startedMs) / 1000;
  await Promise.all([recipient.ended, sender.ended]);
  say(
    'recipient',
    `has ${done.files} files, ${mebibytes(done.bytes)}, after ${seconds.toFixed(1)} s`,
  );

  const differences = await compareTrees(sample, path.join(out, 'sample'));
  for (const difference of differences) say('compared', difference);
  if (differences.length === 0)
    say('compared', 'identical: names, content, times, executable bits, links');
  return differences.length === 0;
}

async function runSample() {
  const stop = new AbortController();
  const running = [];
  for (const name of ['SIGINT', 'SIGTERM'])
    process.on(name, () => {
      stop.abort(new Error('cancelled'));
      for (const cli of running) cli.child.kill('SIGTERM');
    });
  const folder = await mkdtemp(path.join(await realpath(tmpdir()), 'croc-share-start-'));
  try {
    return (await demonstrate(folder, running, stop.signal)) ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return stop.signal.aborted ? 130 : 1;
  } finally {
    await Promise.all(running.map((cli) => cli.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}

/** `npm start -- PATH`: relative paths count from where npm was called. */
async function runSend(args) {
  const child = spawn(process.execPath, [CLI, 'send', ...args], {
    cwd: process.env.INIT_CWD ?? process.cwd(),
    stdio: 'inherit',
  });
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  // A terminal tells Ctrl+C to the child as well.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  const [code] = await once(child, 'close');
  return code ?? 1;
}

ensureBuilt();
const args = process.argv.slice(2);
process.exitCode = await (args.length > 0 ? runSend(args) : runSample());
