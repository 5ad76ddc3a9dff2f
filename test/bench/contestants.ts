/** The programs that are measured: each can bring a file or folder from one process to another. */
import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { crocPath, crocVersion } from '../../scripts/install-croc.mjs';
import { CLI, Child, freePorts, has, shell, versionOf } from './processes.js';

/** On which machine of the bench a program runs: what its command begins with, and its address. */
export interface Place {
  readonly sender: readonly string[];
  readonly recipient: readonly string[];
  /** Where relays and servers run, and the recipient. */
  readonly host: string;
}

/** Everything on this machine. */
export const LOOPBACK: Place = { sender: [], recipient: [], host: '127.0.0.1' };

/** One transfer. */
export interface Run {
  /** From the recipient's start, or the first byte of a plain pipe, to the end of the recipient. */
  readonly seconds: number;
  /** From the sender's start to its code. */
  readonly codeMs?: number;
  /** From where `seconds` begins to the first byte in the recipient's folder. */
  readonly firstByteMs?: number;
  /** Most memory of each process, MiB. */
  readonly peakMiB: Readonly<Record<string, number>>;
}

/** A program, with its servers, ready to transfer. */
export interface Contestant {
  readonly name: string;
  readonly version: string;
  /** @param source - file or folder @param out - an empty folder */
  transfer(source: string, out: string): Promise<Run>;
  stop(): Promise<void>;
}

/** Starts a contestant; a sentence says why it cannot be. @param folder - for what it has to keep */
export type Open = (place: Place, folder: string) => Promise<Contestant | string>;

/** How often the recipient's folder is looked into for the first byte, milliseconds. */
const LOOK_MS = 4;

/** Resolves with the time of the first byte in a folder, on the clock of `performance.now()`. */
function firstByte(out: string): { seen: () => number | undefined; stop: () => void } {
  let atMs: number | undefined;
  let stopped = false;
  const look = async (folder: string): Promise<boolean> => {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const full = path.join(folder, entry.name);
      const found = entry.isDirectory()
        ? await look(full).catch(() => false)
        : (await stat(full).catch(() => undefined))?.size;
      if (found) return true;
    }
    return false;
  };
  const loop = async (): Promise<void> => {
    while (!stopped && atMs === undefined) {
      if (await look(out).catch(() => false)) atMs = performance.now();
      else await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  };
  void loop();
  return {
    seen: () => atMs,
    stop: () => {
      stopped = true;
    },
  };
}

/** What the three that work with codes have in common. */
async function withCode(
  out: string,
  send: () => Child,
  codePattern: RegExp,
  receive: (code: string) => Child,
  servers: Readonly<Record<string, Child>>,
): Promise<Run> {
  const startedMs = performance.now();
  const sender = send();
  const code = await sender.says(codePattern);
  const codeMs = performance.now() - startedMs;
  const receivingMs = performance.now();
  const watch = firstByte(out);
  const recipient = receive(code);
  await recipient.finishes();
  const seconds = (performance.now() - receivingMs) / 1000;
  watch.stop();
  await sender.finishes();
  const first = watch.seen();
  const peaks = Object.entries({ sender, recipient, ...servers });
  return {
    seconds,
    codeMs,
    ...(first === undefined ? {} : { firstByteMs: first - receivingMs }),
    peakMiB: Object.fromEntries(peaks.map(([name, child]) => [name, child.peakMiB])),
  };
}

/** A relay of ours. */
export async function startRelay(
  prefix: readonly string[],
  host: string,
): Promise<[Child, string]> {
  const ports = ['--port', '0', '--tcp-ports', '0,0,0,0'];
  const command = [process.execPath, CLI, 'relay', '--host', host, ...ports, '--json'];
  const relay = new Child([...prefix, ...command]);
  return [relay, await relay.says(/"url":"([^"]+)"/)];
}

/** Ours. */
export const openCrocShare: Open = async (place) => {
  const [relay, url] = await startRelay(place.recipient, place.host);
  const cli = [process.execPath, CLI];
  return {
    name: 'croc-share',
    version: versionOf(process.execPath, CLI, '--version'),
    transfer: (source, out) =>
      withCode(
        out,
        () => new Child([...place.sender, ...cli, 'send', source, '--relay', url, '--json']),
        /"code":"([^"]+)"/,
        (code) => {
          const args = ['receive', code, '--relay', url, '--out', out, '--yes', '--json'];
          return new Child([...place.recipient, ...cli, ...args]);
        },
        { relay },
      ),
    stop: () => relay.stop(),
  };
};

/** croc, with a relay of its own. */
export const openCroc: Open = async (place, folder) => {
  const program = crocPath();
  if (program === undefined) return 'croc is not installed (node scripts/install-croc.mjs).';
  const ports = await freePorts(5);
  const env = { CROC_CONFIG_DIR: path.join(folder, 'croc-config') };
  await mkdir(env.CROC_CONFIG_DIR);
  const relay = new Child([...place.recipient, program, 'relay', '--ports', ports.join(',')], {
    env,
  });
  for (const port of ports) await relay.says(new RegExp(`server on \\S*:${port}\\b`));
  const own = [program, '--relay', `${place.host}:${ports[0]}`, '--ignore-stdin'];
  const send = [...place.sender, ...own, '--disable-clipboard', 'send', '--no-local'];
  return {
    name: 'croc',
    version: crocVersion(),
    transfer: (source, out) =>
      withCode(
        out,
        () => new Child([...send, source], { env }),
        /Code is: (\S+)/,
        (code) => {
          const receive = [...place.recipient, ...own, '--yes', '--overwrite', '--out', out];
          return new Child(receive, { env: { ...env, CROC_SECRET: code } });
        },
        { relay },
      ),
    stop: () => relay.stop(),
  };
};

/** magic-wormhole, with a mailbox and a transit relay of its own. */
export const openWormhole: Open = async (place, folder) => {
  if (!has('wormhole') || !has('twistd3'))
    return 'magic-wormhole or its servers are not installed.';
  const [mailboxPort = 0, transitPort = 0] = await freePorts(2);
  const twistd = (...args: readonly string[]): Child =>
    new Child([...place.recipient, 'twistd3', '-n', '--pidfile=', ...args], { cwd: folder });
  const at = (port: number): string => `--port=tcp:${port}:interface=${place.host}`;
  const mailbox = twistd('wormhole-mailbox', at(mailboxPort), '--channel-db=mailbox.sqlite');
  const transit = twistd('transitrelay', at(transitPort));
  for (const [server, port] of [
    [mailbox, mailboxPort],
    [transit, transitPort],
  ] as const)
    await server.says(new RegExp(`starting on ${port}`));
  const own = [
    'wormhole',
    '--relay-url',
    `ws://${place.host}:${mailboxPort}/v1`,
    '--transit-helper',
    `tcp:${place.host}:${transitPort}`,
  ];
  const quiet = ['--no-listen', '--hide-progress'];
  return {
    name: 'magic-wormhole',
    version: versionOf('wormhole', '--version'),
    transfer: (source, out) =>
      withCode(
        out,
        () => new Child([...place.sender, ...own, 'send', ...quiet, source]),
        /code is: (\S+)/,
        (code) => {
          const receive = [...place.recipient, ...own, 'receive', ...quiet, '--accept-file', code];
          return new Child(receive, { cwd: out });
        },
        { relay: transit },
      ),
    stop: async () => {
      await Promise.all([mailbox.stop(), transit.stop()]);
    },
  };
};

/** `scp` to an `sshd` that belongs to the bench: own keys, own port, nothing of the machine's. */
export const openScp: Open = async (place, folder) => {
  if (!has('scp') || !has('sshd')) return 'scp or sshd is not installed.';
  const [port = 0] = await freePorts(1);
  const keys = path.join(folder, 'ssh');
  await mkdir(keys, { mode: 0o700 });
  await shell(
    'ssh-keygen -q -t ed25519 -N "" -f host; ssh-keygen -q -t ed25519 -N "" -f user',
    keys,
  );
  await shell('cp user.pub allowed; mkdir -p /run/sshd || true', keys);
  await chmod(path.join(keys, 'allowed'), 0o600);
  const config = `Port ${port}\nListenAddress ${place.host}\nHostKey ${keys}/host\nPidFile none\n
AuthorizedKeysFile ${keys}/allowed\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n
PasswordAuthentication no\nSubsystem sftp internal-sftp\n`;
  await writeFile(path.join(keys, 'config'), config);
  // sshd insists on being started by its full path.
  const start = `exec "$(command -v sshd)" -D -e -f ${keys}/config`;
  const sshd = new Child([...place.recipient, 'bash', '-c', start]);
  await sshd.says(/Server listening/);
  const options = ['-q', '-r', '-P', String(port), '-i', `${keys}/user`, '-o', 'BatchMode=yes'];
  const trust = [
    '-F',
    'none',
    '-o',
    'StrictHostKeyChecking=no',
    '-o',
    'UserKnownHostsFile=/dev/null',
  ];
  return {
    name: 'scp',
    version: versionOf('ssh', '-V'),
    transfer: async (source, out) => {
      const startedMs = performance.now();
      const scp = [...place.sender, 'scp', ...options, ...trust, source, `${place.host}:${out}/`];
      await new Child(scp).finishes();
      return { seconds: (performance.now() - startedMs) / 1000, peakMiB: {} };
    },
    stop: () => sshd.stop(),
  };
};

/**
 * Plain bytes through `nc` and a `socat` in the middle: no encryption, no flush to disk, no code. A
 * folder goes as `tar`. Measured from the first byte, when everything listens already.
 */
export const openPipe: Open = (place) => {
  const missing = ['nc', 'socat', 'tar', 'ss'].filter((program) => !has(program));
  if (missing.length > 0) return Promise.resolve(`${missing.join(', ')}: not installed.`);
  const { host } = place;
  const transfer = async (source: string, out: string): Promise<Run> => {
    const [near = 0, far = 0] = await freePorts(2);
    const isFolder = (await stat(source)).isDirectory();
    const write = isFolder ? `tar x -C ${out}` : `cat > ${out}/copy`;
    const name = path.basename(source);
    const read = isFolder ? `tar c -C ${path.dirname(source)} ${name}` : `cat ${source}`;
    const there = place.recipient;
    const bash = (script: string): string[] => ['bash', '-c', `set -euo pipefail; ${script}`];
    const sink = new Child([...there, ...bash(`nc -l ${host} ${far} | ${write}`)]);
    const tcp = ['socat', '-b', '131072', `TCP-LISTEN:${near},bind=${host}`, `TCP:${host}:${far}`];
    const relay = new Child([...there, ...tcp]);
    const listening = (port: number): string =>
      `until ss -ltnH "sport = :${port}" | grep -q .; do sleep 0.01; done`;
    await new Child([...there, ...bash(`${listening(far)}; ${listening(near)}`)]).finishes();
    const startedMs = performance.now();
    const source_ = new Child([...place.sender, ...bash(`${read} | nc -N ${host} ${near}`)]);
    await Promise.all([source_, relay, sink].map((child) => child.finishes()));
    return { seconds: (performance.now() - startedMs) / 1000, firstByteMs: 0, peakMiB: {} };
  };
  return Promise.resolve({
    name: 'nc through socat',
    version: versionOf('socat', '-V'),
    transfer,
    stop: () => Promise.resolve(),
  });
};

/** Everybody; ours first. */
export const EVERYBODY: readonly Open[] = [
  openCrocShare,
  openPipe,
  openScp,
  openWormhole,
  openCroc,
];
