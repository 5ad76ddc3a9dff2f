/** The surroundings of one test: a person, folders, a relay, the other side, settings put back. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import {
  Croc,
  startRelay,
  type Multicast,
  type Relay,
  type RelayOptions,
} from '../../../src/core/index.js';
import { crocFolder } from './extension.js';
import { Person } from './person.js';

/** A setting of the extension, without `croc.`. */
type Setting =
  | 'relay'
  | 'network'
  | 'discover'
  | 'downloadFolder'
  | 'curve'
  | 'limit'
  | 'notifyWhenSent'
  | 'ignore';

const LOOPBACK: RelayOptions = { host: '127.0.0.1', port: 0, tcpPorts: [0, 0] };

/** Made before a test, closed after it. */
export class Scene {
  readonly person = new Person();
  readonly #ends: (() => unknown)[] = [];

  private constructor(
    /** A temporary folder, absolute. */
    readonly folder: string,
  ) {}

  static async open(): Promise<Scene> {
    const folder = await mkdtemp(path.join(tmpdir(), 'croc-host-'));
    await vscode.env.clipboard.writeText('something else');
    return new Scene(folder);
  }

  /** Writes a file below the folder; gives its absolute path. */
  async file(name: string, content: string | Uint8Array = `This is ${name}.\n`): Promise<string> {
    const file = path.join(this.folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
    return file;
  }

  /** Makes a folder below the folder; gives its absolute path. */
  async subfolder(name: string): Promise<string> {
    const folder = path.join(this.folder, name);
    await mkdir(folder, { recursive: true });
    return folder;
  }

  /** A relay on loopback that is nobody's workspace relay. */
  async relay(): Promise<Relay> {
    const relay = await startRelay(LOOPBACK);
    this.#ends.push(() => relay.close());
    return relay;
  }

  /** A relay on loopback, with the setting pointing to it. */
  async relayInSettings(): Promise<Relay> {
    const relay = await this.relay();
    await this.set('relay', relay.url);
    return relay;
  }

  /** The other side: the library, with the built worker, in its own instance. */
  otherSide(relay: string): Croc {
    return new Croc({ relay, distFolder: path.join(crocFolder(), 'dist') });
  }

  /** Sets a setting of Croc for the person; undefined takes it away. */
  async set(key: Setting, value: string | number | boolean | undefined): Promise<void> {
    const change = (to: string | number | boolean | undefined) =>
      vscode.workspace.getConfiguration('croc').update(key, to, vscode.ConfigurationTarget.Global);
    await change(value);
    this.#ends.push(() => change(undefined));
  }

  /** Lets this window announce and look on loopback, on a port that nobody else has. */
  async aloneOnLoopback(): Promise<Multicast> {
    const socket = createSocket('udp4');
    socket.bind(0, '0.0.0.0');
    await once(socket, 'listening');
    const { port } = socket.address();
    socket.close();
    const before = process.env['CROC_MULTICAST'];
    process.env['CROC_MULTICAST'] = `127.0.0.1:${port}`;
    this.atEnd(() => (process.env['CROC_MULTICAST'] = before));
    return { interfaceAddress: '127.0.0.1', port };
  }

  /** What has to be undone after the test, last first. */
  atEnd(undo: () => unknown): void {
    this.#ends.push(undo);
  }

  /** Puts everything back; throws when a question had no answer or an answer no question. */
  async close(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end();
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await rm(this.folder, { recursive: true, force: true });
    this.person.leave();
  }
}

/** Every path below a folder, relative, sorted. */
export async function filesBelow(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).sort();
}

/** The `code` of the CrocError that a promise rejects with; anything else as text. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'resolved';
  } catch (error) {
    const code: unknown = Reflect.get(Object(error), 'code');
    return typeof code === 'string' ? code : String(error);
  }
}
