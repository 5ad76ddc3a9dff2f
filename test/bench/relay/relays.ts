/** The relays that are measured, each a process of its own, and what the kernel and they themselves say. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import os from 'node:os';
import { crocPath, crocVersion } from '../../../scripts/install-croc.mjs';
import { freePort } from '../../support/redis.js';
import { CLI, has, versionOf } from '../processes.js';
import type { Place } from './clients.js';
import type { Kind, Work } from './driver.js';

/** A relay in a process of its own. */
export interface Relay {
  readonly place: Place;
  readonly pid: number;
  /** Where its metrics are; only ours has any. */
  readonly metricsPort: number | undefined;
  stop(): Promise<void>;
}

const CROC = process.env['CROC_PROGRAM'] ?? crocPath() ?? 'croc';
const PROGRAMS: Record<Kind, string> = { ours: process.execPath, wormhole: 'twist3', croc: CROC };
/** With two cores or more, the relay has one for itself and its clients have another. */
const PINS = os.cpus().length > 1 && has('taskset');

/** A command on one core: 0 is the relay's, 1 the clients'. */
export function pinned(core: 0 | 1, command: readonly string[]): readonly string[] {
  return PINS ? ['taskset', '-c', `${core}`, ...command] : command;
}

/** Why a relay cannot take part; nothing when it can. */
export function missing(kind: Kind): string | undefined {
  return has(PROGRAMS[kind]) ? undefined : `${PROGRAMS[kind]} is not installed`;
}

/** Name and version of a program. */
export function describe(kind: Kind): string {
  if (kind === 'ours') return `croc-share ${versionOf(process.execPath, CLI, '--version')}`;
  if (kind === 'croc') return `croc ${crocVersion()}`;
  const version = (name: string): string => versionOf('dpkg-query', '-W', name);
  return (
    `magic-wormhole's mailbox server ${version('python3-magic-wormhole-mailbox-server')} and transit relay ` +
    version('magic-wormhole-transit-relay')
  );
}

/** Starts a relay with every limit out of the way. @param more - options for ours */
export async function startRelay(
  kind: Kind,
  work: Work,
  folder: string,
  more: readonly string[] = [],
): Promise<Relay> {
  const [port, data, metrics] = [await freePort(), await freePort(), await freePort()];
  const listen = (at: number): string => `--port=tcp:${at}:interface=127.0.0.1`;
  const many = '1000000';
  const transit = work === 'staples' || work === 'fairness';
  const ours = [
    ...[CLI, 'relay', '--host', '127.0.0.1', '--port', `${port}`, '--tcp-ports', `${data}`],
    ...['--metrics-port', `${metrics}`, '--log-level', 'warn', '--croc-rooms', many],
    ...['--channels', many, '--channels-per-address', many, '--joins-per-minute', many],
    ...['--sockets', many, '--sockets-per-address', many, ...more],
  ];
  const args: Record<Kind, readonly string[]> = {
    ours,
    wormhole: transit
      ? ['transitrelay', listen(data)]
      : ['wormhole-mailbox', listen(port), '--channel-db=:memory:'],
    croc: ['relay', '--host', '127.0.0.1', '--ports', `${port},${data}`],
  };
  const [program = '', ...rest] = pinned(0, [PROGRAMS[kind], ...args[kind]]);
  const child = spawn(program, rest, { cwd: folder, stdio: 'ignore' });
  await listening(kind === 'wormhole' && transit ? data : port);
  return {
    place: { port, ports: [data] },
    pid: child.pid ?? 0,
    metricsPort: kind === 'ours' ? metrics : undefined,
    stop: () => stop(child),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

async function listening(port: number): Promise<void> {
  for (let tries = 400; tries > 0; tries -= 1) {
    const socket = connect(port, '127.0.0.1');
    const up = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (up) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`nobody listens on ${port}`);
}

/** Seconds of processor that a process has used. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Memory of a process in RAM, MiB: now (`VmRSS`), or the most that it was (`VmHWM`). */
export function memoryMiB(pid: number, what: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${what}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN) / 1024;
}

/** Open file descriptors of a process. */
export function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** File descriptors that a process started from here may have. */
export function descriptorLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  return Number(/Max open files\s+\S+\s+(\d+)/.exec(limits)?.[1] ?? Number.NaN);
}

/** The samples of our relay's metrics, by name and labels. */
export async function readMetrics(port: number): Promise<ReadonlyMap<string, number>> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  const lines = (await answer.text()).split('\n').filter((line) => /^\w/.test(line));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** The machine that all of it runs on. */
export function machine(): string {
  return `${os.cpus().length} × ${os.cpus()[0]?.model ?? '?'}, Node ${process.version}, ${os.type()} ${os.release().split('-')[0] ?? ''}`;
}
