/** The task `croc: relay`. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import * as vscode from 'vscode';
import { until } from '../../support/vscode/wait.js';
import { nextEvent } from '../support/events.js';
import { Scene } from '../support/scene.js';
import { terminals, type Terminal } from '../support/shown.js';

const FREE = { host: '127.0.0.1', port: 0, tcpPorts: [0, 0] };

/** The matcher of package.json reads these. */
const BEGINS = /^croc relay: starting$/;
const ENDS = /^croc relay: (listening at|stopped)/;

/** Whether somebody listens there. */
async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe('the relay task', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
  });
  afterEach(() => scene.close());

  /** The provided task with what tasks.json would add. */
  async function task(extra: Readonly<Record<string, unknown>> = FREE): Promise<vscode.Task> {
    const [provided] = await vscode.tasks.fetchTasks({ type: 'croc' });
    assert.ok(provided);
    const { scope = vscode.TaskScope.Workspace, name, source, execution } = provided;
    const definition = { ...provided.definition, ...extra };
    const made = new vscode.Task(definition, scope, name, source, execution, '$croc-relay');
    made.isBackground = true;
    return made;
  }

  async function start(
    one: vscode.Task,
  ): Promise<{ run: vscode.TaskExecution; terminal: Terminal }> {
    const before = terminals.length;
    const run = await vscode.tasks.executeTask(one);
    const terminal = await until(() => terminals[before], 20_000, 'A terminal');
    return { run, terminal };
  }

  /** Ends a task and waits for its end. */
  async function stop(run: vscode.TaskExecution): Promise<void> {
    const ended = nextEvent(
      vscode.tasks.onDidEndTask,
      'The end of a task',
      ({ execution }) => execution.task.name === run.task.name,
    );
    run.terminate();
    await ended;
  }

  it('is provided once for a folder, as a background task with the matcher', async () => {
    const tasks = await vscode.tasks.fetchTasks({ type: 'croc' });
    assert.deepEqual(
      tasks.map(({ name, source, isBackground, definition, problemMatchers }) => {
        return { name, source, isBackground, what: String(definition['task']), problemMatchers };
      }),
      [
        {
          name: 'relay',
          source: 'croc',
          isBackground: true,
          what: 'relay',
          problemMatchers: ['$croc-relay'],
        },
      ],
    );
  });

  it('runs with the host and ports of its definition and prints what the matcher waits for', async () => {
    const { run, terminal } = await start(await task());
    const line = await terminal.line(/^croc relay: listening at/);
    assert.equal(terminal.lines.filter((one) => BEGINS.test(one)).length, 1);
    assert.match(line, ENDS);
    assert.match(terminal.printed, /on this machine only/);
    assert.doesNotMatch(terminal.printed, /for others/);
    const url = line.replace('croc relay: listening at ', '');
    assert.equal(new URL(url).hostname, '127.0.0.1');
    const ports = (/TCP ports: ([\d, ]+)/.exec(terminal.printed)?.[1] ?? '')
      .split(', ')
      .map(Number);
    assert.equal(ports.length, 2);

    const send = await scene.otherSide(url).send([await scene.file('one.txt')]);
    const offer = await scene.otherSide(url).receive(send.code);
    await offer.accept({ to: await scene.subfolder('inbox') }).done;
    await send.done;

    await stop(run);
    const all = [Number(new URL(url).port), ...ports];
    const gone = async () =>
      (await Promise.all(all.map(answers))).some(Boolean) ? undefined : true;
    await until(gone, 20_000, 'Nothing that listens');
  });

  it('stops at Ctrl+C', async () => {
    const { terminal } = await start(await task());
    await terminal.line(/^croc relay: listening at/);
    terminal.type('\u0003');
    await terminal.line(/^croc relay: stopped$/);
    await until(() => terminal.exit, 20_000, 'The end of the terminal');
    assert.equal(terminal.exit, 0);
  });

  describe('when a port is taken', () => {
    let taken: number;
    beforeEach(async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address() as AddressInfo;
      taken = address.port;
      scene.atEnd(() => new Promise((resolve) => server.close(resolve)));
    });

    it('says so, and runs on the free one after a yes', async () => {
      const question = scene.person.hears(/already listens on port/);
      const first = await start(await task({ ...FREE, port: taken }));
      const { text, choices } = await question;
      assert.ok(text.includes(`port ${taken}.`), text);
      // Nobody said yes.
      await first.terminal.line(/^croc relay: \.vscode\/tasks\.json: error: /);
      await first.terminal.line(/^croc relay: stopped$/);
      assert.match(first.terminal.printed, new RegExp(`already listens on port ${taken}`));
      await until(() => first.terminal.exit, 20_000, 'The end of the terminal');
      assert.equal(first.terminal.exit, 1);

      const [button = ''] = choices;
      scene.person.willPress(button);
      const second = await start(await task({ ...FREE, port: taken }));
      const line = await second.terminal.line(/^croc relay: listening at/);
      const port = Number(new URL(line.replace('croc relay: listening at ', '')).port);
      assert.equal(button, `Use Port ${port}`);
      assert.notEqual(port, taken);
      await stop(second.run);
    });
  });

  it('says what is wrong with a definition', async () => {
    const { terminal } = await start(await task({ ...FREE, port: 70_000 }));
    const line = await terminal.line(/error:/);
    assert.match(line, /^croc relay: (\S+): (error): (.+)$/, 'As the matcher reads it.');
    assert.match(line, /“port” of the task is not valid/);
    await until(() => terminal.exit, 20_000, 'The end of the terminal');
    assert.equal(terminal.exit, 1);
  });
});
