/** The command line, with real processes: whole transfers. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { RECIPIENT_STATES, SENDER_STATES } from '../../src/core/index.js';
import { Cli, ending, failed, startRelayProcess, temporaryFolder } from '../support/cli.js';
import type { CliOptions } from '../support/cli.js';
import { compareTrees, makeTree } from '../support/tree.js';

/** A sender that shows its code, an empty folder to receive into, a relay. */
async function sending(paths: readonly string[], ...options: string[]) {
  const relay = await startRelayProcess();
  const out = path.join(await temporaryFolder(), 'out');
  await mkdir(out);
  const sender = Cli.json(['send', ...paths, '--relay', relay.url, ...options]);
  const { code } = await sender.event('code');
  const receive = (args: readonly string[], cliOptions?: CliOptions) =>
    Cli.json(['receive', '--relay', relay.url, '--out', out, ...args], cliOptions);
  return { relay, out, sender, code, receive };
}

/** A file with this text, in a folder of its own. */
async function fileWith(text: string, name = 'note.txt'): Promise<string> {
  const file = path.join(await temporaryFolder(), name);
  await writeFile(file, text);
  return file;
}

describe('a whole transfer', () => {
  test('300 files, an empty folder, a zero-byte file, a link, an executable arrive identical', async () => {
    const tree = path.join(await temporaryFolder(), 'tree');
    await makeTree(tree, { files: 300, largeBytes: 8 << 20 });
    const { out, sender, code, receive } = await sending([tree]);
    const recipient = receive([code, '--yes']);

    expect([await sender.exit, await recipient.exit]).toEqual([0, 0]);
    expect(await compareTrees(tree, path.join(out, 'tree'))).toEqual([]);

    const [offer] = recipient.all('offer');
    const bytes = offer?.entries.reduce((sum, entry) => sum + entry.size, 0);
    // 300 files and one link.
    const done = { event: 'done', files: 301, bytes, transferred: bytes };
    expect(offer?.bytes).toBe(bytes);
    for (const [cli, states] of [
      [sender, SENDER_STATES],
      [recipient, RECIPIENT_STATES],
    ] as const) {
      expect(cli.stderr).toBe('');
      expect(cli.events.at(-1)).toEqual(done);
      expect(cli.all('progress').at(-1)).toMatchObject({ bytes, total: bytes });
      const told = cli.all('state').map(({ state }) => state);
      // In the order of the protocol, none twice.
      expect(told).toEqual(states.filter((state) => told.includes(state)));
      expect(told).toContain(cli === sender ? 'sending' : 'receiving');
    }
    expect(recipient.events.findIndex(({ event }) => event === 'offer')).toBeLessThan(
      recipient.events.findIndex(({ event }) => event === 'progress'),
    );
  });

  test('thousands of files arrive identical, and both programs end', async () => {
    const tree = path.join(await temporaryFolder(), 'tree');
    await makeTree(tree, { files: 4000 });
    const { out, sender, code, receive } = await sending([tree]);
    const recipient = receive([code, '--yes']);
    expect([await sender.exit, await recipient.exit]).toEqual([0, 0]);
    // Everything that was said is there, however suddenly a program ends.
    expect(recipient.all('offer')[0]?.entries.length).toBeGreaterThan(4000);
    for (const { events } of [sender, recipient])
      expect(events.at(-1)).toMatchObject({ event: 'done', files: 4001 });
    expect(await compareTrees(tree, path.join(out, 'tree'))).toEqual([]);
  });

  test('several paths at once, with a code and a curve of its own', async () => {
    const [one, two] = [await fileWith('one', 'one.txt'), await fileWith('two', 'two.txt')];
    const own = ['--code', 'Desk7 my own secret', '--curve', 'siec'];
    const { out, sender, code, receive } = await sending([one, two], ...own);
    expect(code).toBe('desk7-my-own-secret');
    const recipient = receive(['desk7', 'my', 'own', 'secret', '--yes']);
    expect([await sender.exit, await recipient.exit]).toEqual([0, 0]);
    expect(await readFile(path.join(out, 'one.txt'), 'utf8')).toBe('one');
    expect(await readFile(path.join(out, 'two.txt'), 'utf8')).toBe('two');
  });

  test('progress is told at most ten times a second, and at the end', async () => {
    const tree = path.join(await temporaryFolder(), 'tree');
    await makeTree(tree, { files: 10, largeBytes: 192 << 20 });
    const slowly = ['--limit', '64M', '--no-compress'];
    const { sender, code, receive } = await sending([tree], ...slowly);
    const recipient = receive([code, '--yes']);
    expect([await sender.exit, await recipient.exit]).toEqual([0, 0]);
    for (const cli of [sender, recipient]) {
      const all = cli.timesMs.filter((_, index) => cli.events[index]?.event === 'progress');
      const times = all.slice(0, -1); // the end comes when it comes
      const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000;
      expect(times.length).toBeGreaterThan(10);
      // The first one opens the first second.
      expect(times.length).toBeLessThanOrEqual(10 * seconds + 1);
      const bytes = cli.all('progress').map((event) => event.bytes);
      expect(bytes).toEqual([...bytes].sort((one, other) => one - other));
    }
  });

  test('without --relay the sender runs one, and says how to reach it', async () => {
    const sender = Cli.json(['send', await fileWith('hello')]);
    const { code, relay } = await sender.event('code');
    const out = await temporaryFolder();
    const recipient = Cli.json(['receive', code, '--yes', '--out', out], {
      env: { CROC_RELAY: relay },
    });
    expect([await recipient.exit, await sender.exit]).toEqual([0, 0]);
    expect(await readFile(path.join(out, 'note.txt'), 'utf8')).toBe('hello');
  });

  test('people get sentences: code, command for the other side, list, result', async () => {
    const relay = await startRelayProcess(1);
    const file = await fileWith('hello');
    const sender = Cli.text(['send', file, '--relay', relay.url]);
    const code = await sender.when(() => /^Code: (\S+)$/m.exec(sender.stdout)?.[1]);
    expect(sender.stdout).toContain(`croc-share receive ${code} --relay ${relay.url}\n`);
    const out = await temporaryFolder();
    const recipient = Cli.text(['receive', code, '--relay', relay.url, '--out', out, '--yes']);
    expect([await recipient.exit, await sender.exit]).toEqual([0, 0]);
    expect(recipient.stdout).toContain('5 B  note.txt\nOffered: 1 file, 5 B.\n');
    expect(recipient.stdout).toContain(`Received 1 file, 5 B:\n  ${path.join(out, 'note.txt')}\n`);
    expect(sender.stdout).toContain('Sent 1 file, 5 B.\n');
    expect(sender.stderr + recipient.stderr).toBe('');
  });

  test('what cannot be sent is told and the rest arrives', async () => {
    const tree = path.join(await temporaryFolder(), 'tree');
    await makeTree(tree, { files: 10 });
    await symlink('/etc', path.join(tree, 'leaves'));
    const { out, sender, code, receive } = await sending([tree]);
    const recipient = receive([code, '--yes']);
    expect([await sender.exit, await recipient.exit]).toEqual([0, 0]);
    expect(sender.all('skipped')).toEqual([
      { event: 'skipped', path: 'tree/leaves', reason: 'link-leaves-folder' },
    ]);
    expect(existsSync(path.join(out, 'tree/run.sh'))).toBe(true);
    expect(await compareTrees(tree, path.join(out, 'tree'))).toContain('missing: leaves');
  });
});

describe('a file that is already there', () => {
  async function receiveOver(...options: string[]): Promise<{ [name: string]: string }> {
    const { out, sender, code, receive } = await sending([await fileWith('new text')]);
    await writeFile(path.join(out, 'note.txt'), 'old text');
    const recipient = receive([code, '--yes', ...options]);
    expect([await sender.exit, await recipient.exit]).toEqual([0, 0]);
    const names = (await readdir(out)).sort();
    const texts = names.map(async (name) => [name, await readFile(path.join(out, name), 'utf8')]);
    return v.parse(v.record(v.string(), v.string()), Object.fromEntries(await Promise.all(texts)));
  }

  test('overwrite', async () => {
    expect(await receiveOver('--on-conflict', 'overwrite')).toEqual({ 'note.txt': 'new text' });
  });

  test('skip', async () => {
    expect(await receiveOver('--on-conflict', 'skip')).toEqual({ 'note.txt': 'old text' });
  });

  test.each(['--on-conflict=rename', '--on-conflict=ask', ''])(
    'rename, and ask without a terminal, which is the default, keep both: %s',
    async (option) => {
      const found = await receiveOver(...(option === '' ? [] : [option]));
      expect(found['note.txt']).toBe('old text');
      expect(Object.values(found).sort()).toEqual(['new text', 'old text']);
    },
  );
});

describe('a text', () => {
  test('from stdin is offered, taken, and printed as JSON', async () => {
    const text = 'a secret\n\u001b[31mred\n';
    const relay = await startRelayProcess();
    const sender = Cli.json(['send', '--text', '-', '--relay', relay.url], { stdin: text });
    const { code } = await sender.event('code');
    const recipient = Cli.json(['receive', code, '--yes', '--relay', relay.url]);
    expect([await sender.exit, await recipient.exit]).toEqual([0, 0]);
    const bytes = Buffer.byteLength(text);
    expect(recipient.all('offer')).toEqual([{ event: 'offer', kind: 'text', entries: [], bytes }]);
    expect(recipient.all('text')).toEqual([{ event: 'text', kind: 'text', text }]);
    const done = { event: 'done', files: 0, bytes, transferred: bytes };
    expect([sender.events.at(-1), recipient.events.at(-1)]).toEqual([done, done]);
  });

  test('goes to stdout alone and as it is with --stdout', async () => {
    const relay = await startRelayProcess(1);
    const sender = Cli.text(['send', '--text', 'red \u001b[31m', '--relay', relay.url]);
    const code = await sender.when(() => /^Code: (\S+)$/m.exec(sender.stdout)?.[1]);
    const recipient = Cli.text(['receive', code, '-y', '--stdout', '--relay', relay.url]);
    expect([await recipient.exit, await sender.exit]).toEqual([0, 0]);
    expect(recipient.stdout).toBe('red \u001b[31m');
    expect(recipient.stderr).toContain('Offered: a text, 9 B.');
    expect(sender.stdout).toContain('Offering a text.\n');
    expect(sender.stdout).toContain('Sent 9 B.\n');
  });

  test('is what --stdout takes; files are declined', async () => {
    const { out, sender, code, receive } = await sending([await fileWith('hello')]);
    expect(await ending(receive([code, '--yes', '--stdout']))).toEqual(failed('refused'));
    expect(await ending(sender)).toEqual(failed('refused'));
    expect(await readdir(out)).toEqual([]);
  });

  test.each([[['send']], [['send', 'a', '--text', 'b']]])('%j is wrong usage', async (args) => {
    expect(await ending(Cli.json(args))).toEqual(failed('usage', 2));
  });
});

test('--gitignore leaves out what git ignores, and says how much', async () => {
  const tree = path.join(await temporaryFolder(), 'tree');
  await mkdir(path.join(tree, 'node_modules/x'), { recursive: true });
  await writeFile(path.join(tree, '.gitignore'), 'node_modules\n');
  await writeFile(path.join(tree, 'node_modules/x/y'), '');
  const { out, sender, code, receive } = await sending([tree], '--gitignore');
  const recipient = receive([code, '--yes']);
  expect([await sender.exit, await recipient.exit]).toEqual([0, 0]);
  expect(sender.all('ignored')).toEqual([{ event: 'ignored', count: 1 }]);
  expect(await readdir(path.join(out, 'tree'))).toEqual(['.gitignore']);
});

describe('no', () => {
  test('without --yes and without a terminal the offer is declined, and both hear it', async () => {
    const { out, sender, code, receive } = await sending([await fileWith('hello')]);
    const recipient = receive([code]);
    expect(await ending(recipient)).toEqual(failed('refused'));
    expect(recipient.all('offer')[0]?.entries.map((entry) => entry.path)).toEqual(['note.txt']);
    expect(recipient.all('error')[0]?.message).toContain('--yes');
    expect(await ending(sender)).toEqual(failed('refused'));
    expect(await readdir(out)).toEqual([]);
  });
});
