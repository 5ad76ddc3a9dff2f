/** Clients of the three kinds of relay, as small as they can be: what is measured is the relay. */
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { encodeCrocFrame } from '../../../src/core/wire/crocFrame.js';
import { addressOf, enterRoom } from '../../support/crocRoom.js';

/** Where a relay is. */
export interface Place {
  readonly port: number;
  readonly ports: readonly number[];
}

/** Two parties that have met. */
export interface Met {
  /** What each party says first on a lane; only ours has that. */
  readonly parties: readonly object[];
  /** Ends it in order and lets go of what they hold. */
  leave(): Promise<void> | void;
  /** Cuts their connections without a word. */
  vanish(): void;
}

const base64 = (length: number): string => randomBytes(length).toString('base64');

/** JSON over HTTP on one connection, one request at a time: no more of HTTP than the relay's answers need. */
export class Http {
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #answer: ((status: string, body: string) => void) | undefined;

  constructor(port: number, localAddress: string) {
    this.#socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
    this.#socket.on('error', () => undefined);
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  post(path: string, body: object): Promise<Record<string, unknown>> {
    const text = JSON.stringify(body);
    this.#socket.write(
      `POST ${path} HTTP/1.1\r\nHost: relay\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
    );
    return new Promise((resolve, reject) => {
      this.#answer = (status, said) => {
        if (status === '200') resolve(JSON.parse(said) as Record<string, unknown>);
        else reject(new Error(`${path}: ${said}`));
      };
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#bytes.subarray(0, end).toString('latin1');
    const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
    if (Number.isNaN(length)) throw new Error(`an answer without its length: ${head}`);
    if (this.#bytes.length < end + 4 + length) return;
    const said = this.#bytes.subarray(end + 4, end + 4 + length).toString();
    this.#bytes = this.#bytes.subarray(end + 4 + length);
    this.#answer?.(head.slice(9, 12), said);
  }
}

/** Opens a channel as a sender does, up to the held request. */
export async function openChannel(
  { port }: Place,
  index: number,
): Promise<{
  http: Http;
  joined: Record<string, unknown>;
  reply: Promise<Record<string, unknown>>;
}> {
  const http = new Http(port, addressOf(2 * index));
  const joined = await http.post('/join', { role: 'sender' });
  const { channel, uuid } = joined;
  const reply = http.post('/channel', { channel, uuid, x: base64(65), since: 2 });
  reply.catch(() => undefined);
  return { http, joined, reply };
}

/** Ours: both join, exchange x, y, hh_k and h_k, and see each other's. */
export async function meetOurs(place: Place, index: number): Promise<Met> {
  const { http, joined, reply } = await openChannel(place, index);
  const { channel, uuid } = joined;
  const other = new Http(place.port, addressOf(2 * index + 1));
  const second = await other.post('/join', { role: 'recipient', channel });
  const me = { channel, uuid: second['uuid'] };
  await other.post('/channel', { ...me, since: 1 });
  const h_k = randomBytes(32);
  const hh_k = createHash('sha256').update(h_k).digest('base64');
  const confirmed = other.post('/channel', { ...me, y: base64(65), hh_k, since: 3 });
  await reply;
  await http.post('/channel', { channel, uuid, h_k: h_k.toString('base64') });
  await confirmed;
  const vanish = (): void => {
    http.close();
    other.close();
  };
  const leave = async (): Promise<void> => {
    await http.post('/channel', { channel, uuid, close: true });
    vanish();
  };
  return { parties: [{ channel, uuid }, me], leave, vanish };
}

/** A WebSocket client for text frames below 64 KiB. */
class WebSocketClient {
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  #upgraded = false;
  readonly #early: Buffer[] = [];
  readonly #messages: Record<string, unknown>[] = [];
  #wake: () => void = () => undefined;

  constructor(port: number, localAddress: string) {
    this.#socket = connect({ port, host: '127.0.0.1', localAddress });
    this.#socket.write(
      `GET /v1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${base64(16)}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    this.#socket.on('error', () => undefined);
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  say(message: object): void {
    const text = Buffer.from(JSON.stringify({ ...message, id: 'x' }));
    const head =
      text.length < 126
        ? Buffer.of(0x81, 0x80 | text.length)
        : Buffer.of(0x81, 0xfe, text.length >> 8, text.length & 255);
    // A mask of zeros changes nothing.
    const frame = Buffer.concat([head, Buffer.alloc(4), text]);
    if (this.#upgraded) this.#socket.write(frame);
    else this.#early.push(frame); // the server loses what comes before it has agreed
  }

  /** The next message that `wanted` takes; others are dropped. */
  async hear(
    wanted: (message: Record<string, unknown>) => boolean,
  ): Promise<Record<string, unknown>> {
    for (;;) {
      for (let message = this.#messages.shift(); message; message = this.#messages.shift())
        if (wanted(message)) return message;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (!this.#upgraded) {
      const end = this.#bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.#upgraded = true;
      for (const frame of this.#early.splice(0)) this.#socket.write(frame);
      this.#bytes = this.#bytes.subarray(end + 4);
    }
    while (this.#bytes.length >= 2) {
      const short = (this.#bytes[1] ?? 0) & 127;
      const start = short === 126 ? 4 : 2;
      if (this.#bytes.length < start) return;
      const length = short === 126 ? this.#bytes.readUInt16BE(2) : short;
      if (this.#bytes.length < start + length) return;
      const text = this.#bytes.subarray(start, start + length).toString();
      const opcode = (this.#bytes[0] ?? 0) & 15;
      this.#bytes = this.#bytes.subarray(start + length);
      if (opcode === 1) this.#messages.push(JSON.parse(text) as Record<string, unknown>);
    }
    this.#wake();
  }
}

const type = (name: string) => (message: Record<string, unknown>) => message['type'] === name;

/** A party at magic-wormhole's mailbox server, in its mailbox. */
export async function openMailbox({ port }: Place, index: number, nameplate?: string) {
  const socket = new WebSocketClient(port, addressOf(index));
  const side = randomBytes(5).toString('hex');
  socket.say({ type: 'bind', appid: 'bench', side });
  let plate = nameplate;
  if (plate === undefined) {
    socket.say({ type: 'allocate' });
    plate = String((await socket.hear(type('allocated')))['nameplate']);
  }
  socket.say({ type: 'claim', nameplate: plate });
  const { mailbox } = await socket.hear(type('claimed'));
  socket.say({ type: 'open', mailbox });
  const add = (phase: string): void =>
    socket.say({ type: 'add', phase, body: randomBytes(66).toString('hex') });
  const heard = (phase: string): Promise<unknown> =>
    socket.hear(
      (message) =>
        message['type'] === 'message' && message['side'] !== side && message['phase'] === phase,
    );
  return { socket, plate, mailbox, add, heard };
}

/** magic-wormhole: both claim a nameplate, and exchange `pake` and `version`. */
export async function meetWormhole(place: Place, index: number): Promise<Met> {
  const one = await openMailbox(place, 2 * index);
  one.add('pake');
  const other = await openMailbox(place, 2 * index + 1, one.plate);
  other.add('pake');
  await Promise.all([one.heard('pake'), other.heard('pake')]);
  for (const party of [one, other]) {
    party.socket.say({ type: 'release' });
    party.add('version');
  }
  await Promise.all([one.heard('version'), other.heard('version')]);
  const leave = async (): Promise<void> => {
    for (const { socket, mailbox } of [one, other])
      socket.say({ type: 'close', mailbox, mood: 'happy' });
    await Promise.all([one, other].map(({ socket }) => socket.hear(type('closed'))));
    vanish();
  };
  const vanish = (): void => {
    for (const { socket } of [one, other]) socket.close();
  };
  return { parties: [], leave, vanish };
}

/** croc: both go into a room, and a message passes each way. */
export async function meetCroc({ port }: Place, index: number): Promise<Met> {
  const room = randomBytes(16).toString('hex');
  const one = await enterRoom(port, 2 * index, room);
  const other = await enterRoom(port, 2 * index + 1, room);
  const pass = async (from: Socket, to: Socket): Promise<void> => {
    const mark = randomBytes(16);
    let bytes = Buffer.alloc(0);
    const arrived = new Promise<void>((resolve) =>
      to.on('data', (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk]);
        if (bytes.includes(mark)) resolve();
      }),
    );
    from.write(encodeCrocFrame(mark));
    await arrived;
  };
  await pass(other, one);
  await pass(one, other);
  const vanish = (): void => {
    one.destroy();
    other.destroy();
  };
  return { parties: [], leave: vanish, vanish };
}
