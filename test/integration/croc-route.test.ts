/** Croc's public API over croc's own network, worker and all, at our relay. */
import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeOf, temporaryFolder, testCroc, testRelay } from '../support/croc.js';
import { Cli } from '../support/cli.js';
import { compareTrees, makeTree } from '../support/tree.js';

async function scene() {
  const relay = await testRelay({ tcpPorts: [0, 0, 0] });
  const croc = testCroc(`croc://127.0.0.1:${relay.ports[0]}`);
  return { relay, croc, from: await temporaryFolder(), to: await temporaryFolder() };
}

describe('a transfer over the network of croc', () => {
  it('goes by the same calls and events as any other', async () => {
    const { relay, croc, from, to } = await scene();
    await makeTree(path.join(from, 'tree'), { files: 30, largeBytes: 3_000_000 });
    const sent = await croc.send([path.join(from, 'tree')]);
    expect(sent.code).toMatch(/^[a-z]+(-[a-z]+){2,5}$/);
    expect(sent.relay).toBe(`croc://127.0.0.1:${relay.ports[0]}`);
    const states = [sent.state];
    sent.on('state', (state) => states.push(state));
    const offer = await croc.receive(sent.code);
    expect(offer.kind).toBe('files');
    expect(offer.totals.bytes).toBe(sent.offered?.totals.bytes);
    const receiving = offer.accept({ to });
    let told = 0;
    receiving.on('progress', ({ bytes }) => (told = bytes));
    const { bytes, roots } = await receiving.done;
    expect(roots).toEqual([path.join(to, 'tree')]);
    expect(told).toBe(bytes);
    await sent.done;
    expect(states).toEqual(['awaiting-y', 'verifying', 'connecting', 'sending', 'closed']);
    expect(receiving.state).toBe('closed');
    const differences = await compareTrees(path.join(from, 'tree'), path.join(to, 'tree'));
    expect(differences.filter((line) => !line.includes('mtimeMs'))).toEqual([]);
    await expect.poll(async () => (await relay.stats()).connections).toBe(0);
  });

  it('takes only what is wanted', async () => {
    const { croc, from, to } = await scene();
    for (const name of ['a', 'b', 'c']) await writeFile(path.join(from, name), name.repeat(50_000));
    const sent = await croc.send(['a', 'b', 'c'].map((name) => path.join(from, name)));
    const offer = await croc.receive(sent.code);
    const { transferred } = await offer.accept({ to, only: [1] }).done;
    expect(transferred).toBe(50_000);
    await sent.done;
    expect(await readdir(to)).toEqual(['b']);
  });

  it('carries a text that is shown and not written', async () => {
    const { croc } = await scene();
    const sent = await croc.send([{ kind: 'text', text: 'grüße\n' }]);
    const offer = await croc.receive(sent.code);
    expect([offer.kind, offer.text, offer.entries]).toEqual(['text', 'grüße\n', []]);
    await offer.accept().done;
    await sent.done;
  });

  it('ends on both sides when the code is wrong, declined, or one gives up', async () => {
    const { croc, from, to } = await scene();
    await writeFile(path.join(from, 'a'), 'a');
    const wrong = await croc.send([path.join(from, 'a')], { code: 'river-otter-lantern' });
    expect(await codeOf(croc.receive('river-otter-lanterns'))).toBe('wrong_code');
    expect(await codeOf(wrong.done)).toBe('wrong_code');

    const declined = await croc.send([path.join(from, 'a')]);
    await (await croc.receive(declined.code)).reject();
    expect(await codeOf(declined.done)).toBe('refused');

    const waiting = await croc.send([path.join(from, 'a')]);
    await waiting.cancel();
    expect(await codeOf(waiting.done)).toBe('cancelled');

    const left = await croc.send([path.join(from, 'a')]);
    const offer = await croc.receive(left.code);
    await left.cancel();
    await expect.poll(() => offer.gone.aborted).toBe(true);
    expect(await codeOf(offer.accept({ to }).done)).toMatch(/^(peer_cancelled|connection_lost)$/);
    expect(await readdir(to)).toEqual([]);
  });

  it('says what is wrong with a relay or a password', async () => {
    const { relay, from } = await scene();
    await writeFile(path.join(from, 'a'), 'a');
    const files = [path.join(from, 'a')];
    const at = `croc://127.0.0.1:${relay.ports[0]}`;
    const send = (url: string, relayPassword?: string): Promise<string> =>
      codeOf(testCroc(url, relayPassword === undefined ? {} : { relayPassword }).send(files));
    expect(await send(at, 'guess')).toBe('relay_password');
    expect(await send(`croc://127.0.0.1:${relay.port}`)).toMatch(
      /^(not_a_relay|relay_unreachable)$/,
    );
    for (const url of ['croc://', 'croc://a b', 'croc://host/x', 'croc://u@host', 'croc://h:0'])
      expect(await send(url)).toBe('invalid_relay');
  });

  it('goes by command line', async () => {
    const { relay, from, to } = await scene();
    await writeFile(path.join(from, 'a.txt'), 'alpha');
    const at = ['--relay', `croc://127.0.0.1:${relay.ports[0]}`];
    const sender = Cli.json(['send', path.join(from, 'a.txt'), ...at]);
    const { code } = await sender.event('code');
    const receive = ['receive', code, ...at, '--out', to, '--yes'];
    const recipient = Cli.json(receive);
    expect(await recipient.event('done')).toMatchObject({ files: 1, bytes: 5 });
    await sender.event('done');
    expect(await readFile(path.join(to, 'a.txt'), 'utf8')).toBe('alpha');
  });
});
