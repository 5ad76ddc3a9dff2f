/** What a sender can do to the person who receives, and to whoever looks at a terminal. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { Cli, ending, failed, startRelayProcess, temporaryFolder } from '../support/cli.js';
import { filesBelow, testCroc, testRelay } from '../support/croc.js';
import { RawPeer } from '../support/rawPeer.js';

const SECRET = 'lunar-acorn-quilt';
const KEYS = 'authorized_keys';

/** A folder `home` with `.ssh/authorized_keys` and `notes.txt` in it. */
async function dangerousFolder(): Promise<string> {
  const home = path.join(await temporaryFolder(), 'home');
  await mkdir(path.join(home, '.ssh'), { recursive: true });
  await writeFile(path.join(home, '.ssh', KEYS), 'ssh-ed25519 AAAA somebody');
  await writeFile(path.join(home, 'notes.txt'), 'notes');
  return home;
}

describe('a dangerous new file (CVE-2023-43619)', () => {
  test('is in the list before anything is written, by command line', async () => {
    const { url } = await startRelayProcess(1);
    for (const json of [true, false]) {
      const to = await temporaryFolder();
      const sender = Cli.json(['send', await dangerousFolder(), '--relay', url]);
      const { code } = await sender.event('code');
      const args = ['receive', code, '--relay', url, '--out', to];
      const recipient = json ? Cli.json(args) : Cli.text(args);
      // Nobody said yes, so nothing is taken.
      expect(await recipient.exit).toBe(1);
      if (json) {
        const { entries } = await recipient.event('offer');
        expect(entries.map((entry) => entry.path)).toContain(`home/.ssh/${KEYS}`);
      } else expect(recipient.stdout).toContain(`home/.ssh/${KEYS}`);
      expect(await ending(sender)).toEqual(failed('refused'));
      expect(await filesBelow(to)).toEqual([]);
    }
  });

  it('can be left out of what is taken', async () => {
    const [relay, to] = [await testRelay(), await temporaryFolder()];
    const send = await testCroc(relay).send([await dangerousFolder()]);
    const offer = await testCroc(relay).receive(send.code);
    expect(await filesBelow(to)).toEqual([]);
    const wanted = offer.entries.findIndex((entry) => entry.path === 'home/notes.txt');
    await offer.accept({ to, only: [wanted] }).done;
    await send.done;
    expect(await filesBelow(to)).toEqual(['home', 'home/notes.txt']);
  });

  it('never takes the place of an old one unless that was asked for (CVE-2023-43616)', async () => {
    const [relay, to] = [await testRelay(), await temporaryFolder()];
    await mkdir(path.join(to, 'home', '.ssh'), { recursive: true });
    const mine = path.join(to, 'home', '.ssh', KEYS);
    await writeFile(mine, 'my own key');
    const send = await testCroc(relay).send([await dangerousFolder()]);
    const offer = await testCroc(relay).receive(send.code);
    await offer.accept({ to }).done;
    await send.done;
    expect(await readFile(mine, 'utf8')).toBe('my own key');
    expect(await filesBelow(to)).toContain(`home/.ssh/${KEYS} (2)`);
  });
});

describe('an archive', () => {
  it('arrives as the file it is and is never unpacked (CVE-2023-43616)', async () => {
    const [relay, from, to] = [await testRelay(), await temporaryFolder(), await temporaryFolder()];
    // An empty zip, under every name that croc gives to what it unpacks by itself.
    const zip = Buffer.from('504b0506000000000000000000000000000000000000', 'hex');
    for (const name of ['croc-stdin-1.zip', 'folder.zip', 'a.tar.gz'])
      await writeFile(path.join(from, name), zip);
    const send = await testCroc(relay).send([from]);
    const offer = await testCroc(relay).receive(send.code);
    const { roots } = await offer.accept({ to }).done;
    await send.done;
    const [root = ''] = roots;
    expect(await filesBelow(root)).toEqual(['a.tar.gz', 'croc-stdin-1.zip', 'folder.zip']);
    expect(await readFile(path.join(root, 'folder.zip'))).toEqual(zip);
  });
});

describe('a terminal (CVE-2023-43620)', () => {
  const ESCAPE = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202e';

  const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;

  /** What the recipient's program shows when the sender, who knows the code, does `act`. */
  async function shown(act: (peer: RawPeer) => void): Promise<{ text: string; exit: number }> {
    const { url } = await startRelayProcess(1);
    const peer = new RawPeer(url);
    const { code, meet } = await peer.openAsSender(SECRET);
    const to = await temporaryFolder();
    const recipient = Cli.text(['receive', code, '--relay', url, '--out', to, '--yes']);
    await meet();
    peer.lane.hello();
    act(peer);
    const exit = await recipient.exit;
    peer.vanish();
    expect(await filesBelow(to)).toEqual([]);
    return { text: recipient.stdout + recipient.stderr, exit };
  }

  test('shows no control character of a name: the whole offer is refused', async () => {
    const { text, exit } = await shown((peer) => {
      peer.lane.say({ t: 'entries', entries: [{ k: 'f', p: `a${ESCAPE}`, s: 0, m: 0 }] });
      peer.lane.say({ t: 'offer', count: 1, files: 1, folders: 0, bytes: 0 });
    });
    expect(exit).toBe(1);
    expect(text).toContain('not safe to write');
    expect(text).toContain('\\u{1b}');
    expect(text).not.toMatch(CONTROLS);
  });

  test('shows no control character of what the other side says went wrong', async () => {
    const { text, exit } = await shown((peer) =>
      peer.lane.say({ t: 'error', code: 'disk_full', detail: `see ${ESCAPE}` }),
    );
    expect(exit).toBe(1);
    expect(text).toContain('see \\u{1b}]0;owned\\u{7}');
    expect(text).not.toMatch(CONTROLS);
  });

  test('is not reached by a code that a peer makes up either', async () => {
    const { text, exit } = await shown((peer) => peer.lane.say({ t: 'error', code: ESCAPE }));
    expect(exit).toBe(1);
    expect(text).toContain('The other side could not go on.');
    expect(text).not.toMatch(CONTROLS);
    expect(text).not.toContain('owned');
  });
});
