import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  rehome,
  closed,
  enterLane,
  identify,
  joinAsRecipient,
  joinAsSender,
  knock,
  markStapled,
  post,
  TOMBSTONE_MS,
  view,
} from '../../src/core/relay/channel.js';
import type { Channel, Home, OpenChannel, Seen, Step } from '../../src/core/relay/channel.js';
import type { CurveName } from '../../src/core/types.js';
import type { ChannelRequest } from '../../src/core/wire/http.js';

const A = { address: '10.0.0.1', nowMs: 1000 };
const B = { address: '10.0.0.2', nowMs: 2000 };
const C = { address: '10.0.0.3', nowMs: 3000 };
const home = { ports: [1, 2] };
const elsewhere = { host: 'other.example', ports: [1, 2] };
const b64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const X = b64(Buffer.alloc(65, 1));
const Y = b64(Buffer.alloc(65, 2));
const H_K = b64(Buffer.alloc(32, 3));
const HH_K = b64(createHash('sha256').update(Buffer.alloc(32, 3)).digest());
const OTHER_POINT = b64(Buffer.alloc(65, 9));
const OTHER_HASH = b64(Buffer.alloc(32, 9));

const codeOf = (step: Step<unknown>): string => (step.outcome.ok ? 'ok' : step.outcome.code);

function after<T>(step: Step<T>): OpenChannel {
  if (step.next?.status !== 'open') throw new Error(`not open: ${codeOf(step)}`);
  return step.next;
}

function opened(curve: CurveName = 'p256'): OpenChannel {
  return after(joinAsSender(undefined, { name: '417', uuid: 's', curve, home }, A));
}

function joined(curve: CurveName = 'p256'): OpenChannel {
  return after(joinAsRecipient(opened(curve), 'r', B));
}

type Fields = Partial<Omit<ChannelRequest, 'channel' | 'uuid'>>;

function send(
  channel: Channel | undefined,
  uuid: 's' | 'r' | 'nobody',
  fields: Fields,
): Step<Seen> {
  return post(channel, { channel: '417', uuid, ...fields }, uuid === 'r' ? B : A);
}

/** The channel after these posts, each of which must be taken. */
function through(...posts: (readonly ['s' | 'r', Fields])[]): OpenChannel {
  return posts.reduce((channel, [who, fields]) => {
    const step = send(channel, who, fields);
    expect(codeOf(step)).toBe('ok');
    return after(step);
  }, joined());
}

const withX = (): OpenChannel => through(['s', { x: X }]);
const withY = (): OpenChannel => through(['s', { x: X }], ['r', { y: Y, hh_k: HH_K }]);
const withKey = (): OpenChannel =>
  through(['s', { x: X }], ['r', { y: Y, hh_k: HH_K }], ['s', { h_k: H_K }]);

describe('joining', () => {
  it('lets one sender and one recipient in', () => {
    expect(codeOf(joinAsRecipient(undefined, 'r', B))).toBe('no_such_channel');
    expect(codeOf(joinAsSender(opened(), { name: '417', uuid: 't', curve: 'p256', home }, B))).toBe(
      'role_taken',
    );
    expect(codeOf(joinAsRecipient(joined(), 't', B))).toBe('role_taken');
  });

  it('answers the same join again like the first time, and changes nothing', () => {
    const join = { name: '417', uuid: 's', curve: 'p256', home } as const;
    expect(after(joinAsSender(opened(), join, A))).toEqual(opened());
    expect(after(joinAsRecipient(joined(), 'r', B))).toEqual(joined());
    // The other role's capability is none of this one.
    expect(codeOf(joinAsSender(joined(), { ...join, uuid: 'r' }, B))).toBe('role_taken');
    expect(codeOf(joinAsRecipient(joined(), 's', B))).toBe('role_taken');
    expect(codeOf(joinAsRecipient(joined(), 'r', C))).toBe('channel_full');
  });

  it('gives the same channel to sender and recipient when they share an address', () => {
    const channel = after(joinAsRecipient(opened(), 'r', A));
    expect(channel.addresses).toEqual([A.address]);
  });

  it('keeps no capability in clear', () => {
    const secret = 'a-capability-nobody-guesses';
    const channel = after(
      joinAsRecipient(
        after(joinAsSender(undefined, { name: '417', uuid: secret, curve: 'p256', home }, A)),
        `${secret}-2`,
        B,
      ),
    );
    expect(JSON.stringify(channel)).not.toContain(secret);
  });
});

describe('two addresses', () => {
  const steps: [string, (channel: Channel) => Step<unknown>][] = [
    [
      'a sender joining',
      (c) => joinAsSender(c, { name: '417', uuid: 't', curve: 'p256', home }, C),
    ],
    ['a recipient joining', (c) => joinAsRecipient(c, 't', C)],
    ['the right capability', (c) => post(c, { channel: '417', uuid: 's' }, C)],
    ['a wrong capability', (c) => post(c, { channel: '417', uuid: 'nobody' }, C)],
    ['a wrong value', (c) => post(c, { channel: '417', uuid: 's', y: Y }, C)],
    ['closing', (c) => post(c, { channel: '417', uuid: 's', close: true }, C)],
    ['a lane', (c) => enterLane(c, { uuid: 's', home }, C)],
    ['a knock', (c) => knock(c, C)],
  ];
  it.each(steps)('%s from a third is channel_full and changes nothing', (_, step) => {
    const result = step(joined());
    expect(codeOf(result)).toBe('channel_full');
    expect(result.next).toBeUndefined();
  });

  it('are not used up by who fails', () => {
    const channel = opened();
    for (const step of [
      post(channel, { channel: '417', uuid: 'nobody' }, C),
      joinAsSender(channel, { name: '417', uuid: 't', curve: 'p256', home }, C),
      enterLane(channel, { uuid: 'nobody', home }, C),
      knock(channel, C),
    ])
      expect(step.next).toBeUndefined();
  });

  it('are used up by a capability that is right, even when the request is refused', () => {
    const first = post(opened(), { channel: '417', uuid: 's', h_k: H_K }, C);
    expect(codeOf(first)).toBe('out_of_order');
    expect(codeOf(joinAsRecipient(after(first), 'r', B))).toBe('channel_full');
    const second = enterLane(opened(), { uuid: 's', home }, C);
    expect(codeOf(second)).toBe('out_of_order');
    expect(after(second).addresses).toEqual([A.address, C.address]);
  });
});

describe('values', () => {
  it('come in order, each raising the version by one', () => {
    const versions = [joined(), withX(), withY(), withKey()].map(({ version }) => version);
    expect(versions).toEqual([1, 2, 3, 4]);
    expect(after(markStapled(withKey()))).toMatchObject({ stapled: true, version: 5 });
    expect(markStapled(after(markStapled(withKey()))).next).toBeUndefined();
  });

  const refused: [string, () => Channel, 's' | 'r' | 'nobody', Fields, string][] = [
    ['a wrong capability', joined, 'nobody', { x: X }, 'unauthorized'],
    ['y from the sender', withX, 's', { y: Y, hh_k: HH_K }, 'unauthorized'],
    ['hh_k alone from the sender', withX, 's', { hh_k: HH_K }, 'unauthorized'],
    ['x from the recipient', joined, 'r', { x: X }, 'unauthorized'],
    ['h_k from the recipient', withY, 'r', { h_k: H_K }, 'unauthorized'],
    ['x beside y from the recipient', withX, 'r', { x: X, y: Y, hh_k: HH_K }, 'unauthorized'],
    ['y without hh_k', withX, 'r', { y: Y }, 'bad_request'],
    ['hh_k without y', withX, 'r', { hh_k: HH_K }, 'bad_request'],
    ['a short x', joined, 's', { x: b64(Buffer.alloc(64)) }, 'bad_request'],
    ['a long y', withX, 'r', { y: b64(Buffer.alloc(97)), hh_k: HH_K }, 'bad_request'],
    ['y before x', joined, 'r', { y: Y, hh_k: HH_K }, 'out_of_order'],
    ['h_k before hh_k', withX, 's', { h_k: H_K }, 'out_of_order'],
    ['x and h_k at once', joined, 's', { x: X, h_k: H_K }, 'out_of_order'],
    ['another x', withX, 's', { x: OTHER_POINT }, 'already_set'],
    ['another y', withY, 'r', { y: OTHER_POINT, hh_k: HH_K }, 'already_set'],
    ['another hh_k', withY, 'r', { y: Y, hh_k: OTHER_HASH }, 'already_set'],
    ['another h_k', withKey, 's', { h_k: OTHER_HASH }, 'already_set'],
  ];
  it.each(refused)('%s is refused and sets nothing', (_, channel, who, fields, code) => {
    const before = channel();
    const step = send(before, who, fields);
    expect(codeOf(step)).toBe(code);
    expect({ ...before, ...(step.next ?? {}), activeAtMs: 0 }).toEqual({
      ...before,
      activeAtMs: 0,
    });
  });

  it('may be repeated byte for byte, which changes nothing', () => {
    for (const [who, fields] of [
      ['s', { x: X }],
      ['r', { y: Y, hh_k: HH_K }],
      ['s', { h_k: H_K }],
      ['s', { x: X, h_k: H_K }],
    ] as const) {
      const step = send(withKey(), who, fields);
      expect(codeOf(step)).toBe('ok');
      expect(after(step).version).toBe(4);
    }
  });

  it.each([
    ['p256', 65],
    ['p384', 97],
    ['p521', 133],
    ['siec', 65],
  ] as const)('of curve %s have %d bytes', (curve, length) => {
    const x = (bytes: number): string =>
      codeOf(send(joined(curve), 's', { x: b64(Buffer.alloc(bytes)) }));
    expect([x(length - 1), x(length), x(length + 1)]).toEqual(['bad_request', 'ok', 'bad_request']);
  });

  it('h_k that does not hash to hh_k is bad_key and closes the channel', () => {
    const step = send(withY(), 's', { h_k: OTHER_HASH });
    expect(codeOf(step)).toBe('bad_key');
    expect(step.next?.status).toBe('closed');
  });
});

describe('lanes', () => {
  it('are let in only once h_k is set', () => {
    expect(codeOf(enterLane(withY(), { uuid: 's', home }, A))).toBe('out_of_order');
    expect(codeOf(enterLane(withKey(), { uuid: 'nobody', home }, A))).toBe('unauthorized');
    expect(codeOf(enterLane(withKey(), { uuid: 's', home }, A))).toBe('ok');
    expect(codeOf(enterLane(withKey(), { uuid: 'r', home }, B))).toBe('ok');
    expect(codeOf(enterLane(withKey(), { uuid: 's', home: elsewhere }, A))).toBe('misdirected');
    expect(codeOf(enterLane(withY(), { uuid: 's', home: elsewhere }, A))).toBe('out_of_order');
  });
});

describe('the end', () => {
  it.each([
    ['opened', opened, 's'],
    ['joined', joined, 'r'],
    ['with x', withX, 'r'],
    ['with y', withY, 's'],
    ['with key', withKey, 's'],
  ] as const)('comes with close in a channel %s', (_, channel, who) => {
    const step = send(channel(), who, { close: true });
    expect(codeOf(step)).toBe('ok');
    expect(step.next).toEqual({
      status: 'closed',
      channel: '417',
      closedAtMs: who === 's' ? 1000 : 2000,
    });
  });

  it('is channel_closed to everybody for a minute, then no_such_channel, and the name is free', () => {
    const end = closed('417', 0);
    const all = (nowMs: number): string[] =>
      [
        identify(end, 's', { address: 'x', nowMs }),
        joinAsRecipient(end, 'r', { address: 'y', nowMs }),
        enterLane(end, { uuid: 's', home }, { address: 'z', nowMs }),
        joinAsSender(end, { name: '417', uuid: 't', curve: 'p256', home }, { address: 'x', nowMs }),
      ].map(codeOf);
    expect(new Set(all(TOMBSTONE_MS - 1))).toEqual(new Set(['channel_closed']));
    expect(all(TOMBSTONE_MS)).toEqual([
      'no_such_channel',
      'no_such_channel',
      'no_such_channel',
      'ok',
    ]);
  });
});

describe('a view', () => {
  it('shows what is there, absent what is not, and nothing of the other party', () => {
    const ports = [1, 2];
    expect(view({ role: 'recipient', channel: joined() })).toEqual({
      channel: '417',
      role: 'recipient',
      curve: 'p256',
      stapled: false,
      ports,
      version: 1,
    });
    const all = view({ role: 'sender', channel: withKey() });
    expect(all).toEqual({
      channel: '417',
      role: 'sender',
      curve: 'p256',
      x: X,
      y: Y,
      hh_k: HH_K,
      h_k: H_K,
      stapled: false,
      ports,
      version: 4,
    });
  });
});

describe('any sequence of requests', () => {
  const fields = fc.record(
    {
      x: fc.constantFrom(X, OTHER_POINT),
      y: fc.constantFrom(Y, OTHER_POINT),
      hh_k: fc.constantFrom(HH_K, OTHER_HASH),
      h_k: fc.constantFrom(H_K, OTHER_HASH),
    },
    { requiredKeys: [] },
  );
  const asker = fc.constantFrom(A, B, C);
  const who = fc.constantFrom('s' as const, 'r' as const, 'nobody' as const);

  it('never replaces a value, shrinks the version, or lets a third address in', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(who, fields, asker), { maxLength: 20 }), (requests) => {
        let channel: Channel = opened();
        for (const [uuid, values, from] of requests) {
          const before: OpenChannel = channel;
          const { next } = post(channel, { channel: '417', uuid, ...values }, from);
          if (next === undefined) continue;
          if (next.status === 'closed') return;
          channel = next;
          for (const name of ['x', 'y', 'hh_k', 'h_k'] as const)
            if (before[name] !== undefined) expect(channel[name]).toBe(before[name]);
          expect(channel.version).toBeGreaterThanOrEqual(before.version);
          expect(channel.addresses.slice(0, before.addresses.length)).toEqual(before.addresses);
          expect(channel.addresses.length).toBeLessThanOrEqual(2);
          expect(channel.h_k === undefined || channel.h_k === H_K).toBe(true);
        }
      }),
    );
  });
});

describe('a channel whose process is gone', () => {
  it('gets another home, once, and both parties can see it', () => {
    const before = withKey();
    const moved = rehome(before, home, elsewhere).next;
    expect(moved).toEqual({ ...before, home: elsewhere, lanes: 2, version: before.version + 1 });
    expect(rehome(moved, home, { ports: [9] }).next).toBeUndefined();
    expect(rehome(closed('417', 1), home, elsewhere).next).toBeUndefined();
    expect(rehome(undefined, home, elsewhere).next).toBeUndefined();
    expect(codeOf(enterLane(moved, { uuid: 's', home }, A))).toBe('misdirected');
    expect(codeOf(enterLane(moved, { uuid: 's', home: elsewhere }, A))).toBe('ok');
  });

  it('keeps its number of lanes where there are more ports, and the lower one for good where there are fewer', () => {
    const portsAfter = (...homes: Home[]): readonly number[] => {
      const last = homes.reduce(
        (channel, to) => after(rehome(channel, channel.home, to)),
        withKey(),
      );
      return view({ role: 'sender', channel: last }).ports;
    };
    expect(portsAfter({ ports: [3, 4, 5] })).toEqual([3, 4]);
    expect(portsAfter({ ports: [3] })).toEqual([3]);
    expect(portsAfter({ ports: [3] }, { ports: [4, 5] })).toEqual([4]);
    expect(portsAfter({ ports: [3, 4, 5] }, { ports: [6, 7] })).toEqual([6, 7]);
  });

  it('is shown with the host of its lanes', () => {
    const moved = rehome(withKey(), home, elsewhere).next;
    if (moved?.status !== 'open') throw new Error('not open');
    expect(view({ role: 'sender', channel: moved })).toMatchObject({
      host: 'other.example',
      ports: [1, 2],
      version: 5,
    });
  });
});
