/** The task `croc: relay`: the workspace relay in a terminal, for as long as the terminal is open. */
import * as vscode from 'vscode';
import * as v from 'valibot';
import { CrocError, type Relay, type RelayOptions } from '../core/index.js';
import { askOtherPorts, startRelayAsking, takenText } from './commands/relay.js';
import type { Relays } from './relays.js';
import { errorLine, isLoopback, shortAddress } from './texts.js';

const port = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65535));
/** What tasks.json may say; package.json contributes the same shape. */
const definitionSchema = v.object({
  type: v.literal('croc'),
  task: v.literal('relay'),
  host: v.optional(v.pipe(v.string(), v.minLength(1))),
  port: v.optional(port),
  tcpPorts: v.optional(v.pipe(v.array(port), v.minLength(1), v.maxLength(16))),
});

/** The options of a task definition. @throws Error with a sentence when it is not one */
function optionsOf(definition: unknown): RelayOptions {
  const parsed = v.safeParse(definitionSchema, definition);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const where = v.getDotPath(issue) ?? 'task';
    throw new Error(vscode.l10n.t('“{0}” of the task is not valid: {1}', where, issue.message));
  }
  const { host, port: asked, tcpPorts } = parsed.output;
  return {
    ...(asked === undefined ? {} : { port: asked }),
    ...(host === undefined ? {} : { host }),
    ...(tcpPorts === undefined ? {} : { tcpPorts }),
  };
}

/** The terminal of one relay. Lines that start with `croc relay:` are for the problem matcher. */
class RelayTerminal implements vscode.Pseudoterminal {
  readonly #write = new vscode.EventEmitter<string>();
  readonly #close = new vscode.EventEmitter<number>();
  readonly onDidWrite = this.#write.event;
  readonly onDidClose = this.#close.event;
  #relay: Relay | undefined;
  #closed = false;

  constructor(
    private readonly relays: Relays,
    private readonly definition: unknown,
  ) {}

  open(): void {
    void this.#run();
  }

  /** The terminal is gone: so is its relay. */
  close(): void {
    this.#closed = true;
    void this.#relay?.close();
  }

  handleInput(data: string): void {
    if (data === '\u0003') void this.#relay?.close();
  }

  #line(text: string): void {
    this.#write.fire(`${text}\r\n`);
  }

  async #run(): Promise<void> {
    this.#line('croc relay: starting');
    try {
      if (!vscode.workspace.isTrusted)
        throw new Error(vscode.l10n.t('A task of a workspace that is not trusted runs no relay.'));
      const relay = await startRelayAsking(this.relays, optionsOf(this.definition), (other) => {
        // Said here too: the terminal is what the person looks at.
        this.#line(takenText(other));
        return askOtherPorts(other);
      });
      if (relay === undefined) {
        this.#fail(errorLine(new CrocError('port_taken')));
        return;
      }
      this.#relay = relay;
      // Closed while it was starting: nobody else would stop it.
      if (this.#closed) await relay.close();
      this.#tell(relay);
      const error = await relay.closed;
      if (error !== undefined) throw error;
      this.#line('croc relay: stopped');
      this.#close.fire(0);
    } catch (error) {
      this.#fail(
        error instanceof Error && !(error instanceof CrocError)
          ? error.message
          : errorLine(CrocError.from(error)),
      );
    }
  }

  #tell(relay: Relay): void {
    this.#line('');
    if (isLoopback(relay.url)) {
      const address = shortAddress(relay.url);
      this.#line(`  ${vscode.l10n.t('Relay address, on this machine only: {0}', address)}`);
    } else {
      this.#line(`  ${vscode.l10n.t('Relay address for others: {0}', shortAddress(relay.url))}`);
      this.#line(`  ${vscode.l10n.t('On this machine: {0}', shortAddress(relay.localUrl))}`);
    }
    this.#line(`  ${vscode.l10n.t('TCP ports: {0}', relay.ports.join(', '))}`);
    this.#line(`  ${vscode.l10n.t('Press Ctrl+C or close this terminal to stop it.')}`);
    this.#line('');
    this.#line(`croc relay: listening at ${relay.url}`);
  }

  #fail(message: string): void {
    this.#line(`croc relay: .vscode/tasks.json: error: ${message}`);
    // The end line too, or whoever waits for the background task waits for ever.
    this.#line('croc relay: stopped');
    this.#close.fire(1);
  }
}

/** Provides one relay task for each folder. */
export class RelayTasks implements vscode.TaskProvider {
  constructor(private readonly relays: Relays) {}

  provideTasks(): vscode.Task[] {
    if (!vscode.workspace.isTrusted) return [];
    const scopes: readonly (vscode.WorkspaceFolder | vscode.TaskScope)[] = [
      ...(vscode.workspace.workspaceFolders ?? [vscode.TaskScope.Workspace]),
    ];
    return scopes.map((scope) => this.#task({ type: 'croc', task: 'relay' }, scope));
  }

  /** Completes a task of tasks.json; VS Code wants the very same definition back. */
  resolveTask(task: vscode.Task): vscode.Task | undefined {
    if (!v.is(v.object({ task: v.literal('relay') }), task.definition)) return undefined;
    return this.#task(task.definition, task.scope ?? vscode.TaskScope.Workspace);
  }

  #task(
    definition: vscode.TaskDefinition,
    scope: vscode.WorkspaceFolder | vscode.TaskScope,
  ): vscode.Task {
    const execution = new vscode.CustomExecution((resolved) =>
      Promise.resolve(new RelayTerminal(this.relays, resolved)),
    );
    const task = new vscode.Task(definition, scope, 'relay', 'croc', execution, '$croc-relay');
    task.isBackground = true;
    task.detail = vscode.l10n.t('A place on this machine where a sender and a recipient meet');
    task.presentationOptions = {
      reveal: vscode.TaskRevealKind.Always,
      panel: vscode.TaskPanelKind.Dedicated,
    };
    return task;
  }
}
