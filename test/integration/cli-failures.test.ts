/** The command line, with real processes: wrong usage, failures, signals, and what it keeps to itself. */
import { createServer } from 'node:net';
import { mkdir, open, readFile, readdir, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { PART_NAME } from '../../src/core/files/partials.js';
import { Cli, ending, failed, startRelayProcess, temporaryFolder } from '../support/cli.js';
import { makeTree } from '../support/tree.js';

const linux = process.platform === 'linux';
const WORDS = ['dozen', 'lunar', 'quilt'];
const OTHER_WORDS = 'quilt-lunar-dozen';

async function fileWith(content: string, name = 'note.txt'): Promise<string> {
  const file = path.join(await temporaryFolder(), name);
  await writeFile(file, content);
  return file;
}

/** A file of zeros that takes no room on this disk. */
async function sparseFile(bytes: number): Promise<string> {
  const file = await fileWith('', 'large.bin');
  const handle = await open(file, 'r+');
  await handle.truncate(bytes);
  await handle.close();
  return file;
}

/** The arguments of a process as every user of the machine can read them. */
const commandLine = (cli: Cli) => readFile(`/proc/${cli.child.pid ?? 0}/cmdline`, 'utf8');

describe('wrong usage is exit code 2', () => {
  const table = [
    [],
    ['bogus'],
    ['--bogus'],
    ['send'],
    ['send', 'x', '--bogus'],
    ['send', 'x', '--relay', 'ftp://host:1'],
    ['send', 'x', '--relay', 'http://user:pass@host:1'],
    ['send', 'x', '--curve', 'p257'],
    ['receive'],
    ['receive', '1-a-b-c', '--relay', 'host:port'],
    ['receive', '1-a-b-c', '--relay', 'h:1', '--on-conflict', 'explode'],
    ['relay', 'extra'],
    ['relay', '--port', '65536'],
    ['relay', '--port', '-1'],
    ['relay', '--port', 'http'],
    ['relay', '--tcp-ports', ''],
    ['relay', '--tcp-ports', '1,,2'],
    ['relay', '--tcp-ports', '27001,27001'],
    ['relay', '--tcp-ports', Array(17).fill('0').join()],
  ];
  test('as JSON: one error event, nothing else', { timeout: 60_000 }, async () => {
    for (const args of table) {
      const cli = Cli.json(args);
      expect(await ending(cli), args.join(' ')).toEqual(failed('usage', 2));
      expect(cli.events, args.join(' ')).toHaveLength(1);
      expect(cli.stderr).toBe('');
    }
  });

  test('as text: one line on stderr, no stack', async () => {
    const cli = Cli.text(['send', '--bogus']);
    expect(await cli.exit).toBe(2);
    expect(cli.stdout).toBe('');
    expect(cli.stderr).toMatch(/^The command was not understood\. \(.*--bogus.*\) See --help\.\n$/);
  });

  test('help and version are no errors', async () => {
    for (const args of [['--help'], ['receive', '--help'], ['help', 'send'], ['--version']]) {
      const cli = Cli.text(args);
      expect(await cli.exit, args.join(' ')).toBe(0);
      expect(cli.stdout.length).toBeGreaterThan(3);
      expect(cli.stderr).toBe('');
    }
  });
});

/** What has its final name below a folder: all but the partial files that the next transfer goes on from. */
const wholeIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => !/^\..*croc-[0-9a-f]{16}\.part$/.test(name));

describe('failures are exit code 1, with a code and a sentence', () => {
  test('a code that nobody sends with', async () => {
    const { url } = await startRelayProcess();
    const out = await temporaryFolder();
    const cli = Cli.json(['receive', '999-dozen-lunar-quilt', '--relay', url, '--out', out, '-y']);
    expect(await ending(cli)).toEqual(failed('no_such_channel'));
    expect(await readdir(out)).toEqual([]);
  });

  test.each(['417', 'nonsense1', '-'])('a malformed code: %s', async (code) => {
    const cli = Cli.json(['receive', code, '--relay', '127.0.0.1:1']);
    expect(await ending(cli)).toEqual(failed('invalid_code'));
  });

  test('a code of croc without a digit is of another network', async () => {
    const cli = Cli.json(['receive', WORDS.join('-'), '--relay', '127.0.0.1:1']);
    expect(await ending(cli)).toEqual(failed('croc_network'));
  });

  test('a malformed code of its own, or one that is in use', async () => {
    const { url } = await startRelayProcess();
    const file = await fileWith('x');
    const malformed = Cli.json(['send', file, '--relay', url, '--code', 'nodash1']);
    expect(await ending(malformed)).toEqual(failed('invalid_code'));
    const args = ['send', file, '--relay', url, '--code', '12-one-two-three'];
    await Cli.json(args).event('code');
    expect(await ending(Cli.json(args))).toEqual(failed('role_taken'));
  });

  test('no relay to receive from', async () => {
    const cli = Cli.json(['receive', '417-dozen-lunar-quilt'], { env: { CROC_RELAY: '' } });
    expect(await ending(cli)).toEqual(failed('no_relay'));
  });

  test('a relay that is not there', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    await new Promise((resolve) => server.close(resolve));
    const args = ['--relay', `127.0.0.1:${port}`];
    const file = await fileWith('x');
    expect(await ending(Cli.json(['send', file, ...args]))).toEqual(failed('relay_unreachable'));
    expect(await ending(Cli.json(['receive', '1-a-b-c', ...args]))).toEqual(
      failed('relay_unreachable'),
    );
  });

  test('a port that is taken, an address that is not ours', async () => {
    const { url } = await startRelayProcess();
    const taken = ['relay', '--host', '127.0.0.1', '--port', new URL(url).port];
    expect(await ending(Cli.json(taken))).toEqual(failed('port_taken'));
    const foreign = ['relay', '--host', '192.0.2.1', '--port', '0', '--tcp-ports', '0'];
    expect(await ending(Cli.json(foreign))).toEqual(failed('cannot_listen'));
  });

  test('a path that does not exist, and a folder to receive into that does not', async () => {
    const { url } = await startRelayProcess();
    const gone = path.join(await temporaryFolder(), 'gone');
    const sender = Cli.json(['send', gone, '--relay', url]);
    expect(await ending(sender)).toEqual(failed('file_not_found'));
    const waiting = Cli.json(['send', await fileWith('x'), '--relay', url]);
    const { code } = await waiting.event('code');
    const recipient = Cli.json(['receive', code, '--relay', url, '--out', gone, '--yes']);
    expect(await ending(recipient)).toEqual(failed('folder_gone'));
    // The mistake was found before the code was used, so the code is still good.
    const out = await temporaryFolder();
    const again = Cli.json(['receive', code, '--relay', url, '--out', out, '--yes']);
    expect([await again.exit, await waiting.exit]).toEqual([0, 0]);
  });

  test('a wrong code tells both sides within five seconds, burns the code, writes nothing', async () => {
    const { url } = await startRelayProcess();
    const sender = Cli.json(['send', await fileWith('x'), '--relay', url]);
    const { code } = await sender.event('code');
    const [channel = ''] = code.split('-');
    const out = await temporaryFolder();
    const receive = (secret: string) =>
      Cli.json(['receive', `${channel}-${secret}`, '--relay', url, '--out', out, '--yes']);
    const startedMs = performance.now();
    const recipient = receive('not-the-words');
    const ends = [await ending(sender), await ending(recipient)];
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(ends).toEqual([failed('wrong_code'), failed('wrong_code')]);
    const [exit, errors] = [1, [expect.stringMatching(/^(channel_closed|no_such_channel)$/)]];
    expect(await ending(receive(code.slice(channel.length + 1)))).toEqual({ exit, errors });
    expect(await readdir(out)).toEqual([]);
  });
});

describe('a third address', () => {
  /** Joins a channel from another loopback address and gives the answer's status and body. */
  async function join(url: string, localAddress: string, body: object) {
    const headers = { 'content-type': 'application/json' };
    const call = request(`${url}/join`, { method: 'POST', localAddress, headers });
    call.end(JSON.stringify(body));
    return await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      call.on('error', reject);
      call.on('response', (answer) => {
        text(answer).then((said) => resolve({ status: answer.statusCode, body: said }), reject);
      });
    });
  }

  test.skipIf(!linux)('is kept out, whatever it presents', async () => {
    const { url } = await startRelayProcess();
    const sender = await join(url, '127.0.0.2', { channel: '7', role: 'sender', curve: 'p256' });
    const recipient = await join(url, '127.0.0.3', { channel: '7', role: 'recipient' });
    expect([sender.status, recipient.status]).toEqual([200, 200]);
    const relay = ['--relay', url];
    const file = await fileWith('x');
    expect(await ending(Cli.json(['receive', '7-a-b-c', ...relay]))).toEqual(
      failed('channel_full'),
    );
    expect(await ending(Cli.json(['send', file, '--code', '7-a-b-c', ...relay]))).toEqual(
      failed('channel_full'),
    );
  });
});

describe('the secret', () => {
  /** Everything that a process has said. */
  const said = (cli: Cli) => cli.stdout + cli.stderr;

  test('is in no output of recipient and relay, nor in a process list, with CROC_SECRET', async () => {
    const relay = await startRelayProcess();
    const secret = WORDS.join('-');
    const relayArgs = ['--relay', relay.url];
    const send = await fileWith('x');
    const sender = Cli.json(['send', send, ...relayArgs], { env: { CROC_SECRET: `8-${secret}` } });
    expect((await sender.event('code')).code).toBe(`8-${secret}`);
    const out = await temporaryFolder();
    const args = ['receive', '8', ...relayArgs, '--out', out, '--yes'];
    const recipient = Cli.json(args, { env: { CROC_SECRET: secret, CROC_DEBUG: '1' } });
    await recipient.event('offer');
    const lists = linux ? [await commandLine(sender), await commandLine(relay.cli)] : [];
    expect([await recipient.exit, await sender.exit]).toEqual([0, 0]);
    for (const word of WORDS)
      expect([said(recipient), said(relay.cli), ...lists].join('\n')).not.toContain(word);
  });

  test('is in no message of a failure either', async () => {
    const { url, cli: relay } = await startRelayProcess();
    const sender = Cli.json(['send', await fileWith('x'), '--relay', url, '--code', '9-a-b-c']);
    await sender.event('code');
    const recipient = Cli.text(['receive', `9-${OTHER_WORDS}`, '--relay', url, '--yes'], {
      cwd: await temporaryFolder(),
      env: { CROC_DEBUG: '1' },
    });
    expect([await recipient.exit, await sender.exit]).toEqual([1, 1]);
    for (const word of WORDS) expect(said(recipient) + said(relay)).not.toContain(word);
  });

  test.skipIf(!linux)('leaves the process list even when it was typed there', async () => {
    const { url } = await startRelayProcess();
    const code = `11-${OTHER_WORDS}`;
    const sender = Cli.json(['send', await fileWith('x'), '--relay', url, '--code', code]);
    await sender.event('code');
    expect((await commandLine(sender)).replaceAll('\0', '')).toBe('croc-share send');
  });
});

describe('signals', () => {
  const GIBIBYTE = 1 << 30;

  async function midway() {
    const { url, cli: relay, ports } = await startRelayProcess();
    const sender = Cli.json(['send', await sparseFile(GIBIBYTE), '--relay', url]);
    const { code } = await sender.event('code');
    const out = path.join(await temporaryFolder(), 'out');
    await mkdir(out);
    const recipient = Cli.json(['receive', code, '--relay', url, '--out', out, '--yes']);
    for (const cli of [sender, recipient]) {
      const moved = () => cli.all('progress').find(({ bytes }) => bytes > 0);
      expect((await cli.when(moved)).bytes).toBeLessThan(GIBIBYTE);
    }
    return { sender, recipient, relay, out, at: { port: Number(new URL(url).port), ports } };
  }

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s to the recipient in the middle: 130 there, an error here, nothing half',
    async (signal) => {
      const { sender, recipient, out } = await midway();
      recipient.child.kill(signal);
      expect(await ending(recipient)).toEqual(failed('cancelled', 130));
      expect(await ending(sender)).toEqual(failed('peer_cancelled'));
      expect(await wholeIn(out)).toEqual([]);
    },
  );

  test('SIGINT to the sender in the middle: 130 there, an error here, nothing half', async () => {
    const { sender, recipient, out } = await midway();
    sender.child.kill('SIGINT');
    expect(await ending(sender)).toEqual(failed('cancelled', 130));
    expect(await ending(recipient)).toEqual(failed('peer_cancelled'));
    expect(await wholeIn(out)).toEqual([]);
  });

  test.each(['recipient', 'sender'] as const)(
    'SIGINT to the %s in the middle of thousands of files: no temporary file is left',
    async (who) => {
      const { url } = await startRelayProcess();
      const tree = path.join(await temporaryFolder(), 'tree');
      await makeTree(tree, { files: 8000 });
      const sender = Cli.json(['send', tree, '--relay', url]);
      const { code } = await sender.event('code');
      const out = path.join(await temporaryFolder(), 'out');
      await mkdir(out);
      const recipient = Cli.json(['receive', code, '--relay', url, '--out', out, '--yes']);
      await recipient.when(() =>
        recipient.all('progress').find(({ filesDone = 0 }) => filesDone > 500),
      );
      const [one, other] = who === 'sender' ? [sender, recipient] : [recipient, sender];
      one.child.kill('SIGINT');
      expect(await ending(one)).toEqual(failed('cancelled', 130));
      expect(await ending(other)).toEqual(failed('peer_cancelled'));
      const left = await readdir(out, { recursive: true });
      expect(left.filter((file) => PART_NAME.test(path.basename(file)))).toEqual([]);
      expect(left.length).toBeGreaterThan(0);
    },
  );

  test('SIGINT while nobody came closes the channel', async () => {
    const { url } = await startRelayProcess();
    const sender = Cli.json(['send', await fileWith('x'), '--relay', url]);
    const { code } = await sender.event('code');
    sender.child.kill('SIGINT');
    expect(await ending(sender)).toEqual(failed('cancelled', 130));
    const recipient = Cli.json(['receive', code, '--relay', url]);
    expect(await ending(recipient)).toEqual(failed('channel_closed'));
  });

  test('SIGINT also ends the relay that a sender runs for itself', async () => {
    const sender = Cli.json(['send', await fileWith('x')]);
    const { relay } = await sender.event('code');
    sender.child.kill('SIGINT');
    expect(await ending(sender)).toEqual(failed('cancelled', 130));
    await expect(fetch(`${relay}/healthz`)).rejects.toThrow();
  });

  test('a relay runs until a signal', async () => {
    const { cli, url } = await startRelayProcess();
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    cli.child.kill('SIGINT');
    expect(await ending(cli)).toEqual(failed('cancelled', 130));
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });

  test('a relay that is started again in the middle is told to both, and nothing half stays', async () => {
    const { sender, recipient, relay, out, at } = await midway();
    relay.child.kill('SIGKILL');
    await relay.exit;
    const same = ['--port', String(at.port), '--tcp-ports', at.ports.join()];
    await startRelayProcess(at.ports.length, same);
    expect(await ending(sender)).toEqual(failed('relay_restarted'));
    expect(await ending(recipient)).toEqual(failed('relay_restarted'));
    expect(await wholeIn(out)).toEqual([]);
  });

  test.skipIf(!linux)('nobody reads the output any more: cancelled, not a crash', async () => {
    const { url } = await startRelayProcess();
    const sender = Cli.json(['send', await sparseFile(GIBIBYTE), '--relay', url]);
    const { code } = await sender.event('code');
    sender.child.stdout.destroy();
    const out = await temporaryFolder();
    const recipient = Cli.json(['receive', code, '--relay', url, '--out', out, '--yes']);
    expect(await sender.exit).toBe(130);
    expect(await recipient.exit).toBe(1);
    expect(sender.stderr).toBe('');
  });
});
