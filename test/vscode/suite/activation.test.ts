import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { crocExtension, declaredCommands } from '../support/extension.js';

describe('activation', () => {
  it('waits until it is needed', () => {
    const events = crocExtension().activationEvents;
    const early = events.filter((event) => event === '*' || event === 'onStartupFinished');
    assert.deepEqual(early, []);
  });

  it('registers every declared command', async () => {
    const declared = declaredCommands();
    assert.ok(declared.includes('croc.send'));
    assert.ok(declared.includes('croc.receive'));
    await crocExtension().activate();
    const registered = new Set(await vscode.commands.getCommands(true));
    assert.deepEqual(
      declared.filter((command) => !registered.has(command)),
      [],
    );
  });

  it('gives other extensions send and receive', async () => {
    const api = await crocExtension().activate();
    assert.equal(typeof Reflect.get(Object(api), 'send'), 'function');
    assert.equal(typeof Reflect.get(Object(api), 'receive'), 'function');
  });
});
