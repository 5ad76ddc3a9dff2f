/** The relay refuses what docs/protocol.md says it refuses, asked by a client written from that page. */
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startRelay } from '../../src/core/relay/relay.js';
import type { Relay } from '../../src/core/index.js';
import { Party } from '../interop/independent/meet.js';
import { sha256 } from '../interop/independent/pake.js';
import { RelayLink, errorCode } from '../interop/independent/relay.js';
import type { Answer } from '../interop/independent/relay.js';

const THIRD = '127.0.0.3';
const X = randomBytes(65);
const Y = randomBytes(65);
const H_K = randomBytes(32);
const HH_K = sha256(H_K);
const OTHER = randomBytes(65).toString('base64');
const text = (bytes: Buffer): string => bytes.toString('base64');

const LOOPBACK = { host: '127.0.0.1', port: 0, tcpPorts: [0, 0] };
let relay: Relay;
beforeAll(async () => {
  relay = await startRelay({ ...LOOPBACK, limits: { joinsPerMinute: 100_000 } });
});
afterAll(() => relay.close());

/** What `toEqual` takes for any text of this form. */
const matching = (form: RegExp): unknown => expect.stringMatching(form);

/** A client from this address that is closed after the test. */
function client(localAddress?: string, url = relay.url): RelayLink {
  const link = new RelayLink(url, localAddress);
  onTestFinished(() => {
    link.close();
  });
  return link;
}

/** How far a channel has come. */
type Stage = 'joined' | 'both' | 'x' | 'y' | 'h_k';

/** A channel at this stage: the sender at 127.0.0.1, the recipient at 127.0.0.2. */
async function channelAt(stage: Stage, url = relay.url) {
  const sender = await Party.join(url, 'sender');
  onTestFinished(() => sender.leave());
  const { channel } = sender;
  if (stage === 'joined') return { channel, sender, recipient: sender };
  const recipient = await Party.join(url, 'recipient', { channel, localAddress: '127.0.0.2' });
  onTestFinished(() => {
    recipient.relay.close();
  });
  if (stage !== 'both') await sender.give({ x: X });
  if (stage === 'y' || stage === 'h_k') await recipient.give({ y: Y, hh_k: HH_K });
  if (stage === 'h_k') await sender.give({ h_k: H_K });
  return { channel, sender, recipient };
}

/** Status and code of a refusal; checks its form. */
function refusal({ status, headers, body }: Answer): [number, string] {
  expect(headers['content-type']).toMatch(/^application\/json/);
  const code = errorCode(body);
  expect(body, `status ${status} is no refusal`).toEqual({
    error: { code, message: matching(/^[A-Z].{10,}/) },
  });
  return [status, code ?? ''];
}

const post = (path: string, body: unknown, from?: string): Promise<Answer> =>
  client(from).request('POST', path, body);

/** One request by one party. `capability` replaces its channel and uuid. */
function asParty(party: Party, fields: object): Promise<Answer> {
  const { channel, uuid } = party;
  return party.relay.request('POST', '/channel', { channel, uuid, ...fields });
}

describe('POST /join refuses', () => {
  const bad: [string, unknown][] = [
    ['what is not JSON', '{"role":'],
    ['nothing', ''],
    ['a list', '["sender"]'],
    ['what is not UTF-8', Buffer.from('{"role":"sender","z":"\xff"}', 'latin1')],
    ['no role', {}],
    ['an unknown role', { role: 'relay' }],
    ['a name without a digit', { role: 'sender', channel: 'abc' }],
    ['a name in upper case', { role: 'sender', channel: 'A1' }],
    ['a name with a dash', { role: 'sender', channel: '1-2' }],
    ['an empty name', { role: 'sender', channel: '' }],
    ['a name of 33 characters', { role: 'sender', channel: '1'.repeat(33) }],
    ['a name that is a number', { role: 'sender', channel: 417 }],
    ['null for absent', { role: 'sender', channel: null }],
    ['an unknown curve', { role: 'sender', curve: 'p224' }],
    ['null for the curve', { role: 'sender', curve: null }],
    ['a recipient that names no channel', { role: 'recipient' }],
  ];
  test.each(bad)('%s', async (_, body) => {
    expect(refusal(await post('/join', body))).toEqual([400, 'bad_request']);
  });

  test('a recipient for whom nobody sends', async () => {
    const body = { role: 'recipient', channel: 'nobody0' };
    expect(refusal(await post('/join', body))).toEqual([404, 'no_such_channel']);
  });

  test.each(['sender', 'recipient'])('a second %s', async (role) => {
    const { channel } = await channelAt('both');
    const body = { role, channel };
    expect(refusal(await post('/join', body))).toEqual([409, 'role_taken']);
    expect(refusal(await post('/join', body, '127.0.0.2'))).toEqual([409, 'role_taken']);
    expect(refusal(await post('/join', body, THIRD))).toEqual([403, 'channel_full']);
  });

  test('nothing that is right: every name, curve and unknown field', async () => {
    for (const curve of ['p256', 'p384', 'p521', 'siec']) {
      const channel = `desk${randomBytes(4).toString('hex')}0`;
      const { status, body } = await post('/join', { role: 'sender', channel, curve, z: null });
      expect([status, body]).toEqual([
        200,
        {
          channel,
          uuid: matching(/^[!-~]{1,128}$/),
          role: 'sender',
          curve,
          ports: relay.ports,
          lanes: 16,
          expires_in: 600,
        },
      ]);
      const joined = await post('/join', { role: 'recipient', channel, curve: 'p256' });
      expect(joined.body).toMatchObject({ role: 'recipient', curve });
    }
    const { body } = await post('/join', { role: 'sender' });
    expect(body).toMatchObject({ channel: matching(/^[0-9]+$/), curve: 'p256' });
  });
});

describe('POST /channel refuses', () => {
  const x = text(X);
  const y = text(Y);
  const [h_k, hh_k] = [text(H_K), text(HH_K)];
  type Case = [string, Stage, 'sender' | 'recipient', object, number, string];
  const cases: Case[] = [
    ['no uuid', 'both', 'sender', { uuid: undefined }, 400, 'bad_request'],
    ['an empty uuid', 'both', 'sender', { uuid: '' }, 400, 'bad_request'],
    ['a uuid of 129 characters', 'both', 'sender', { uuid: 'u'.repeat(129) }, 400, 'bad_request'],
    ['a uuid with a space', 'both', 'sender', { uuid: 'a b' }, 400, 'bad_request'],
    ['no channel', 'both', 'sender', { channel: undefined }, 400, 'bad_request'],
    ['since below 0', 'both', 'sender', { since: -1 }, 400, 'bad_request'],
    ['since that is no integer', 'both', 'sender', { since: 1.5 }, 400, 'bad_request'],
    ['since in text', 'both', 'sender', { since: '1' }, 400, 'bad_request'],
    ['null for x', 'both', 'sender', { x: null }, 400, 'bad_request'],
    ['close that is no boolean', 'both', 'sender', { close: 'yes' }, 400, 'bad_request'],

    ['x without padding', 'both', 'sender', { x: x.replace(/=+$/, '') }, 400, 'bad_request'],
    ['x with a line break', 'both', 'sender', { x: `${x}\n` }, 400, 'bad_request'],
    ['x in the URL alphabet', 'both', 'sender', { x: `-_${x.slice(2)}` }, 400, 'bad_request'],
    ['x with unused bits', 'both', 'sender', { x: `${'A'.repeat(86)}B=` }, 400, 'bad_request'],
    ['x of 64 bytes', 'both', 'sender', { x: text(X.subarray(1)) }, 400, 'bad_request'],
    ['x of p384', 'both', 'sender', { x: text(randomBytes(97)) }, 400, 'bad_request'],
    ['hh_k of 31 bytes', 'x', 'recipient', { y, hh_k: text(randomBytes(31)) }, 400, 'bad_request'],
    ['y without hh_k', 'x', 'recipient', { y }, 400, 'bad_request'],
    ['hh_k without y', 'x', 'recipient', { hh_k }, 400, 'bad_request'],

    ['a wrong uuid', 'both', 'sender', { uuid: 'wrong' }, 401, 'unauthorized'],
    ['x from the recipient', 'both', 'recipient', { x }, 401, 'unauthorized'],
    ['y from the sender', 'x', 'sender', { y, hh_k }, 401, 'unauthorized'],
    ['h_k from the recipient', 'y', 'recipient', { h_k }, 401, 'unauthorized'],
    ['an unknown channel', 'both', 'sender', { channel: 'nobody0' }, 404, 'no_such_channel'],

    ['y before x', 'both', 'recipient', { y, hh_k }, 409, 'out_of_order'],
    ['h_k before y', 'x', 'sender', { h_k }, 409, 'out_of_order'],
    ['h_k together with x', 'both', 'sender', { x, h_k }, 409, 'out_of_order'],
    ['another x', 'x', 'sender', { x: OTHER }, 409, 'already_set'],
    ['another y', 'y', 'recipient', { y: OTHER, hh_k }, 409, 'already_set'],
    ['another hh_k', 'y', 'recipient', { y, hh_k: text(randomBytes(32)) }, 409, 'already_set'],
    ['another h_k', 'h_k', 'sender', { h_k: text(randomBytes(32)) }, 409, 'already_set'],

    // The order of the checks.
    ['uuid before role', 'both', 'recipient', { uuid: 'wrong', x }, 401, 'unauthorized'],
    ['role before size', 'both', 'recipient', { x: text(H_K) }, 401, 'unauthorized'],
    ['size before order', 'both', 'recipient', { y: text(H_K), hh_k }, 400, 'bad_request'],
    ['pairing before order', 'both', 'recipient', { y }, 400, 'bad_request'],
    ['pairing before set', 'y', 'recipient', { y: OTHER }, 400, 'bad_request'],
  ];
  test.each(cases)('%s', async (_, stage, role, fields, status, code) => {
    const parties = await channelAt(stage);
    const before = await parties[role].give();
    expect(refusal(await asParty(parties[role], fields))).toEqual([status, code]);
    // Nothing of it was taken.
    expect(await parties[role].give()).toEqual(before);
  });

  test('all values when one is wrong', async () => {
    const { sender } = await channelAt('both');
    expect(refusal(await asParty(sender, { x, since: -1 }))[1]).toBe('bad_request');
    expect(await sender.give()).toMatchObject({ x: undefined, version: 1 });
  });

  test.each([
    ['the right uuid', {}],
    ['a wrong uuid', { uuid: 'wrong' }],
    ['a body that is not sound', { uuid: 7 }],
    ['close', { close: true }],
  ])('a third address with %s', async (_, fields) => {
    const { channel, sender } = await channelAt('both');
    const body = { channel, uuid: sender.uuid, ...fields };
    expect(refusal(await post('/channel', body, THIRD))).toEqual([403, 'channel_full']);
    expect(await sender.give()).toMatchObject({ version: 1 });
  });

  test('nobody at a second address because of a wrong uuid or a failed join from a third', async () => {
    const { channel } = await channelAt('joined');
    const wrong = { channel, uuid: 'wrong' };
    expect(refusal(await post('/channel', wrong, THIRD))[1]).toBe('unauthorized');
    expect(refusal(await post('/join', { role: 'sender', channel }, THIRD))[1]).toBe('role_taken');
    const second = await post('/join', { role: 'recipient', channel }, '127.0.0.2');
    expect(second.status).toBe(200);
    expect(refusal(await post('/channel', wrong, THIRD))[1]).toBe('channel_full');
  });

  test('h_k that is not the hash, and ends the channel', async () => {
    const { channel, sender, recipient } = await channelAt('y');
    const held = recipient.give({ since: 3 });
    const told = expect(held).rejects.toMatchObject({ code: 'channel_closed' });
    const wrong = { h_k: text(randomBytes(32)) };
    expect(refusal(await asParty(sender, wrong))).toEqual([403, 'bad_key']);
    await told;
    await expectClosed(channel, sender);
  });

  test('values again only when they differ', async () => {
    const { sender, recipient } = await channelAt('h_k');
    expect(await sender.give({ x: X, h_k: H_K })).toMatchObject({ version: 4 });
    expect(await recipient.give({ y: Y, hh_k: HH_K })).toMatchObject({ version: 4, h_k: H_K });
  });
});

/** Whoever asks whatever about an ended channel gets `channel_closed`. */
async function expectClosed(channel: string, sender: Party): Promise<void> {
  const closed = [410, 'channel_closed'];
  expect(refusal(await asParty(sender, {}))).toEqual(closed);
  expect(refusal(await asParty(sender, { close: true }))).toEqual(closed);
  expect(refusal(await asParty(sender, { uuid: 'wrong' }))).toEqual(closed);
  for (const role of ['sender', 'recipient'])
    expect(refusal(await post('/join', { role, channel }, THIRD))).toEqual(closed);
  const [port = 0] = relay.ports;
  const line = `${JSON.stringify({ channel, uuid: sender.uuid })}\n`;
  const { answer, reader } = await client(THIRD).lineAnswer(port, line);
  expect(errorCode(answer)).toBe('channel_closed');
  expect(await reader.over()).toBe('ended');
}

test('close answers with the last state, and everybody afterwards with channel_closed', async () => {
  const { channel, sender } = await channelAt('x');
  const { status, body } = await asParty(sender, { close: true, x: OTHER, since: 99 });
  expect([status, body]).toEqual([
    200,
    {
      channel,
      role: 'sender',
      curve: 'p256',
      x: text(X),
      stapled: false,
      ports: relay.ports,
      lanes: 16,
      version: 2,
    },
  ]);
  await expectClosed(channel, sender);
});

describe('HTTP itself', () => {
  test.each([
    ['GET', '/join', 'POST'],
    ['PUT', '/channel', 'POST'],
    ['POST', '/healthz', 'GET'],
  ])('%s %s is the wrong method', async (method, path, allow) => {
    const answer = await client().request(method, path);
    expect(refusal(answer)).toEqual([405, 'bad_request']);
    expect(answer.headers.allow).toContain(allow);
  });

  test.each(['/', '/join/', '/channels', '/healthz/x'])('%s is no route', async (path) => {
    expect(refusal(await client().request('POST', path, {}))).toEqual([404, 'bad_request']);
  });

  test('bodies of 16,384 bytes pass, one more does not', async () => {
    const body = (bytes: number): string => {
      const [head, tail] = ['{"role":"sender","z":"', '"}'];
      return `${head}${'z'.repeat(bytes - head.length - tail.length)}${tail}`;
    };
    expect((await post('/join', body(16_384))).status).toBe(200);
    expect(refusal(await post('/join', body(16_385)))).toEqual([413, 'too_large']);
  });

  test('a head over 8 KiB is too large', async () => {
    const headers = { 'x-padding': 'z'.repeat(8192) };
    const big = await client().request('POST', '/join', { role: 'sender' }, headers);
    expect(refusal(big)).toEqual([413, 'too_large']);
  });

  test('healthz tells what it is', async () => {
    const { status, body } = await client().request('GET', '/healthz');
    expect([status, body]).toEqual([200, { ok: true, service: 'croc-relay', version: '1' }]);
  });
});

describe('since', () => {
  test('is answered at once while the version is greater', async () => {
    const { sender } = await channelAt('x');
    expect(await sender.give({ since: 1 })).toMatchObject({ version: 2 });
    expect(await sender.give({ since: 0 })).toMatchObject({ version: 2 });
  });

  test('is held until the other side gives its value', async () => {
    const { sender, recipient } = await channelAt('both');
    const heldX = recipient.give({ since: 1 });
    const heldY = sender.give({ x: X, since: 2 });
    expect(await heldX).toMatchObject({ x: X, version: 2 });
    await recipient.give({ y: Y, hh_k: HH_K });
    expect(await heldY).toMatchObject({ y: Y, hh_k: HH_K, version: 3 });
    const heldKey = recipient.give({ since: 3 });
    await sender.give({ h_k: H_K });
    expect(await heldKey).toMatchObject({ h_k: H_K, version: 4 });
  });

  test('is answered when the channel ends', async () => {
    const { sender, recipient } = await channelAt('x');
    const held = sender.give({ since: 2 });
    const told = expect(held).rejects.toMatchObject({ code: 'channel_closed' });
    await recipient.give({ close: true });
    await told;
  });

  test('of a fifth request answers the oldest', async () => {
    const { sender } = await channelAt('x');
    let answered = 0;
    const first = sender.give({ since: 2 }).then((state) => {
      answered += 1;
      return state;
    });
    const others = [0, 0, 0].map(() => sender.give({ since: 2 }));
    // Each takes a connection of its own, so this one may overtake them; it is not held.
    await sender.give();
    expect(answered).toBe(0);
    const fifth = sender.give({ since: 2 });
    expect(await Promise.race([first, ...others])).toMatchObject({ version: 2 });
    const rest = Promise.allSettled([first, ...others, fifth]);
    await sender.leave();
    const ends = (await rest).map(({ status }) => status);
    expect(ends.filter((status) => status === 'fulfilled')).toHaveLength(1);
  });

  test('is answered with the same state when the time is over', async () => {
    const hasty = await startRelay({ ...LOOPBACK, limits: { holdMs: 300 } });
    onTestFinished(() => hasty.close());
    const { sender } = await channelAt('x', hasty.url);
    const begunMs = performance.now();
    expect(await sender.give({ since: 2 })).toMatchObject({ version: 2 });
    expect(performance.now() - begunMs).toBeGreaterThanOrEqual(290);
  });
});

describe('a lane', () => {
  /** The code that answers this first line on port 0; checks that the relay closes. */
  async function refused(line: string, from?: string): Promise<string | undefined> {
    const [port = 0] = relay.ports;
    const { answer, reader } = await client(from).lineAnswer(port, line);
    expect(await reader.over()).toBe('ended');
    return errorCode(answer);
  }
  const lineOf = (fields: object): string => `${JSON.stringify(fields)}\n`;

  test('before h_k is out of order', async () => {
    const { channel, sender } = await channelAt('y');
    expect(await refused(lineOf({ channel, uuid: sender.uuid }))).toBe('out_of_order');
  });

  test.each([
    ['a wrong uuid', { uuid: 'wrong' }, 'unauthorized'],
    ['an unknown channel', { channel: 'nobody0' }, 'no_such_channel'],
    ['no uuid', { uuid: undefined }, 'bad_request'],
    ['null for a uuid', { uuid: null }, 'bad_request'],
    ['a name that is none', { channel: 'abc' }, 'bad_request'],
  ])('with %s is refused', async (_, fields, code) => {
    const { channel, sender } = await channelAt('h_k');
    expect(await refused(lineOf({ channel, uuid: sender.uuid, ...fields }))).toBe(code);
  });

  test('from a third address is channel_full, whatever it presents', async () => {
    const { channel, sender } = await channelAt('h_k');
    expect(await refused(lineOf({ channel, uuid: sender.uuid }), THIRD)).toBe('channel_full');
    expect(await refused(lineOf({ channel, uuid: 'wrong' }), THIRD)).toBe('channel_full');
  });

  test.each([
    ['no JSON', 'hello\n'],
    ['a list', '[]\n'],
    ['an empty line', '\n'],
  ])('that begins with %s is a bad request', async (_, line) => {
    expect(await refused(line)).toBe('bad_request');
  });

  test('takes a line of 512 bytes with its end, and none longer', async () => {
    const { channel, sender } = await channelAt('h_k');
    const line = (bytes: number): string => {
      const short = JSON.stringify({ channel, uuid: sender.uuid });
      return `${short.slice(0, -1)}${' '.repeat(bytes - short.length - 1)}}\n`;
    };
    expect(await refused(line(513))).toBe('too_large');
    expect(await refused('z'.repeat(512))).toBe('too_large');
    const [port = 0] = relay.ports;
    expect((await client().lineAnswer(port, line(512))).answer).toEqual({ ok: true });
  });

  test('that says nothing in time is a bad request', async () => {
    const hasty = await startRelay({ ...LOOPBACK, limits: { identifyMs: 100 } });
    onTestFinished(() => hasty.close());
    const [port = 0] = hasty.ports;
    const { answer } = await client(undefined, hasty.url).lineAnswer(port, '{"channel"');
    expect(errorCode(answer)).toBe('bad_request');
  });

  test('is one for each party and port: a newer one takes its place', async () => {
    const { channel, sender } = await channelAt('h_k');
    const line = lineOf({ channel, uuid: sender.uuid });
    const [port = 0, other = 0] = relay.ports;
    const first = await sender.relay.openLane(port, channel, sender.uuid);
    const second = await sender.relay.openLane(other, channel, sender.uuid);
    const ended = once(first.socket, 'end');
    first.socket.resume();
    expect((await sender.relay.lineAnswer(port, line)).answer).toEqual({ ok: true });
    await ended;
    expect(second.socket.destroyed).toBe(false);
  });

  test('carries what came early, and each end by itself; stapled stays true', async () => {
    const { sender, recipient } = await channelAt('h_k');
    const open = ({ relay: link, channel, uuid, ports }: Party, rest = '') =>
      Promise.all(ports.map((port) => link.lineAnswer(port, lineOf({ channel, uuid }) + rest)));
    const [mine] = await open(sender, 'early');
    expect(await sender.give()).toMatchObject({ stapled: false, version: 4 });
    const held = sender.give({ since: 4 });
    const [theirs] = await open(recipient);
    expect(await held).toMatchObject({ stapled: true, version: 5 });
    expect((await theirs?.reader.take(5))?.toString()).toBe('early');
    mine?.socket.end();
    expect(await theirs?.reader.over()).toBe('ended');
    theirs?.socket.write('late');
    expect((await mine?.reader.take(4))?.toString()).toBe('late');
    theirs?.socket.end();
    expect(await mine?.reader.over()).toBe('ended');
    expect(await sender.give()).toMatchObject({ stapled: true, version: 5 });
  });

  test('dies with its peer, and with the channel', async () => {
    const { channel, sender, recipient } = await channelAt('h_k');
    const [port = 0, other = 0] = relay.ports;
    const [mine, theirs, last] = [
      await sender.relay.openLane(port, channel, sender.uuid),
      await recipient.relay.openLane(port, channel, recipient.uuid),
      await sender.relay.openLane(other, channel, sender.uuid),
    ];
    mine.socket.resetAndDestroy();
    // A FIN or a reset: either may come from a connection that is destroyed.
    expect(await theirs.reader.over()).toMatch(/^(ended|broken)$/);
    await recipient.give({ close: true });
    expect(await last.reader.over()).toMatch(/^(ended|broken)$/);
  });
});
