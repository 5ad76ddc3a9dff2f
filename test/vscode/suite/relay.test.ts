/** The commands of the workspace relay. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import * as vscode from 'vscode';
import { crocApi } from '../support/extension.js';
import { codeOf, Scene } from '../support/scene.js';
import { statusItem, statusShows } from '../support/shown.js';

const run = (command: string) => vscode.commands.executeCommand(command);
const clipboard = () => vscode.env.clipboard.readText();

describe('the workspace relay', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
    scene.atEnd(() => run('croc.stopRelay'));
  });
  afterEach(() => scene.close());

  /** Takes the usual port, if nobody has it yet, so that the extension cannot. */
  async function takeUsualPort(): Promise<void> {
    const server = createServer();
    const listening = once(server, 'listening');
    server.listen(8003).once('error', () => server.emit('listening'));
    await listening;
    scene.atEnd(() => new Promise((resolve) => server.close(resolve)));
  }

  /** Starts it by the command, on another port when somebody has the usual one. */
  async function start(): Promise<void> {
    await run('croc.startRelay');
    const [button] =
      scene.person.heard.find(({ text }) => /already listens/.test(text))?.choices ?? [];
    if (button === undefined) return;
    scene.person.willPress(button);
    await run('croc.startRelay');
  }

  it('starts, tells where it is, gives the address, and stops', async () => {
    scene.person.willPress('Copy Address');
    await start();
    const message = await scene.person.hears(/relay runs at .*TCP ports/);
    assert.deepEqual(message.choices, ['Copy Address', 'Stop Relay']);
    const address = await clipboard();
    assert.ok(message.text.includes(address));
    await statusShows(/radio-tower/);
    assert.equal(statusItem().command?.command, 'croc.showRelay');

    const send = await scene.otherSide(`http://${address}`).send([await scene.file('one.txt')]);
    await send.cancel();

    scene.person.willPress('Stop Relay');
    await run('croc.showRelay');
    assert.doesNotMatch(statusItem().text ?? '', /radio-tower/);
    assert.equal(
      await codeOf(scene.otherSide(`http://${address}`).send([await scene.file('one.txt')])),
      'relay_unreachable',
    );
  });

  it('says which port is taken and offers a free one', async () => {
    await takeUsualPort();
    await run('croc.startRelay');
    const question = await scene.person.hears(/already listens on port 8003/);
    const [button = ''] = question.choices;
    assert.match(button, /^Use Port (80(0[4-9]|1\d|2[0-2]))$/);
    assert.equal(statusItem().text, undefined, 'Nothing runs without a yes.');

    scene.person.willPress(button);
    await run('croc.startRelay');
    const message = await scene.person.hears(/relay runs at/);
    assert.ok(message.text.includes(`:${button.replace('Use Port ', '')} `), message.text);
  });

  it('starts once, however often it is asked', async () => {
    const api = await crocApi();
    const relay = await api.startRelay({ host: '127.0.0.1', port: 0, tcpPorts: [0] });
    await run('croc.startRelay');
    const message = await scene.person.hears(/relay runs at/);
    assert.ok(message.text.includes(`127.0.0.1:${relay.port} `), message.text);
    assert.match(message.text, /for this machine only/);
  });

  it('is used by a send, and says so before it stops under it', async () => {
    const api = await crocApi();
    const relay = await api.startRelay({ host: '127.0.0.1', port: 0, tcpPorts: [0] });
    const send = await api.send([await scene.file('one.txt')]);
    assert.equal(send.relay, relay.localUrl);
    scene.person.willPress('Stop Anyway');
    await run('croc.stopRelay');
    await scene.person.hears(/A transfer runs through this relay/);
    assert.equal(await codeOf(send.done), 'cancelled');
    assert.equal(await relay.closed, undefined);
  });

  it('says that nothing runs, and offers to start it', async () => {
    await run('croc.showRelay');
    const message = await scene.person.hears(/No transfer and no relay runs/);
    assert.deepEqual(message.choices, ['Start Workspace Relay']);
  });
});
