/** The context keys by which menus and palette show only what can be done. */
import assert from 'node:assert/strict';
import { until } from '../../support/vscode/wait.js';
import { crocApi } from '../support/extension.js';
import { Scene } from '../support/scene.js';
import { contextKeys } from '../support/shown.js';

describe('the context keys', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
  });
  afterEach(() => scene.close());

  // Whether something can be undone depends on what other tests received.
  const keys = () => Object.fromEntries([...contextKeys].filter(([key]) => key !== 'undoKnown'));

  it('follow a relay and a transfer', async () => {
    const api = await crocApi();
    const relay = await api.startRelay({ host: '127.0.0.1', port: 0, tcpPorts: [0] });
    assert.equal(keys()['relayRunning'], true);
    assert.equal(keys()['transferActive'], false);

    const send = await api.send([await scene.file('one.txt')]);
    scene.atEnd(() => send.cancel());
    const waiting = {
      relayRunning: true,
      transferKnown: true,
      transferActive: true,
      codeWaiting: true,
    };
    assert.deepEqual(keys(), waiting);
    const offer = await scene.otherSide(relay.url).receive(send.code);
    // The recipient has the offer before the sender is told that the code is used up.
    await until(() => !keys()['codeWaiting'] || undefined, 20_000, 'The used-up code in the keys');
    assert.deepEqual(keys(), { ...waiting, codeWaiting: false });
    await offer.accept({ to: await scene.subfolder('inbox') }).done;
    await send.done;
    assert.deepEqual(keys(), { ...waiting, codeWaiting: false, transferActive: false });
    await relay.close();
    assert.equal(keys()['relayRunning'], false);
  });
});
