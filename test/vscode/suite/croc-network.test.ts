/** Codes of croc's own network, and relays that want a password. */
import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
import * as vscode from 'vscode';
import { startRelay } from '../../../src/core/index.js';
import { agreeToPublicRelays } from '../../../src/extension/publicRelays.js';
import { codeOf, filesBelow, Scene } from '../support/scene.js';
import { panelShows } from '../support/shown.js';
import { chooseFolder, giveCode, nextPick, takeAll, takeRow } from '../support/walk.js';

const run = (command: string, ...given: unknown[]) =>
  vscode.commands.executeCommand(command, ...given);

describe("croc's own network", () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
  });
  afterEach(() => scene.close());

  async function crocRelay(): Promise<string> {
    const relay = await startRelay({ host: '127.0.0.1', port: 0, tcpPorts: [0, 0] });
    scene.atEnd(() => relay.close());
    const address = `croc://127.0.0.1:${relay.ports[0]}`;
    await scene.set('relay', address);
    return address;
  }

  it('needs nothing but the code to receive', async () => {
    const relay = await crocRelay();
    const send = await scene.otherSide(relay).send([await scene.file('one.txt')]);
    const to = await scene.subfolder('inbox');
    const walk = run('croc.receive');
    await giveCode(scene.person, send.code);
    await takeAll(scene.person);
    await chooseFolder(scene.person, to);
    await walk;
    await send.done;
    assert.deepEqual(await filesBelow(to), ['one.txt']);
  });

  it('is the way of a send when a relay of the croc program is set', async () => {
    const relay = await crocRelay();
    await run('croc.send', vscode.Uri.file(await scene.file('one.txt')));
    const code = await vscode.env.clipboard.readText();
    assert.match(code, /^[a-z-]+$/);
    scene.person.willPick('macOS, Linux');
    await run('croc.copyReceiveCommand');
    const line = await vscode.env.clipboard.readText();
    assert.equal(line, `CROC_SECRET='${code}' croc --relay ${relay.replace('croc://', '')}`);
    // The panel says through which relay it goes, and who can reach that.
    const panel = await panelShows((view) => view.code?.text === code);
    assert.equal(panel.view?.relay?.text, relay);
    assert.match(panel.view.relay.note ?? '', /works on this computer only/);
    await run('croc.copyLink');
    assert.match(await vscode.env.clipboard.readText(), new RegExp(`receive\\?code=${code}$`));
    const offer = await scene.otherSide(relay).receive(code);
    await offer.reject();
  });

  for (const network of ['croc', 'auto'])
    it(`goes to no public relay before the person has agreed (croc.network: ${network})`, async () => {
      await scene.set('network', network);
      const file = vscode.Uri.file(await scene.file('one.txt'));
      // Whatever reaches croc's network does so in a thread of its own.
      let threads = 0;
      const hook = createHook({ init: (_, type) => (threads += type === 'WORKER' ? 1 : 0) });
      hook.enable();
      scene.atEnd(() => hook.disable());
      const sending = run('croc.send', file);
      const question = await nextPick(scene.person);
      assert.match(question.title ?? '', /No relay is set: go over the internet/);
      question.hide();
      await sending;

      // Nor does a code lead there that somebody typed.
      const receiving = run('croc.receive');
      await giveCode(scene.person, 'river-otter-lunar');
      (await nextPick(scene.person)).hide();
      await receiving;
      assert.equal(threads, 0);
      assert.equal(await vscode.env.clipboard.readText(), 'something else');
      assert.deepEqual(scene.person.heard, [], 'Who leaves a question is told nothing.');
    });

  it('asks about public relays once, and leads to the setting of a relay', async () => {
    const values = new Map<string, unknown>();
    const state = {
      keys: () => [...values.keys()],
      get: (key: string) => values.get(key),
      update: (key: string, value: unknown) => Promise.resolve(void values.set(key, value)),
    };
    const wanted = codeOf(agreeToPublicRelays(state));
    await takeRow(scene.person, /You are asked once/, /Set a relay of your own/);
    assert.equal(await wanted, 'cancelled');
    const agreed = agreeToPublicRelays(state);
    await takeRow(scene.person, /You are asked once/, /Use croc’s public relays/);
    await agreed;
    await agreeToPublicRelays(state);
  });

  it('takes no half-typed code for one', async () => {
    await crocRelay();
    const walk = run('croc.receive');
    const box = await nextPick(scene.person);
    box.value = 'river-otter';
    assert.ok(box.items.every(({ label }) => !label.includes('Receive with this code')));
    box.hide();
    await walk;
  });
});

describe('a relay with a password', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
    await run('croc.forgetRelayPasswords');
  });
  afterEach(() => scene.close());

  async function guarded(): Promise<string> {
    const { startRelay: start } = await import('../../../src/core/relay/relay.js');
    const relay = await start({ host: '127.0.0.1', port: 0, tcpPorts: [0], password: 'heron' });
    scene.atEnd(() => relay.close());
    await scene.set('relay', relay.url);
    return relay.url;
  }

  it('is asked for once, again after a wrong one, and forgotten on demand', async () => {
    await guarded();
    const file = vscode.Uri.file(await scene.file('one.txt'));
    scene.person.willType('wren').willType('heron');
    await run('croc.send', file);
    const asked = scene.person.heard.filter(({ ask }) => ask === 'showInputBox');
    assert.equal(asked.length, 2);
    assert.match(asked[1]?.text ?? '', /not the password/);
    await run('croc.cancel');
    await run('croc.send', file);
    assert.equal(scene.person.heard.filter(({ ask }) => ask === 'showInputBox').length, 2);
    await run('croc.cancel');
    await run('croc.forgetRelayPasswords');
    scene.person.willType(undefined);
    await run('croc.send', file);
    assert.equal(scene.person.heard.filter(({ ask }) => ask === 'showInputBox').length, 3);
  });
});
