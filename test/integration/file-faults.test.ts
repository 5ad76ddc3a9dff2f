/** What goes wrong with files while they are sent and received, and with the network in the middle. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFile,
  mkdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Offer, Relay, Send } from '../../src/core/api.js';
import type { Timing } from '../../src/core/timing.js';
import { codeOf, filesBelow, temporaryFolder, testCroc, testRelay } from '../support/croc.js';

const SHORT: Partial<Timing> = {
  stepMs: 5000,
  silenceMs: 3000,
  pingMs: 500,
  answerMs: 1000,
  reconnectMs: 1500,
};
const isRoot = process.getuid?.() === 0;

interface Meeting {
  readonly relay: Relay;
  readonly root: string;
  readonly to: string;
  readonly send: Send;
  readonly offer: Offer;
}

/** A folder with a large file and small ones, offered; the walk is over. */
async function offered(largeBytes = 20_000_000): Promise<Meeting> {
  const [relay, from, to] = [await testRelay(), await temporaryFolder(), await temporaryFolder()];
  const root = path.join(from, 'r');
  await mkdir(root);
  await writeFile(path.join(root, 'a-small'), 'small');
  await writeFile(path.join(root, 'large'), randomBytes(largeBytes));
  await writeFile(path.join(root, 'z-small'), 'small');
  const croc = testCroc(relay, { timing: SHORT });
  const send = await croc.send([root]);
  send.done.catch(() => undefined);
  return { relay, root, to, send, offer: await croc.receive(send.code) };
}

async function nothingHalf({ relay, to }: Meeting): Promise<void> {
  const left = await filesBelow(to);
  // Only of the large file a part may stay, for the next transfer to go on with.
  const parts = left.filter((name) => name.includes('.part'));
  expect(parts.filter((name) => !/^r\/\.large\.croc-[0-9a-f]{16}\.part$/.test(name))).toEqual([]);
  expect(parts.length).toBeLessThanOrEqual(1);
  for (const name of ['r/large', 'r/a-small', 'r/z-small'].filter((one) => left.includes(one)))
    expect((await readFile(path.join(to, name))).length).toBe(name === 'r/large' ? 20_000_000 : 5);
  while ((await relay.stats()).connections > 0) await new Promise((r) => setTimeout(r, 20));
}

describe('a file that, after it was offered,', () => {
  const cases: [string, string, (root: string) => Promise<void>][] = [
    ['is deleted', 'file_not_found', (root) => unlink(path.join(root, 'large'))],
    ['is deleted, a small one', 'file_not_found', (root) => unlink(path.join(root, 'z-small'))],
    ['grew', 'file_changed', (root) => appendFile(path.join(root, 'large'), 'x')],
    ['shrank', 'file_changed', (root) => truncate(path.join(root, 'large'), 5_000_000)],
    ['has other content', 'file_changed', (root) => writeFile(path.join(root, 'a-small'), 'SMALL')],
    ['is newer', 'file_changed', (root) => utimes(path.join(root, 'large'), 1, 1)],
    [
      'is a folder now',
      'file_changed',
      async (root) => {
        await rm(path.join(root, 'large'));
        await mkdir(path.join(root, 'large'));
      },
    ],
    [
      'is a link to a secret now',
      'file_changed',
      async (root) => {
        await rm(path.join(root, 'a-small'));
        await symlink('/etc/passwd', path.join(root, 'a-small'));
      },
    ],
    [
      'is a pipe now',
      'file_changed',
      async (root) => {
        await rm(path.join(root, 'a-small'));
        execFileSync('mkfifo', [path.join(root, 'a-small')]);
      },
    ],
  ];
  it.each(cases)('%s: %s', async (_name, code, change) => {
    const meeting = await offered();
    await change(meeting.root);
    const receive = meeting.offer.accept({ to: meeting.to });
    const codes = await Promise.all([codeOf(meeting.send.done), codeOf(receive.done)]);
    expect(codes).toEqual([code, 'peer_failed']);
    await expect(meeting.send.done).rejects.toThrow(/r\/(large|a-small|z-small)/);
    await nothingHalf(meeting);
  });

  it('changes while it is read gets no final name', async () => {
    const meeting = await offered(150_000_000);
    const receive = meeting.offer.accept({ to: meeting.to });
    receive.once('progress', () => void appendFile(path.join(meeting.root, 'large'), 'more'));
    const codes = await Promise.all([codeOf(meeting.send.done), codeOf(receive.done)]);
    expect(codes).toEqual(['file_changed', 'peer_failed']);
    expect(await filesBelow(meeting.to)).not.toContain('r/large');
    await nothingHalf(meeting);
  });
});

describe('a destination that', () => {
  it('does not exist: folder_gone', async () => {
    const meeting = await offered();
    const receive = meeting.offer.accept({ to: path.join(meeting.to, 'no') });
    const codes = await Promise.all([codeOf(receive.done), codeOf(meeting.send.done)]);
    expect(codes).toEqual(['folder_gone', 'peer_failed']);
    // Where people keep their files is not the sender's business.
    await expect(meeting.send.done).rejects.not.toThrow(meeting.to);
    await nothingHalf(meeting);
  });

  it('is a file: folder_gone', async () => {
    const meeting = await offered();
    await writeFile(path.join(meeting.to, 'file'), '');
    const receive = meeting.offer.accept({ to: path.join(meeting.to, 'file') });
    expect(['folder_gone', 'folder_not_writable']).toContain(await codeOf(receive.done));
    expect(await codeOf(meeting.send.done)).toBe('peer_failed');
  });

  it('vanishes in the middle: folder_gone', async () => {
    const meeting = await offered(150_000_000);
    const receive = meeting.offer.accept({ to: meeting.to });
    receive.once('progress', () => void rename(meeting.to, `${meeting.to}-away`));
    onTestFinished(() => rm(`${meeting.to}-away`, { recursive: true, force: true }));
    const codes = await Promise.all([codeOf(receive.done), codeOf(meeting.send.done)]);
    expect(codes).toEqual(['folder_gone', 'peer_failed']);
  });

  it.skipIf(!isRoot)('is full: disk_full, told to both (needs root for a tmpfs)', async () => {
    const meeting = await offered();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', meeting.to]);
    onTestFinished(() => {
      execFileSync('umount', [meeting.to]);
    });
    const receive = meeting.offer.accept({ to: meeting.to });
    const codes = await Promise.all([codeOf(receive.done), codeOf(meeting.send.done)]);
    expect(codes).toEqual(['disk_full', 'peer_failed']);
    await expect(meeting.send.done).rejects.toThrow(/disk is full/);
    await nothingHalf(meeting);
  });

  it.skipIf(!isRoot)('is read-only: folder_not_writable (needs root for a tmpfs)', async () => {
    const meeting = await offered();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', meeting.to]);
    onTestFinished(() => {
      execFileSync('umount', [meeting.to]);
    });
    const receive = meeting.offer.accept({ to: meeting.to });
    expect(await codeOf(receive.done)).toBe('folder_not_writable');
    await nothingHalf(meeting);
  });

  it('has a link planted in the way: nothing goes through it', async () => {
    const meeting = await offered();
    const outside = await temporaryFolder();
    await symlink(outside, path.join(meeting.to, 'r'));
    const receive = meeting.offer.accept({ to: meeting.to, onConflict: 'overwrite' });
    expect(await codeOf(receive.done)).toBe('target_in_the_way');
    expect(await filesBelow(outside)).toEqual([]);
  });
});

describe('in the middle of the data', () => {
  it.each(['sender', 'recipient'])('the %s cancels: the other is told at once', async (who) => {
    const meeting = await offered(150_000_000);
    const receive = meeting.offer.accept({ to: meeting.to });
    await new Promise((resolve) => receive.once('progress', resolve));
    const [sent, received] = [codeOf(meeting.send.done), codeOf(receive.done)];
    await (who === 'sender' ? meeting.send : receive).cancel();
    const expected =
      who === 'sender' ? ['cancelled', 'peer_cancelled'] : ['peer_cancelled', 'cancelled'];
    expect(await Promise.all([sent, received])).toEqual(expected);
    expect(await filesBelow(meeting.to)).not.toContain('r/large');
    await nothingHalf(meeting);
  });

  it('the relay goes away: both say so, nothing half is left', async () => {
    const meeting = await offered(150_000_000);
    const receive = meeting.offer.accept({ to: meeting.to });
    await new Promise((resolve) => receive.once('progress', resolve));
    const [sent, received] = [codeOf(meeting.send.done), codeOf(receive.done)];
    await meeting.relay.close();
    expect(await Promise.all([sent, received])).toEqual(['relay_gone', 'relay_gone']);
    expect(await filesBelow(meeting.to)).not.toContain('r/large');
    await nothingHalf(meeting);
  });
});
