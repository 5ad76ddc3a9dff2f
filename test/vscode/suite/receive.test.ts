import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { Person } from '../support/person.js';

describe('receiving', () => {
  let person: Person;
  beforeEach(() => {
    person = new Person();
  });
  afterEach(() => person.leave());

  it('asks for a code and does nothing when the person leaves', async () => {
    const command = vscode.commands.executeCommand('croc.receive');
    const box = await person.nextBox();
    assert.match(box.placeholder ?? '', /code/);
    box.hide();
    await command;
    assert.deepEqual(person.heard, []);
  });

  it('says what to do when no relay answers', async () => {
    const command = vscode.commands.executeCommand('croc.receive');
    const code = await person.nextBox();
    code.value = '417-dozen-lunar-quilt';
    await person.accept(code);
    const relay = await person.nextBox();
    relay.value = '127.0.0.1:1'; // a reserved port on which nobody listens
    await person.accept(relay);
    const message = await person.hears(/relay does not answer/i);
    assert.ok(message.choices.length > 0);
    await command;
  });
});
