/** Runs the real command line, dist/cli.js, in processes of its own. `npm test` builds it first. */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import * as v from 'valibot';
import { afterEach } from 'vitest';
import { ERRORS, RECIPIENT_STATES, SENDER_STATES } from '../../src/core/index.js';
import type { ErrorCode } from '../../src/core/index.js';

/** The program under test. */
export const CLI = path.resolve(import.meta.dirname, '../../dist/cli.js');

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));
const address = v.pipe(v.string(), v.regex(/^https?:\/\/[^/]+$/));
const codes = Object.keys(ERRORS);

/** Every line of `--json`, exactly (README.md, "JSON"). */
const EventSchema = v.variant('event', [
  v.strictObject({
    event: v.literal('listening'),
    url: address,
    ports: v.pipe(v.array(port), v.minLength(1), v.maxLength(16)),
  }),
  v.strictObject({
    event: v.literal('code'),
    code: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}-.+$/)),
    relay: v.pipe(v.string(), v.regex(/^(https?|croc):\/\/[^/]+$/)),
  }),
  v.strictObject({
    event: v.literal('skipped'),
    path: v.string(),
    reason: v.picklist(['special-file', 'link-leaves-folder', 'unsendable-name']),
  }),
  v.strictObject({
    event: v.literal('state'),
    state: v.picklist([...SENDER_STATES, ...RECIPIENT_STATES]),
  }),
  v.strictObject({ event: v.literal('ignored'), count }),
  v.strictObject({
    event: v.literal('text'),
    kind: v.picklist(['text', 'patch']),
    text: v.string(),
    base64: v.optional(v.string()),
  }),
  v.strictObject({
    event: v.literal('offer'),
    kind: v.picklist(['files', 'text', 'patch']),
    name: v.optional(v.string()),
    entries: v.array(
      v.strictObject({
        path: v.string(),
        kind: v.picklist(['file', 'folder', 'symlink']),
        size: count,
        mtimeMs: v.number(),
        executable: v.boolean(),
        target: v.optional(v.string()),
      }),
    ),
    bytes: count,
  }),
  v.strictObject({
    event: v.literal('progress'),
    bytes: count,
    total: count,
    resumed: v.optional(count),
    files: v.optional(count),
    filesDone: v.optional(count),
  }),
  v.strictObject({ event: v.literal('done'), files: count, bytes: count, transferred: count }),
  v.strictObject({
    event: v.literal('check'),
    url: address,
    address: v.string(),
    version: v.optional(v.string()),
    roundTripMs: v.number(),
    ports: v.array(
      v.strictObject({ port, reachable: v.boolean(), problem: v.optional(v.string()) }),
    ),
  }),
  v.strictObject({
    event: v.literal('error'),
    code: v.pipe(
      v.string(),
      v.check((code) => codes.includes(code)),
    ),
    message: v.pipe(v.string(), v.minLength(10)),
  }),
]);
export type CliEvent = v.InferOutput<typeof EventSchema>;
type Named<Name extends CliEvent['event']> = Extract<CliEvent, { event: Name }>;

/** How to start the program beside its arguments. */
export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A command that runs the program, such as `ip netns exec NAME`. */
  readonly through?: readonly string[];
  /** What the program reads; nothing when absent. */
  readonly stdin?: string;
}

const processes = new Set<Cli>();
const folders = new Set<string>();

/** A temporary folder, removed after the test; its real path, without links. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(await realpath(tmpdir()), 'croc-cli-test-'));
  folders.add(folder);
  return folder;
}

afterEach(async () => {
  for (const cli of processes) cli.child.kill('SIGKILL');
  await Promise.all([...processes].map((cli) => cli.exit));
  processes.clear();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
  folders.clear();
});

/** One process of the program, told to speak JSON unless `text` is used. */
export class Cli {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Every JSON line so far, checked against the schema. */
  readonly events: CliEvent[] = [];
  /** When each of them came, in milliseconds of a clock that never goes back. */
  readonly timesMs: number[] = [];
  /** The exit code, once the process is gone and its output is read; -1 after a signal's death. */
  readonly exit: Promise<number>;
  stdout = '';
  stderr = '';
  #broken: Error | undefined;
  #gone = false;
  readonly #watchers = new Set<() => void>();

  private constructor(args: readonly string[], options: CliOptions) {
    const env = { ...process.env, ...options.env };
    const [command, ...rest] = options.through ?? [];
    const inner = command === undefined ? [] : [...rest, process.execPath];
    this.child = spawn(command ?? process.execPath, [...inner, CLI, ...args], {
      env,
      cwd: options.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    processes.add(this);
    this.child.stdin.end(options.stdin);
    this.child.stdout.on('data', (piece: Buffer) => (this.stdout += piece.toString()));
    this.child.stderr.on('data', (piece: Buffer) => (this.stderr += piece.toString()));
    this.exit = once(this.child, 'close').then(() => {
      this.#gone = true;
      this.#changed();
      return this.child.exitCode ?? -1;
    });
  }

  /** Starts the program with `--json`. */
  static json(args: readonly string[], options: CliOptions = {}): Cli {
    const cli = new Cli([...args, '--json'], options);
    createInterface({ input: cli.child.stdout }).on('line', (line) => {
      try {
        cli.events.push(v.parse(EventSchema, JSON.parse(line)));
        cli.timesMs.push(performance.now());
      } catch (error) {
        cli.#broken ??= new Error(`not a line of --json: ${line}`, { cause: error });
      }
      cli.#changed();
    });
    return cli;
  }

  /** Starts the program as a person would. */
  static text(args: readonly string[], options: CliOptions = {}): Cli {
    const cli = new Cli(args, options);
    cli.child.stdout.on('data', () => cli.#changed());
    return cli;
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
  }

  /** Waits until `find` gives something; rejects when the process ends before. */
  async when<Found>(find: () => Found | undefined): Promise<Found> {
    for (;;) {
      const found = find();
      if (this.#broken !== undefined) throw this.#broken;
      if (found !== undefined) return found;
      if (this.#gone)
        throw new Error(`croc-share ended too early.\n${this.stdout}\n${this.stderr}`);
      await new Promise<void>((resolve) => {
        const watcher = () => {
          this.#watchers.delete(watcher);
          resolve();
        };
        this.#watchers.add(watcher);
      });
    }
  }

  /** The first event of this name, now or later. */
  event<Name extends CliEvent['event']>(name: Name): Promise<Named<Name>> {
    return this.when(() => this.all(name)[0]);
  }

  /** Every event of this name so far. */
  all<Name extends CliEvent['event']>(name: Name): Named<Name>[] {
    return this.events.filter((event): event is Named<Name> => event.event === name);
  }

  /** The codes of the errors that it told. */
  get errors(): string[] {
    return this.all('error').map((event) => event.code);
  }
}

/** Starts a relay process on free loopback ports. */
export async function startRelayProcess(
  lanes = 4,
  settings: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<{ cli: Cli; url: string; ports: readonly number[] }> {
  const free = Array(lanes).fill('0').join();
  const where = ['--host', '127.0.0.1', '--port', '0', '--tcp-ports', free];
  const cli = Cli.json(['relay', ...where, ...settings], { env });
  const { url, ports } = await cli.event('listening');
  return { cli, url, ports };
}

/** The one error that a process ended with, and its exit code. */
export async function ending(cli: Cli): Promise<{ exit: number; errors: readonly string[] }> {
  const exit = await cli.exit;
  return { exit, errors: cli.errors };
}

/** What `ending` gives for a process that failed with this code. */
export function failed(code: ErrorCode, exit = 1): { exit: number; errors: readonly string[] } {
  return { exit, errors: [code] };
}
