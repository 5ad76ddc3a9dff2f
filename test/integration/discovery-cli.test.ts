/** Two people in one office: the command line without any setting, on loopback and between two machines. */
import { execFile, execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Cli, ending, failed, temporaryFolder } from '../support/cli.js';
import type { CliOptions } from '../support/cli.js';
import { ownMulticast } from '../support/multicast.js';

const run = promisify(execFile);

async function onLoopback(): Promise<CliOptions> {
  const { interfaceAddress, port } = await ownMulticast();
  return { env: { CROC_MULTICAST: `${interfaceAddress}:${port}`, CROC_RELAY: '' } };
}

async function note(text: string): Promise<string> {
  const file = path.join(await temporaryFolder(), 'note.txt');
  await writeFile(file, text);
  return file;
}

describe('without a relay on either command line', () => {
  it('what is sent arrives, and the sender is told that its relay is found', async () => {
    const options = await onLoopback();
    const sender = Cli.text(['send', await note('hello')], options);
    const code = await sender.when(() => /^Code: (\S+)$/m.exec(sender.stdout)?.[1]);
    expect(code).toMatch(/^\d{4}-/);
    expect(sender.stdout).toContain('On this network the relay is found by itself.');
    const to = await temporaryFolder();
    const recipient = Cli.json(['receive', code, '--yes', '--out', to], options);
    expect(await ending(recipient)).toEqual({ exit: 0, errors: [] });
    expect(await sender.exit).toBe(0);
    expect(await readFile(path.join(to, 'note.txt'), 'utf8')).toBe('hello');
  });

  it('a relay that runs for others is found, too', async () => {
    const options = await onLoopback();
    const ports = ['--port', '0', '--tcp-ports', '0,0'];
    const relay = Cli.json(['relay', '--host', '127.0.0.1', ...ports], options);
    const { url } = await relay.event('listening');
    const sender = Cli.json(['send', await note('hello'), '--relay', url], options);
    const { code } = await sender.event('code');
    const to = await temporaryFolder();
    expect((await ending(Cli.json(['receive', code, '-y', '--out', to], options))).exit).toBe(0);
  });

  it('and with --no-announce or --no-discover, nothing is said and nothing found', async () => {
    const options = await onLoopback();
    const quiet = Cli.text(['send', await note('hello'), '--no-announce'], options);
    const code = await quiet.when(() => /^Code: (\S+)$/m.exec(quiet.stdout)?.[1]);
    expect(quiet.stdout).not.toContain('found by itself');
    const args = ['receive', code, '--yes', '--out', await temporaryFolder()];
    const looking = await ending(Cli.json(args, options));
    expect(looking).toEqual(failed('no_relay'));
    expect(await ending(Cli.json([...args, '--no-discover'], options))).toEqual(failed('no_relay'));
  });

  it('a place that is none is told', async () => {
    const args = ['receive', '417-lunar-acorn-quilt', '--out', await temporaryFolder()];
    const env = { CROC_MULTICAST: 'wlan0' };
    expect(await ending(Cli.json(args, { env }))).toEqual(failed('usage', 2));
  });
});

/** Whether network namespaces can be made here: Linux, root, `ip`. */
function canSplitNetwork(): boolean {
  try {
    execFileSync('ip', ['netns', 'list'], { stdio: 'ignore' });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

async function isUp(name: string): Promise<void> {
  const { stdout } = await run('ip', ['-n', name, 'link', 'show', 'eth0']);
  expect(stdout).toContain('state UP');
}

/** Two machines with a cable between them; they are gone after the test. */
async function twoMachines(): Promise<readonly [CliOptions, CliOptions]> {
  const id = process.pid.toString(36);
  const names = [`crocA${id}`, `crocB${id}`] as const;
  const ip = (...args: string[]): Promise<unknown> => run('ip', args);
  onTestFinished(async () => {
    for (const name of names) await ip('netns', 'del', name).catch(() => undefined);
  });
  for (const name of names) await ip('netns', 'add', name);
  const [a, b] = names;
  await ip('link', 'add', 'eth0', 'netns', a, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', b);
  for (const [index, name] of names.entries()) {
    await ip('-n', name, 'addr', 'add', `10.9.8.${index + 1}/24`, 'dev', 'eth0');
    for (const device of ['lo', 'eth0']) await ip('-n', name, 'link', 'set', device, 'up');
  }
  // The kernel tells of the cable a moment later; before that there is no network to look at.
  for (const name of names) await vi.waitFor(() => isUp(name), 10_000);
  const inside = (name: string): CliOptions => ({
    through: ['ip', 'netns', 'exec', name],
    env: { CROC_MULTICAST: '', CROC_RELAY: '' },
  });
  return [inside(a), inside(b)];
}

// Skipped where namespaces cannot be made: that takes root on Linux and the program `ip`.
describe.skipIf(!canSplitNetwork())('between two machines on one network', () => {
  it('a code is all that the recipient needs', async () => {
    const [one, other] = await twoMachines();
    const sender = Cli.json(['send', await note('hello')], one);
    const { code, relay } = await sender.event('code');
    expect(relay).toContain('10.9.8.1');
    const to = await temporaryFolder();
    const recipient = Cli.json(['receive', code, '--yes', '--out', to], other);
    expect(await ending(recipient)).toEqual({ exit: 0, errors: [] });
    expect(await sender.exit).toBe(0);
    expect(await readFile(path.join(to, 'note.txt'), 'utf8')).toBe('hello');
  });
});
