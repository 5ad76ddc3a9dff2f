/**
 * `npm run faults [-- --size MiB] [--times N] [--seed S] [--only WHAT,WHAT] [--cut SECONDS]`: real processes in the
 * middle of one large file. The recipient, the sender or the relay is killed with SIGKILL and the file received again,
 * or the network is cut for a while and the same transfer goes on; each at so many random moments. What was there
 * must not be sent again, nothing may stand under the final name before the end, and the result must be the same.
 * Prints a table; fails when anything of that is not so.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Wire } from '../support/wire.js';
import { Child, CLI, median, withFolder } from './processes.js';

/** The most that may be sent a second time, MiB. */
const LEEWAY_MIB = 64;
const MIB = 2 ** 20;
/** How often it is tried to strike in the middle; a transfer may be over before. */
const TRIES = 5;

const VICTIMS = ['recipient', 'sender', 'relay'] as const;
type Victim = (typeof VICTIMS)[number];
const FAULTS = [...VICTIMS, 'cut'] as const;
type Fault = (typeof FAULTS)[number];

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1024' },
    times: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string' },
    cut: { type: 'string', default: '30' },
  },
});
const sizeBytes = Number(values.size) * MIB;
const cutMs = Number(values.cut) * 1000;

/** Numbers from 0 to below 1 out of a seed. */
function drawing(seed: string): () => number {
  let count = 0;
  return () => {
    count += 1;
    return createHash('sha256').update(`${seed} ${count}`).digest().readUInt32BE() / 2 ** 32;
  };
}
const draw = drawing(values.seed);

/** The three processes of one transfer. */
interface Trio {
  readonly relay: Child;
  readonly sender: Child;
  readonly recipient: Child;
  /** The sender's network, where one is in between. */
  readonly wire: Wire | undefined;
}

async function begin(file: string, out: string, wired: boolean): Promise<Trio> {
  const program = (...args: string[]): Child =>
    new Child([process.execPath, CLI, ...args, '--json']);
  const where = ['--host', '127.0.0.1', '--port', '0', '--tcp-ports', '0,0,0,0'];
  const relay = program('relay', ...where);
  const line = await relay.says(/^({"event":"listening".*})$/m);
  const { url, ports } = JSON.parse(line) as { url: string; ports: number[] };
  const wire = wired ? await Wire.before({ port: Number(new URL(url).port), ports }) : undefined;
  const sender = program('send', file, '--relay', wire?.url ?? url);
  const code = await sender.says(/"code":"([^"]+)"/);
  const recipient = program('receive', code, '--relay', url, '--out', out, '--yes');
  return { relay, sender, recipient, wire };
}

async function end({ relay, sender, recipient, wire }: Trio): Promise<void> {
  for (const one of [sender, recipient, relay]) one.kill('SIGKILL');
  await Promise.all([sender.ended, recipient.ended, relay.ended]);
  wire?.close();
}

/** What a party last said of its progress, bytes. */
function progressOf(party: Child): number {
  return Number([...party.said.matchAll(/"event":"progress","bytes":(\d+)/g)].at(-1)?.[1] ?? 0);
}

/** Waits for a random moment in the middle. @returns what the recipient has then; nothing when it was too late */
async function midway({ recipient }: Trio, final: string): Promise<number | undefined> {
  const wanted = sizeBytes * (0.03 + 0.75 * draw());
  while (progressOf(recipient) < wanted) {
    if (!(await recipient.more())) return undefined;
    // Its last words of progress come a moment before its end.
    if (progressOf(recipient) < sizeBytes * 0.95)
      refuse(existsSync(final), 'a final name too early');
  }
  const held = progressOf(recipient);
  return held < sizeBytes * 0.95 ? held : undefined;
}

function refuse(wrong: boolean, why: string): void {
  if (wrong) throw new Error(`${why} (seed ${values.seed})`);
}

/** What one fault did. */
interface Told {
  /** How much was there when it struck, and how much was sent twice at most, MiB. */
  readonly heldMiB: number;
  readonly againMiB: number;
  /** From the fault (or the second start) to the end, seconds. */
  readonly seconds: number;
}

async function wellDone(trio: Trio): Promise<number> {
  await Promise.all([trio.sender.finishes(), trio.recipient.finishes()]);
  const sent = Number(/"event":"done".*"transferred":(\d+)/.exec(trio.sender.said)?.[1] ?? 'NaN');
  await end(trio);
  return sent;
}

async function strike(fault: Fault, file: string, out: string): Promise<Told | undefined> {
  const final = path.join(out, path.basename(file));
  const trio = await begin(file, out, fault === 'cut');
  const held = await midway(trio, final);
  if (held === undefined) {
    await end(trio);
    return undefined;
  }
  const startedMs = performance.now();
  const sent = fault === 'cut' ? await cut(trio) : await kill(fault, trio, file, out, final);
  const seconds = (performance.now() - startedMs) / 1000;
  const needed = fault === 'cut' ? sizeBytes : sizeBytes - held;
  return { heldMiB: held / MIB, againMiB: Math.max(0, sent - needed) / MIB, seconds };
}

/** The network is away; half of the times without a sign of it. */
async function cut(trio: Trio): Promise<number> {
  if (draw() < 0.5) trio.wire?.cut();
  else trio.wire?.silence();
  await new Promise((resolve) => setTimeout(resolve, cutMs));
  trio.wire?.mend();
  return wellDone(trio);
}

/** One process dies, the others give up, and all begins again into the same folder. */
async function kill(
  victim: Victim,
  trio: Trio,
  file: string,
  out: string,
  final: string,
): Promise<number> {
  trio[victim].kill('SIGKILL');
  await trio[victim].ended;
  for (const one of [trio.sender, trio.recipient]) one.kill('SIGINT');
  await Promise.all([trio.sender.ended, trio.recipient.ended]);
  await end(trio);
  refuse(existsSync(final), 'something stood under the final name');
  return wellDone(await begin(file, out, false));
}

async function makeFile(file: string): Promise<string> {
  const key = createHash('sha256').update(`key ${values.seed}`).digest();
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  const handle = await open(file, 'w');
  const zeros = Buffer.alloc(MIB);
  for (let at = 0; at < sizeBytes; at += MIB) await handle.write(stream.update(zeros));
  await handle.close();
  return hashOf(file);
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: MIB }))
    hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function series(fault: Fault, file: string, hash: string, out: string): Promise<Told[]> {
  const all: Told[] = [];
  for (let time = 0; time < Number(values.times); time += 1) {
    for (let tries = TRIES; ; tries -= 1) {
      refuse(tries === 0, 'every transfer was over before the fault');
      await mkdir(out);
      const told = await strike(fault, file, out);
      if (told !== undefined) {
        refuse((await hashOf(path.join(out, path.basename(file)))) !== hash, 'another file');
        refuse(told.againMiB > LEEWAY_MIB, `${told.againMiB} MiB were sent again`);
        all.push(told);
      }
      await rm(out, { recursive: true });
      if (told !== undefined) break;
    }
  }
  return all;
}

function row(fault: Fault, all: readonly Told[]): string {
  const again = all.map(({ againMiB }) => againMiB);
  const held = all.map(({ heldMiB }) => heldMiB);
  return [
    fault.padEnd(10),
    String(all.length).padStart(5),
    `${Math.min(...held).toFixed(0)} – ${Math.max(...held).toFixed(0)}`.padStart(14),
    median(again).toFixed(1).padStart(12),
    Math.max(...again)
      .toFixed(1)
      .padStart(10),
    median(all.map(({ seconds }) => seconds))
      .toFixed(1)
      .padStart(10),
  ].join(' ');
}

const chosen = FAULTS.filter((fault) => (values.only?.split(',') ?? FAULTS).includes(fault));
console.log(
  `seed ${values.seed}, ${values.size} MiB, ${values.times} times each, cut for ${values.cut} s`,
);
await withFolder(async (folder) => {
  const file = path.join(folder, 'large.bin');
  const hash = await makeFile(file);
  console.log('fault      times   held, MiB    again, MiB   at most   s to the end');
  for (const fault of chosen)
    console.log(row(fault, await series(fault, file, hash, path.join(folder, 'out'))));
});
process.exit(0);
