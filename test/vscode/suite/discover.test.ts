/** Finding each other, links, and the check of a relay. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { findRelays, startRelay, type Multicast } from '../../../src/core/index.js';
import { networkText, placeKind, placeText } from '../../../src/extension/place.js';
import { GatedRelay } from '../../support/gate.js';
import { crocApi } from '../support/extension.js';
import { codeOf, filesBelow, Scene } from '../support/scene.js';
import { linkHandler, logLines, statusShows } from '../support/shown.js';
import { chooseFolder, giveCode, nextPick, offerList, takeAll } from '../support/walk.js';

const run = (command: string, ...given: unknown[]) =>
  vscode.commands.executeCommand(command, ...given);
const CODE = '417-dozen-lunar-quilt';

describe('discovery', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
  });
  afterEach(() => scene.close());

  async function announcedRelay(multicast: Multicast): Promise<string> {
    const relay = await startRelay({
      ...{ host: '127.0.0.1', port: 0, tcpPorts: [0, 0], announce: true, multicast },
    });
    scene.atEnd(() => relay.close());
    return relay.url;
  }

  it('needs a code and nothing else', async () => {
    const relay = await announcedRelay(await scene.aloneOnLoopback());
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

  it('announces the relay of this window while it runs', async () => {
    const multicast = await scene.aloneOnLoopback();
    const api = await crocApi();
    const relay = await api.startRelay({ host: '127.0.0.1', port: 0, tcpPorts: [0] });
    assert.equal(relay.announced, true);
    for await (const found of findRelays({ multicast, timeoutMs: 10_000 })) {
      assert.equal(found.url, relay.url);
      break;
    }
    await relay.close();
  });

  it('does neither when croc.discover is off', async () => {
    await announcedRelay(await scene.aloneOnLoopback());
    await scene.set('discover', false);
    const api = await crocApi();
    const relay = await api.startRelay({ host: '127.0.0.1', port: 0, tcpPorts: [0] });
    assert.equal(relay.announced, false);
    await relay.close();
    const walk = run('croc.receive');
    await giveCode(scene.person, CODE);
    const box = await scene.person.nextBox();
    assert.ok(!('items' in box), 'It asks for the relay.');
    box.hide();
    await walk;
  });

  it('asks for the address when nobody was found', async () => {
    await scene.aloneOnLoopback();
    const relay = await scene.relay();
    const send = await scene.otherSide(relay.url).send([await scene.file('one.txt')]);
    scene.person.willPress('Receive Again');
    const walk = run('croc.receive');
    await giveCode(scene.person, send.code);
    await scene.person.hears(/No relay is set/);
    await walk;
    const again = await nextPick(scene.person);
    assert.equal(again.value, send.code);
    await scene.person.accept(again);
    const box = await scene.person.nextBox();
    assert.ok(!('items' in box), 'It asks for the relay.');
    box.value = relay.url;
    await scene.person.accept(box);
    (await offerList(scene.person)).hide();
    assert.equal(await codeOf(send.done), 'refused');
  });
});

describe('links', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
  });
  afterEach(() => scene.close());

  const open = async (link: string) => linkHandler().handleUri(vscode.Uri.parse(link));

  it('are copied for a code that waits, and open Receive with it', async () => {
    const relay = await scene.relayInSettings();
    const api = await crocApi();
    const send = await api.send([await scene.file('one.txt')]);
    await run('croc.copyLink');
    const link = await vscode.env.clipboard.readText();
    const { host } = new URL(relay.url);
    const wanted = `${vscode.env.uriScheme}://croc-share.croc-share/receive?code=${send.code}&relay=${host}`;
    assert.equal(link, wanted);

    const opened = open(link);
    const code = await nextPick(scene.person);
    assert.equal(code.value, send.code);
    assert.match(code.title ?? '', /from a link/);
    await scene.person.accept(code);
    const box = await scene.person.nextBox();
    assert.ok(!('items' in box), 'The relay is asked for, although one is set.');
    assert.equal(box.value, host);
    assert.match(box.prompt ?? '', /This relay comes from the link/);
    assert.equal(send.state, 'awaiting-y', 'Nothing was started.');
    box.hide();
    await opened;
    assert.equal(send.state, 'awaiting-y');
    await send.cancel();
    assert.deepEqual(
      logLines.filter((line) => line.includes(send.code)),
      [],
    );
  });

  it('that are none do nothing, and are not repeated', async () => {
    await open(`${vscode.env.uriScheme}://croc-share.croc-share/receive?code=secretword`);
    const message = await scene.person.hears(/not one that Croc can open/);
    assert.ok(!message.text.includes('secretword'));
    assert.deepEqual(
      logLines.filter((line) => line.includes('secretword')),
      [],
    );
  });
});

describe('Check Relay', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
  });
  afterEach(() => scene.close());

  it('tells version, distance and ports of the relay that is set', async () => {
    const relay = await scene.relayInSettings();
    await run('croc.checkRelay');
    const message = await scene.person.hears(/protocol 1, [\d.]+ ms away/);
    for (const port of relay.ports) assert.ok(message.text.includes(String(port)));
    assert.match(message.text, /All its TCP ports can be reached/);
  });

  it('says what is wrong', async () => {
    const relay = await scene.relayInSettings();
    await relay.close();
    await run('croc.checkRelay');
    await scene.person.hears(/does not answer at this address/);
  });

  it('asks for the password of a relay that wants one, and keeps the right one alone', async () => {
    await run('croc.forgetRelayPasswords');
    const relay = await startRelay({
      ...{ host: '127.0.0.1', port: 0, tcpPorts: [0] },
      password: 'heron',
    });
    scene.atEnd(() => relay.close());
    scene.atEnd(() => run('croc.forgetRelayPasswords'));
    await scene.set('relay', relay.url);
    const { person } = scene;
    const asked = () => person.heard.filter(({ ask }) => ask === 'showInputBox');
    const told = () => person.heard.filter(({ text }) => /TCP ports can be reached/.test(text));

    // Escape is no error: nothing is said.
    person.willType(undefined);
    await run('croc.checkRelay');
    assert.deepEqual(
      person.heard.map(({ ask }) => ask),
      ['showInputBox'],
    );
    assert.match(asked()[0]?.text ?? '', /wants a password/);
    // A wrong one is said to be wrong, and forgotten.
    person.willType('wren').willType(undefined);
    await run('croc.checkRelay');
    assert.match(asked()[2]?.text ?? '', /not the password/);
    person.willType('wren').willType('heron');
    await run('croc.checkRelay');
    assert.match(asked()[3]?.text ?? '', /wants a password/);
    assert.equal(told().length, 1);

    // The right one is kept for checks and transfers, where no settings file and no state has it.
    await run('croc.checkRelay');
    await run('croc.send', vscode.Uri.file(await scene.file('one.txt')));
    await run('croc.cancel');
    assert.equal(asked().length, 5);
    assert.equal(told().length, 2);
    assert.ok(person.heard.every(({ text }) => !/heron|wren/.test(text)));

    // The relay gets another password: the kept one is wrong then.
    const { port } = new URL(relay.url);
    await relay.close();
    const next = await startRelay({
      ...{ host: '127.0.0.1', port: Number(port), tcpPorts: [0] },
      password: 'egret',
    });
    scene.atEnd(() => next.close());
    person.willType('egret');
    await run('croc.checkRelay');
    assert.match(asked()[5]?.text ?? '', /not the password/);
    assert.equal(told().length, 3);
  });

  it('looks at a relay of the croc program when one is set, and asks for its password', async () => {
    await run('croc.forgetRelayPasswords');
    scene.atEnd(() => run('croc.forgetRelayPasswords'));
    const relay = await startRelay({
      ...{ host: '127.0.0.1', port: 0, tcpPorts: [0, 0] },
      crocPassword: 'heron',
    });
    scene.atEnd(() => relay.close());
    const url = `croc://127.0.0.1:${relay.ports[0]}`;
    await scene.set('relay', url);
    const { person } = scene;
    person.willType('wren').willType('heron');
    await run('croc.checkRelay');
    const asked = person.heard.filter(({ ask }) => ask === 'showInputBox');
    assert.match(asked[0]?.text ?? '', /wants a password/);
    assert.match(asked[1]?.text ?? '', /not the password/);
    const told = await person.hears(/takes the password, [\d.]+ ms away/);
    assert.ok(told.text.includes(url));
    assert.match(told.text, /All its TCP ports can be reached/);

    // A send over it needs the same password, and asks no more.
    await run('croc.send', vscode.Uri.file(await scene.file('one.txt')));
    assert.match(await vscode.env.clipboard.readText(), /^[a-z-]+$/);
    await run('croc.cancel');
    await relay.close();
    await run('croc.checkRelay');
    await person.hears(/does not answer at this address/);
  });

  it('says which port is blocked, and a receive that cannot connect says the same by itself', async () => {
    const gated = await GatedRelay.start(1);
    scene.atEnd(() => gated.close());
    const [open, blocked] = gated.relay.ports;
    await run('croc.checkRelay', gated.relay.url);
    const words = `TCP ports blocked: ${blocked}; open: ${open}.`;
    await scene.person.hears(new RegExp(words.replaceAll('.', '\\.')));

    await scene.set('relay', gated.relay.url);
    const send = await scene.otherSide(gated.relay.url).send([await scene.file('one.txt')]);
    const walk = run('croc.receive');
    await giveCode(scene.person, send.code);
    await walk;
    await scene.person.hears(new RegExp(`cannot be reached.*blocked ${blocked}; open ${open}`));
    assert.notEqual(await codeOf(send.done), 'resolved');
  });

  it('shows the connections of the running relay, without asking for them', async () => {
    const api = await crocApi();
    const relay = await api.startRelay({ host: '127.0.0.1', port: 0, tcpPorts: [0, 0] });
    scene.atEnd(() => relay.close());
    const send = await scene.otherSide(relay.url).send([await scene.file('one.txt')]);
    const offer = await scene.otherSide(relay.url).receive(send.code);
    const shown = await statusShows(/radio-tower\) Croc 4/);
    assert.match(shown.spoken, /Open connections: 4/);
    await offer.reject();
    await codeOf(send.done);
    await statusShows(/radio-tower\) Croc$/);
  });
});

describe('the words for a place', () => {
  it('name the machine where the files are', () => {
    assert.equal(placeText('', 'here'), undefined);
    assert.equal(networkText('', 'here'), undefined);
    assert.equal(placeText('ssh-remote', 'devbox'), 'on SSH: devbox');
    assert.equal(placeText('wsl', 'pc'), 'in WSL: pc');
    assert.equal(placeText('dev-container', 'x'), 'in the container');
    assert.equal(placeText('codespaces', 'x'), 'in the codespace');
    assert.equal(placeText('tunnel', 'box'), 'on the remote machine: box');
    assert.equal(placeKind('attached-container'), 'container');
    assert.match(networkText('ssh-remote', 'devbox') ?? '', /remote machine, devbox/);
    assert.match(networkText('wsl', 'pc') ?? '', /that of WSL/);
  });
});
