import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Relay } from '../../src/core/api.js';
import {
  base64,
  call,
  codeOf,
  FakeClock,
  firstLine,
  join,
  keys,
  openLane,
  pair,
  point,
  post,
  refusal,
  start,
  verifiedPair,
} from './relay-client.js';

let relay: Relay;
beforeAll(async () => {
  relay = await start({ limits: { joinsPerMinute: 100_000 } });
});
afterAll(() => relay.close());

/** Sends raw bytes to the HTTP port and gives everything that comes back until it closes. */
async function raw(bytes: string | Uint8Array, to = relay): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: to.port });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.end(bytes);
  await closed;
  return Buffer.concat(chunks).toString();
}

describe('POST /join', () => {
  it('gives a sender a free channel with the default curve', async () => {
    const { status, headers, body } = await call(relay, '/join', { role: 'sender' });
    expect(status).toBe(200);
    expect(headers['content-type']).toMatch('application/json');
    expect(Object.keys(body).sort()).toEqual([
      'channel',
      'curve',
      'expires_in',
      'lanes',
      'ports',
      'role',
      'uuid',
    ]);
    expect(body).toMatchObject({
      role: 'sender',
      curve: 'p256',
      ports: relay.ports,
      expires_in: 600,
      channel: expect.stringMatching(/^[1-9][0-9]{1,5}$/) as unknown,
      uuid: expect.stringMatching(/^[\w-]{32}$/) as unknown,
    });
  });

  it('gives a sender the channel it asks for, and a recipient the curve of the sender', async () => {
    const asked = { role: 'sender', channel: 'team42', curve: 'p521', unknown: { x: 1 } };
    expect((await call(relay, '/join', asked)).body).toMatchObject({ channel: 'team42' });
    const { body } = await call(relay, '/join', { role: 'recipient', channel: 'team42' });
    expect(body).toMatchObject({ role: 'recipient', curve: 'p521', channel: 'team42' });
  });

  it('never shows one party the capability of the other', async () => {
    const { sender, recipient } = await verifiedPair(relay);
    expect(sender.uuid).not.toBe(recipient.uuid);
    const seen = [await post(relay, sender), await post(relay, recipient)];
    expect(JSON.stringify(seen[0])).not.toContain(recipient.uuid);
    expect(JSON.stringify(seen[1])).not.toContain(sender.uuid);
    expect(JSON.stringify(seen)).not.toContain('uuid');
  });

  it('refuses a role that is taken, and a channel that nobody opened', async () => {
    const { sender } = await pair(relay);
    const { channel } = sender;
    expect(refusal(await call(relay, '/join', { role: 'sender', channel }))).toBe('409 role_taken');
    expect(refusal(await call(relay, '/join', { role: 'recipient', channel }))).toBe(
      '409 role_taken',
    );
    expect(refusal(await call(relay, '/join', { role: 'recipient', channel: 'no1' }))).toBe(
      '404 no_such_channel',
    );
  });

  it.each([
    ['no role', {}],
    ['a recipient without a channel', { role: 'recipient' }],
    ['an unknown curve', { role: 'sender', curve: 'p224' }],
    ['a name without a digit', { role: 'sender', channel: 'team' }],
    ['no object', 'null'],
    ['bad JSON', '{"role":'],
    ['nothing', ''],
    ['invalid UTF-8', Buffer.from('7b22726f6c65223a2273656e646572ff227d', 'hex')],
  ])('refuses %s', async (_, body) => {
    const answer = await call(relay, '/join', body);
    expect(refusal(answer)).toBe('400 bad_request');
    expect(answer.body).toEqual({
      error: { code: 'bad_request', message: expect.stringMatching(/^[A-Z].*\.$/) as unknown },
    });
  });
});

describe('POST /channel', () => {
  it('passes values on as they come and shows every state', async () => {
    const { sender, recipient } = await pair(relay);
    const [x, y] = [point(), point()];
    const { h_k, hh_k } = keys();
    const { ports } = relay;
    const base = { channel: sender.channel, curve: 'p256', stapled: false, ports, lanes: 16 };
    expect((await post(relay, recipient)).body).toEqual({ ...base, role: 'recipient', version: 1 });
    expect((await post(relay, sender, { x })).body).toEqual({
      ...base,
      role: 'sender',
      x,
      version: 2,
    });
    const given = { y, hh_k };
    expect((await post(relay, recipient, given)).body).toMatchObject({ x, y, hh_k, version: 3 });
    expect((await post(relay, sender, { h_k })).body).toMatchObject({ h_k, version: 4 });
    // a retry after a lost answer
    expect((await post(relay, sender, { h_k })).body).toMatchObject({ h_k, version: 4 });
    expect((await post(relay, recipient)).body).toEqual({
      ...base,
      ...{ role: 'recipient', x, y, h_k, hh_k, version: 4 },
    });
  });

  it('refuses what is out of order, set, of the other role, or of the wrong size', async () => {
    const { sender, recipient } = await pair(relay);
    const { h_k, hh_k } = keys();
    const y = point();
    const sent = async (party: typeof sender, fields: object): Promise<string> =>
      refusal(await post(relay, party, { ...fields }));
    expect(await sent(recipient, { y, hh_k })).toBe('409 out_of_order');
    expect(await sent(recipient, { x: point() })).toBe('401 unauthorized');
    expect(await sent(sender, { x: point(64) })).toBe('400 bad_request');
    expect(await sent(sender, { x: 'AR==' })).toBe('400 bad_request');
    await post(relay, sender, { x: point() });
    expect(await sent(sender, { x: point() })).toBe('409 already_set');
    expect(await sent(sender, { h_k })).toBe('409 out_of_order');
    expect(await sent(sender, { y, hh_k })).toBe('401 unauthorized');
    expect(await sent(recipient, { y })).toBe('400 bad_request');
    expect(await sent(recipient, { hh_k })).toBe('400 bad_request');
    await post(relay, recipient, { y, hh_k });
    expect(await sent(recipient, { y: point(), hh_k })).toBe('409 already_set');
    expect(await sent(recipient, { h_k })).toBe('401 unauthorized');
    expect(await sent(sender, { h_k: base64(randomBytes(31)) })).toBe('400 bad_request');
  });

  it('says unauthorized to a wrong pair and nothing more', async () => {
    const { sender, recipient } = await pair(relay);
    const other = await join(relay, { role: 'sender' });
    for (const uuid of [other.uuid, 'x', `${sender.uuid}x`, recipient.uuid.toLowerCase()]) {
      const answer = await post(relay, { ...sender, uuid }, { x: point() });
      expect(refusal(answer)).toBe('401 unauthorized');
      expect(JSON.stringify(answer.body)).not.toContain(sender.channel);
    }
    const lost = { ...sender, channel: 'nobody7' };
    expect(refusal(await post(relay, lost))).toBe('404 no_such_channel');
  });

  it('closes the channel on a key that does not match, for both', async () => {
    const { sender, recipient } = await pair(relay);
    await post(relay, sender, { x: point() });
    await post(relay, recipient, { y: point(), hh_k: keys().hh_k });
    const waiting = post(relay, recipient, { since: 3 });
    expect(refusal(await post(relay, sender, { h_k: keys().h_k }))).toBe('403 bad_key');
    expect(refusal(await waiting)).toBe('410 channel_closed');
    expect(refusal(await post(relay, sender))).toBe('410 channel_closed');
  });

  it('closes at any time by either, for good', async () => {
    for (const closer of ['sender', 'recipient'] as const) {
      const both = await pair(relay);
      expect((await post(relay, both[closer], { close: true })).status).toBe(200);
      const { channel } = both.sender;
      const after = [
        await post(relay, both.sender),
        await post(relay, both.recipient, { x: point() }),
        await post(relay, both.recipient, { close: true }),
        await call(relay, '/join', { role: 'recipient', channel }),
        await call(relay, '/join', { role: 'sender', channel }, { from: '127.0.0.9' }),
      ];
      expect(new Set(after.map(refusal))).toEqual(new Set(['410 channel_closed']));
      const lane = await openLane(relay, 0, firstLine(both.sender));
      expect(codeOf(await lane.answer())).toBe('channel_closed');
      await lane.ended;
    }
  });
});

describe('a held request', () => {
  it('is answered at once when the state is newer already', async () => {
    const { sender } = await pair(relay);
    expect((await post(relay, sender, { x: point(), since: 1 })).body).toMatchObject({
      version: 2,
    });
  });

  it('is answered when the state becomes newer, to everybody who waits', async () => {
    const { sender, recipient } = await pair(relay);
    const x = point();
    const waiting = [post(relay, recipient, { since: 1 }), post(relay, recipient, { since: 1 })];
    const later = post(relay, recipient, { since: 2 });
    await post(relay, sender, { x });
    for (const answer of await Promise.all(waiting))
      expect(answer.body).toMatchObject({ x, version: 2 });
    await post(relay, sender, { close: true });
    expect(refusal(await later)).toBe('410 channel_closed');
  });

  it('sets a value and waits for the next one in one round trip', async () => {
    const { sender, recipient } = await pair(relay);
    const first = post(relay, sender, { x: point(), since: 2 });
    const { hh_k } = keys();
    const y = point();
    expect((await post(relay, recipient, { since: 1 })).body).toMatchObject({ version: 2 });
    await post(relay, recipient, { y, hh_k });
    expect((await first).body).toMatchObject({ y, hh_k, version: 3 });
  });

  it('is answered with what there is after 25 seconds', async () => {
    const clock = new FakeClock();
    const slow = await start({ clock });
    try {
      const { sender } = await pair(slow);
      const before = clock.pending;
      let answered = false;
      const waiting = post(slow, sender, { since: 1 }).finally(() => (answered = true));
      await until(() => clock.pending > before);
      await clock.advance(24_999);
      expect(answered).toBe(false);
      await clock.advance(1);
      expect((await waiting).body).toMatchObject({ version: 1 });
      expect(clock.pending).toBe(before);
    } finally {
      await slow.close();
    }
  });

  it('is forgotten when its client goes away', async () => {
    const clock = new FakeClock();
    const slow = await start({ clock });
    try {
      const { sender } = await pair(slow);
      const before = clock.pending;
      const gone = new AbortController();
      const waiting = post(slow, sender, { since: 1 }, { signal: gone.signal });
      await until(() => clock.pending > before);
      gone.abort();
      await expect(waiting).rejects.toThrow();
      await until(() => clock.pending === before);
    } finally {
      await slow.close();
    }
  });

  it('gives way to a fifth one of the same party', async () => {
    const { sender, recipient } = await pair(relay);
    let first = '';
    const oldest = post(relay, sender, { since: 1 }).then(() => (first ||= 'oldest'));
    // each is known to be held when the next one is sent, because the relay has answered since
    await post(relay, recipient);
    const others = [];
    for (let i = 0; i < 4; i += 1) {
      others.push(post(relay, sender, { since: 1 }).then(() => (first ||= 'another')));
      await post(relay, recipient);
    }
    await oldest;
    expect(first).toBe('oldest');
    await post(relay, recipient, { close: true });
    await Promise.all(others);
  });
});

describe('a third address', () => {
  it('is refused on every route, whatever it presents', async () => {
    const { sender, recipient } = await verifiedPair(relay);
    const from = '127.0.0.3';
    const { channel, uuid } = sender;
    const bodies: [string, unknown][] = [
      ['/join', { role: 'sender', channel }],
      ['/join', { role: 'recipient', channel }],
      ['/join', { role: 'nonsense', channel }],
      ['/channel', { channel, uuid }],
      ['/channel', { channel, uuid, close: true }],
      ['/channel', { channel, uuid: recipient.uuid, since: 99 }],
      ['/channel', { channel, uuid: 'wrong' }],
      ['/channel', { channel, uuid, x: 'not base64' }],
      ['/channel', { channel }],
    ];
    for (const [path, body] of bodies)
      expect(refusal(await call(relay, path, body, { from }))).toBe('403 channel_full');
    for (const line of [
      firstLine(sender),
      `{"channel":"${channel}","uuid":"x"}\n`,
      `{"channel":"${channel}"}\n`,
    ]) {
      const lane = await openLane(relay, 0, line, from);
      expect(codeOf(await lane.answer())).toBe('channel_full');
      await lane.ended;
    }
    expect((await post(relay, sender)).status).toBe(200);
    expect((await post(relay, recipient)).status).toBe(200);
  });

  it('counts from when the second came in with something valid', async () => {
    const sender = await join(relay, { role: 'sender' });
    const { channel } = sender;
    // These fail, so they take no place.
    await call(relay, '/channel', { channel, uuid: 'wrong' }, { from: '127.0.0.4' });
    await call(relay, '/join', { role: 'sender', channel }, { from: '127.0.0.5' });
    const lane = await openLane(relay, 0, `{"channel":"${channel}","uuid":"x"}\n`, '127.0.0.6');
    expect(codeOf(await lane.answer())).toBe('unauthorized');
    await join(relay, { role: 'recipient', channel }, '127.0.0.2');
    const third = await call(
      relay,
      '/channel',
      { channel, uuid: sender.uuid },
      { from: '127.0.0.7' },
    );
    expect(refusal(third)).toBe('403 channel_full');
  });

  it('is what a sender becomes that moved twice', async () => {
    const sender = await join(relay, { role: 'sender' });
    expect((await post(relay, { ...sender, from: '127.0.0.2' })).status).toBe(200);
    expect(refusal(await post(relay, { ...sender, from: '127.0.0.3' }))).toBe('403 channel_full');
    expect((await post(relay, sender)).status).toBe(200);
  });

  it('is who a listed proxy says, and nobody else is believed', async () => {
    const proxied = await start({ trustedProxies: ['127.0.0.1'] });
    try {
      const as = (ip: string, from = '127.0.0.1'): object => ({
        from,
        headers: { 'x-forwarded-for': ip },
      });
      const { body } = await call(proxied, '/join', { role: 'sender' }, as('10.0.0.1'));
      const { channel, uuid } = body;
      const joining = { role: 'recipient', channel };
      expect((await call(proxied, '/join', joining, as('10.0.0.2'))).status).toBe(200);
      const state = { channel, uuid };
      expect((await call(proxied, '/channel', state, as('10.0.0.1'))).status).toBe(200);
      expect(refusal(await call(proxied, '/channel', state, as('10.0.0.3')))).toBe(
        '403 channel_full',
      );
      expect(refusal(await call(proxied, '/channel', state, as('10.0.0.1', '127.0.0.8')))).toBe(
        '403 channel_full',
      );
    } finally {
      await proxied.close();
    }
  });
});

describe('what is not a sound request', () => {
  it('larger than 16 KiB is too_large, announced or not', async () => {
    const exact = JSON.stringify({ role: 'sender', pad: '' });
    const padded = (bytes: number): string =>
      JSON.stringify({ role: 'sender', pad: 'a'.repeat(bytes - exact.length) });
    expect((await call(relay, '/join', padded(16_384))).status).toBe(200);
    expect(refusal(await call(relay, '/join', padded(16_385)))).toBe('413 too_large');
    const chunked = { headers: { 'transfer-encoding': 'chunked' } };
    expect((await call(relay, '/join', padded(16_384), chunked)).status).toBe(200);
    expect(refusal(await call(relay, '/join', padded(16_385), chunked))).toBe('413 too_large');
  });

  it('gets JSON on unknown routes and wrong methods', async () => {
    expect(refusal(await call(relay, '/other', {}))).toBe('404 bad_request');
    expect(refusal(await call(relay, '/join/', {}))).toBe('404 bad_request');
    expect(refusal(await call(relay, '/', '', { method: 'GET' }))).toBe('404 bad_request');
    const got = await call(relay, '/join', '', { method: 'GET' });
    expect(refusal(got)).toBe('405 bad_request');
    expect(got.headers['allow']).toBe('POST');
    expect(refusal(await call(relay, '/channel', {}, { method: 'PUT' }))).toBe('405 bad_request');
    expect(refusal(await call(relay, '/healthz', {}))).toBe('405 bad_request');
  });

  it('answers GET /healthz', async () => {
    const { status, body } = await call(relay, '/healthz', '', { method: 'GET' });
    expect(status).toBe(200);
    expect(body).toEqual({ ok: true, service: 'croc-relay', version: '1' });
  });

  it('gets 400 and JSON for bytes that are not HTTP', async () => {
    const answer = await raw('\x16\x03\x01 this is TLS, say\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"bad_request"');
    expect(
      await raw(
        'POST /join HTTP/1.1\r\nHost: [\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
      ),
    ).toContain('"code":"bad_request"');
    const head = `GET /healthz HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(9000)}\r\n\r\n`;
    const long = await raw(head);
    expect(long).toMatch(/^HTTP\/1\.1 413 /);
    expect(long).toContain('"code":"too_large"');
  });

  it('survives random bytes, and goes on serving', async () => {
    const start = fc.constantFrom(
      '',
      'POST /join HTTP/1.1\r\nHost: a\r\n',
      'POST /channel HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    await fc.assert(
      fc.asyncProperty(start, fc.uint8Array({ maxLength: 2000 }), async (head, bytes) => {
        const answer = await raw(Buffer.concat([Buffer.from(head), bytes]));
        expect(answer === '' || /^HTTP\/1\.1 4\d\d /.test(answer)).toBe(true);
      }),
      { numRuns: 100 },
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('/join', '/channel'), fc.json(), async (path, body) => {
        expect(refusal(await call(relay, path, body))).toBe('400 bad_request');
      }),
      { numRuns: 100 },
    );
    expect((await call(relay, '/join', { role: 'sender' })).status).toBe(200);
  });

  it('that never comes to its end is cut off, head or body', async () => {
    const hasty = await start({ limits: { headMs: 200, requestMs: 400 } });
    try {
      for (const begun of [
        'POST /join HTTP/1.1\r\nHost: a\r\n',
        'POST /join HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{',
      ]) {
        const socket = connect({ host: '127.0.0.1', port: hasty.port });
        const chunks: Buffer[] = [];
        socket.on('data', (chunk: Buffer) => chunks.push(chunk));
        socket.write(begun);
        await once(socket, 'close');
        expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 408 /);
      }
    } finally {
      await hasty.close();
    }
  });
});

/** Waits, a turn of the event loop at a time, until something is so. */
async function until(so: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!so()) {
    if (Date.now() > deadline) throw new Error('it never came to be so');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
