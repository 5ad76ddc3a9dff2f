/**
 * What the extension does before anybody asks it for anything: next to nothing. This file is the first of
 * the suite by its name, so nothing has been asked for when it runs.
 */
import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
import path from 'node:path';
import * as vscode from 'vscode';
import { until } from '../../support/vscode/wait.js';
import { crocExtension, crocFolder, declaredCommands } from '../support/extension.js';
import { Scene } from '../support/scene.js';
import { nextPick } from '../support/walk.js';

const dist = (): string => path.join(crocFolder(), 'dist');

/** Files of dist/ that this extension host has read as code. */
const loaded = (): string[] =>
  Object.keys(require.cache)
    .filter((file) => path.dirname(file) === dist())
    .map((file) => path.basename(file));

/**
 * What Node makes for a timer, a listener or connection, a socket of UDP, a thread. That the folder of the history
 * is watched once somebody has seen it costs nothing while no other window writes there.
 */
const WATCHED: ReadonlySet<string> = new Set([
  ...['Timeout', 'TCPSERVERWRAP', 'TCPWRAP', 'PIPESERVERWRAP', 'UDPWRAP', 'WORKER'],
]);

/** Watches what the extension itself keeps alive, from its making until `stop`. */
class Watch {
  readonly #alive = new Map<number, string>();
  readonly #hook = createHook({
    init: (id, type) => {
      if (!WATCHED.has(type)) return;
      const limit = Error.stackTraceLimit;
      Error.stackTraceLimit = 50;
      const stack = new Error().stack ?? '';
      Error.stackTraceLimit = limit;
      // What VS Code does because it was called is not counted: the innermost frame outside Node has to be ours.
      const [, , ...frames] = stack.split('\n');
      const innermost = frames.find((frame) => !/\(node:|at node:|Hook/.test(frame));
      if (innermost?.includes(`${dist()}${path.sep}`) === true) this.#alive.set(id, type);
    },
    destroy: (id) => this.#alive.delete(id),
  }).enable();

  /** What there is, a word each. */
  kinds(): string[] {
    return [...this.#alive.values()].sort();
  }

  /** Waits until nothing of it is left. */
  async idle(): Promise<void> {
    const done = (): true | undefined => (this.#alive.size === 0 ? true : undefined);
    // What closed is told when its memory goes, so a turn of the loop is needed, not a time.
    await until(done, 25_000, 'An idle extension').catch(() => undefined);
    assert.deepEqual(this.kinds(), []);
  }

  stop(): void {
    this.#hook.disable();
  }
}

describe('activation', () => {
  it('waits until it is needed', () => {
    const events = crocExtension().activationEvents;
    const early = events.filter((event) => event === '*' || event === 'onStartupFinished');
    assert.deepEqual(early, []);
    assert.equal(vscode.extensions.getExtension('croc-share.croc-share')?.isActive, false);
    assert.deepEqual(loaded(), []);
  });

  it('reads one file, and starts no timer, no listener and no thread', async () => {
    const watch = new Watch();
    try {
      await crocExtension().activate();
      assert.deepEqual(loaded(), ['extension.js']);
      assert.deepEqual(watch.kinds(), []);
    } finally {
      watch.stop();
    }
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
    assert.deepEqual(loaded(), ['extension.js']);
  });
});

describe('the work of the extension', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
  });
  afterEach(() => scene.close());

  it('listens for nothing when it loads, and is over when a transfer and its relay are', async () => {
    const watch = new Watch();
    scene.atEnd(() => watch.stop());
    // The first command that needs all of it, and nothing of the network.
    await vscode.commands.executeCommand('croc.copyCode');
    await scene.person.hears(/No code is waiting/);
    assert.ok(loaded().includes('index.js'));
    assert.deepEqual(watch.kinds(), []);

    await vscode.commands.executeCommand('croc.transfers.focus');
    await vscode.commands.executeCommand('croc.send', vscode.Uri.file(await scene.file('one.txt')));
    assert.ok(watch.kinds().includes('WORKER'), 'The relay and the transfer have a thread each.');
    await vscode.commands.executeCommand('croc.cancel');
    await vscode.commands.executeCommand('croc.stopRelay');
    await watch.idle();
  });

  it('looks at the local network while it receives, and not before or after', async () => {
    await scene.aloneOnLoopback();
    const watch = new Watch();
    scene.atEnd(() => watch.stop());
    await vscode.commands.executeCommand('croc.checkRelay', 'http://127.0.0.1:1');
    const walk = vscode.commands.executeCommand('croc.receive');
    const box = await nextPick(scene.person);
    box.value = '417-dozen-lunar-quilt';
    assert.ok(!watch.kinds().includes('UDPWRAP'), 'Nothing is looked for while the code is typed.');
    await scene.person.accept(box);
    const looks = (): true | undefined => (watch.kinds().includes('UDPWRAP') ? true : undefined);
    await until(looks, 20_000, 'A look at the network');
    await scene.person.hears(/No relay is set/);
    await walk;
    await watch.idle();
  });
});
