/** The relay's side of croc's own protocol against clients that know only its text, and that break it. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { onTestFinished, describe, expect, it } from 'vitest';
import type { Relay } from '../../src/core/api.js';
import { systemRandom } from '../../src/core/edges.js';
import { curveNamed } from '../../src/core/pake/curves.js';
import { beginExchange, randomScalar } from '../../src/core/pake/exchange.js';
import { plainSessionKey } from '../../src/core/pake/keys.js';
import { checkedPoint } from '../../src/core/pake/points.js';
import { CrocFrameReader, encodeCrocFrame } from '../../src/core/wire/crocFrame.js';
import { decodeCrocPake, encodeCrocPake } from '../../src/core/wire/crocPake.js';
import { crocRelayKey, openCroc, sealCroc } from '../../src/core/wire/crocSeal.js';
import { testRelay } from '../support/croc.js';

const PASSWORD = Uint8Array.of(1, 2, 3);
const KEEP_ALIVE = Buffer.of(1);

/** A croc client as far as a relay sees one. */
class Client {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  readonly #reader = new CrocFrameReader(64 * 1024);
  #key: Uint8Array = Buffer.alloc(32);
  #wake: () => void = () => undefined;

  constructor(relay: Relay, port = 0, from = '127.0.0.1') {
    this.socket = connect({ port: relay.ports[port] ?? 0, host: '127.0.0.1', localAddress: from });
    this.socket.on('error', () => undefined);
    this.closed = once(this.socket, 'close').then(() => this.#wake());
    this.socket.on('data', (chunk) => {
      this.#reader.push(chunk);
      this.#wake();
    });
    onTestFinished(() => void this.socket.destroy());
  }

  say(body: Uint8Array): void {
    this.socket.write(encodeCrocFrame(body));
  }

  /** The next body, `undefined` when the connection is over. */
  async hear(): Promise<Buffer | undefined> {
    for (;;) {
      const body = this.#reader.next();
      if (body !== undefined) return body;
      if (this.socket.destroyed) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The next body that is no sign of life. */
  async hearPeer(): Promise<Buffer | undefined> {
    for (;;) {
      const body = await this.hear();
      if (body?.equals(KEEP_ALIVE) !== true) return body;
    }
  }

  /** Exchanges keys and says the password. @returns what the relay answers */
  async introduce(password = 'pass123'): Promise<string> {
    const curve = curveNamed('siec');
    const exchange = beginExchange(curve, 'A', PASSWORD, randomScalar(curve, systemRandom));
    const fixed = { U: curve.U.toAffine(), V: curve.V.toAffine() };
    this.say(encodeCrocPake({ role: 0, X: exchange.own.toAffine(), Y: undefined }, fixed));
    const { Y } = decodeCrocPake((await this.hear()) ?? Buffer.alloc(0));
    if (Y === undefined) throw new Error('no Y');
    const sessionKey = plainSessionKey(PASSWORD, exchange.agree(checkedPoint(curve, Y, 'Y')));
    const salt = Buffer.from(systemRandom(8));
    this.say(salt);
    this.#key = crocRelayKey(sessionKey, salt);
    this.saySealed(password);
    return this.hearSealed();
  }

  /** Wants into a room. @returns what the relay answers */
  join(room: string): Promise<string> {
    this.saySealed(room);
    return this.hearSealed();
  }

  saySealed(text: string): void {
    this.say(sealCroc(this.#key, Buffer.from(text), systemRandom));
  }

  async hearSealed(): Promise<string> {
    const body = await this.hear();
    return body === undefined ? 'gone' : openCroc(this.#key, body).toString();
  }
}

/** A client that is in a room already. */
async function inRoom(relay: Relay, room: string, from?: string): Promise<Client> {
  const client = new Client(relay, 0, from);
  await client.introduce();
  expect(await client.join(room)).toBe('ok');
  return client;
}

describe('a croc client', () => {
  it('hears the other ports and its own address', async () => {
    const relay = await testRelay({ tcpPorts: [0, 0, 0] });
    for (const index of [0, 1, 2]) {
      const client = new Client(relay, index);
      const others = relay.ports.filter((_, other) => other !== index).join(',');
      const local = await client.introduce();
      expect(local).toBe(`${others}|||127.0.0.1:${client.socket.localPort}`);
    }
  });

  it('hears the one port there is when there is no other', async () => {
    const relay = await testRelay({ tcpPorts: [0] });
    expect(await new Client(relay).introduce()).toMatch(new RegExp(`^${relay.ports[0]}\\|\\|\\|`));
  });

  it('is told of a wrong password and cut', async () => {
    const client = new Client(await testRelay());
    expect(await client.introduce('pass124')).toBe('bad password');
    await client.closed;
  });

  it('waits with a sign of life a second, and passes bytes once there are two', async () => {
    const relay = await testRelay();
    const first = await inRoom(relay, 'room');
    expect((await first.hear())?.equals(KEEP_ALIVE)).toBe(true);
    expect((await first.hear())?.equals(KEEP_ALIVE)).toBe(true);
    first.say(Buffer.from('early'));
    const second = await inRoom(relay, 'room', '127.0.0.2');
    expect((await second.hear())?.toString()).toBe('early');
    second.say(Buffer.from('answer'));
    expect((await first.hearPeer())?.toString()).toBe('answer');
    const third = new Client(relay);
    await third.introduce();
    expect(await third.join('room')).toBe('room full');
    second.socket.destroy();
    await first.closed;
  });

  it('does not meet one on another port under the same name', async () => {
    const relay = await testRelay();
    await inRoom(relay, 'room');
    const other = new Client(relay, 1);
    await other.introduce();
    expect(await other.join('room')).toBe('ok');
    expect((await other.hear())?.equals(KEEP_ALIVE)).toBe(true);
  });

  it('leaves its room when it goes', async () => {
    const relay = await testRelay();
    const first = await inRoom(relay, 'room');
    first.socket.destroy();
    await first.closed;
    await expect.poll(async () => (await relay.stats()).connections).toBe(0);
    const second = await inRoom(relay, 'room');
    expect((await second.hear())?.equals(KEEP_ALIVE)).toBe(true);
  });

  it('may join only so often in a minute', async () => {
    const relay = await testRelay({ limits: { crocJoinsPerMinute: 2 } });
    await inRoom(relay, 'room 1');
    await inRoom(relay, 'room 2');
    const one = new Client(relay);
    await one.introduce();
    expect(await one.join('room 3')).toBe('rate limited');
    await one.closed;
    await inRoom(relay, 'room 3', '127.0.0.2');
  });

  it('is not the only one that is counted: so is the room', async () => {
    const relay = await testRelay({ limits: { crocJoinsPerMinute: 1 } });
    await inRoom(relay, 'room');
    const guess = new Client(relay, 0, '127.0.0.2');
    await guess.introduce();
    expect(await guess.join('room')).toBe('rate limited');
  });

  it('has only so many waiting beside it: the oldest goes', async () => {
    const relay = await testRelay({ limits: { crocRooms: 3 } });
    const clients: Client[] = [];
    for (let room = 0; room < 4; room += 1) clients.push(await inRoom(relay, `room ${room}`));
    await clients[0]?.closed;
    expect(clients.map(({ socket }) => socket.destroyed)).toEqual([true, false, false, false]);
  });

  it('may wait only so long', async () => {
    const relay = await testRelay({ limits: { crocWaitMs: 50 } });
    const client = await inRoom(relay, 'room');
    await client.closed;
  });
});

describe('what is no croc client', () => {
  it.each([
    ['a frame that is too long', Buffer.from('63726f63ffffffff', 'hex')],
    ['an empty frame', encodeCrocFrame(Buffer.alloc(0))],
    ['a key exchange that is none', encodeCrocFrame(Buffer.from('{"Role":0}'))],
  ])('is cut: %s', async (_, bytes) => {
    const client = new Client(await testRelay());
    client.socket.write(bytes);
    await client.closed;
  });

  it('is cut when its salt has the wrong length', async () => {
    const client = new Client(await testRelay());
    const curve = curveNamed('siec');
    const { own } = beginExchange(curve, 'A', PASSWORD, 5n);
    const fixed = { U: curve.U.toAffine(), V: curve.V.toAffine() };
    client.say(encodeCrocPake({ role: 0, X: own.toAffine(), Y: undefined }, fixed));
    await client.hear();
    client.say(Buffer.alloc(9));
    await client.closed;
  });

  it('is cut when it does not say who it is in time', async () => {
    const client = new Client(await testRelay({ limits: { identifyMs: 100 } }));
    client.socket.write('croc');
    await client.closed;
  });

  it('is cut when its room has a name that is too long', async () => {
    const client = new Client(await testRelay());
    await client.introduce();
    expect(await client.join('x'.repeat(300))).toBe('gone');
  });

  it('cannot hold all the places', async () => {
    const relay = await testRelay({ limits: { crocPending: 5 } });
    const slow = Array.from({ length: 5 }, () => new Client(relay));
    for (const { socket } of slow) socket.write('croc');
    await expect.poll(async () => (await relay.stats()).connections).toBe(5);
    const one = new Client(relay);
    one.socket.write('croc');
    await one.closed;
    slow[0]?.socket.destroy();
    await slow[0]?.closed;
    await expect
      .poll(async () => {
        const client = new Client(relay);
        client.say(Buffer.from('ping'));
        return (await client.hear())?.toString();
      })
      .toBe('pong');
  });
});
