import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import {
  channelAnswerSchema,
  channelRequestSchema,
  decodeBase64,
  encodeBase64,
  errorAnswerSchema,
  joinAnswerSchema,
  joinRequestSchema,
  laneAnswerSchema,
  laneLineSchema,
} from '../../src/core/wire/http.js';

const accepts = (schema: v.GenericSchema, value: unknown): boolean =>
  v.safeParse(schema, value).success;
const HASH = Buffer.alloc(32, 1).toString('base64');

describe('the spelling on the wire', () => {
  it('of a join', () => {
    expect(accepts(joinRequestSchema, { role: 'sender' })).toBe(true);
    expect(accepts(joinRequestSchema, { role: 'sender', channel: '417', curve: 'siec' })).toBe(
      true,
    );
    expect(accepts(joinRequestSchema, { role: 'recipient', channel: 'team7' })).toBe(true);
    const answer = {
      channel: '417',
      uuid: 'abc',
      role: 'sender',
      curve: 'p256',
      ports: [27001],
      expires_in: 600,
    };
    expect(v.parse(joinAnswerSchema, { ...answer, later: 1 })).toEqual(answer);
    for (const field of Object.keys(answer))
      expect(accepts(joinAnswerSchema, { ...answer, [field]: undefined })).toBe(false);
  });

  it.each([
    [{}],
    [{ role: 'Sender' }],
    [{ role: 'recipient' }],
    [{ role: 'sender', curve: 'p224' }],
    [{ role: 'sender', channel: 'abc' }],
    [{ role: 'sender', channel: '' }],
    [{ role: 'sender', channel: '4'.repeat(33) }],
    [{ role: 'sender', channel: 'Team7' }],
    [{ role: 'sender', channel: '4-1' }],
    [{ role: 'sender', channel: '417\n' }],
    [{ role: 'sender', channel: 417 }],
    [{ role: 'sender', channel: null }],
    [[]],
    [null],
  ])('of a join is not %j', (value) => {
    expect(accepts(joinRequestSchema, value)).toBe(false);
  });

  it.each([
    [{ uuid: 'a' }],
    [{ channel: '417' }],
    [{ channel: '417', uuid: '' }],
    [{ channel: '417', uuid: 'a b' }],
    [{ channel: '417', uuid: 'a'.repeat(129) }],
    [{ channel: '417', uuid: 'a', since: -1 }],
    [{ channel: '417', uuid: 'a', since: 1.5 }],
    [{ channel: '417', uuid: 'a', since: '1' }],
    [{ channel: '417', uuid: 'a', close: 1 }],
    [{ channel: '417', uuid: 'a', x: '' }],
    [{ channel: '417', uuid: 'a', x: 'A'.repeat(184) }],
    [{ channel: '417', uuid: 'a', h_k: `${HASH}AAAA` }],
    [{ channel: '417', uuid: 'a', h_k: HASH.replace('=', '') }],
    [{ channel: '417', uuid: 'a', h_k: HASH.replace('AQE=', 'AQF=') }],
    [{ channel: '417', uuid: 'a', hh_k: `${HASH.slice(0, 4)}\n${HASH.slice(4)}` }],
  ])('of a post is not %j', (value) => {
    expect(accepts(channelRequestSchema, value)).toBe(false);
  });

  it('of a state, of errors and of a lane', () => {
    const state = {
      channel: '417',
      role: 'sender',
      curve: 'p256',
      x: HASH,
      y: HASH,
      hh_k: HASH,
      h_k: HASH,
      stapled: false,
      ports: [1],
      version: 3,
    };
    expect(v.parse(channelAnswerSchema, state)).toEqual(state);
    expect(accepts(channelAnswerSchema, { ...state, ports: [] })).toBe(false);
    expect(accepts(channelAnswerSchema, { ...state, ports: [70_000] })).toBe(false);
    const error = { error: { code: 'bad_key', message: 'why' } };
    expect(v.parse(errorAnswerSchema, error)).toEqual(error);
    expect(v.parse(laneAnswerSchema, error)).toEqual(error);
    expect(v.parse(laneAnswerSchema, { ok: true })).toEqual({ ok: true });
    expect(accepts(laneAnswerSchema, { ok: false })).toBe(false);
    expect(v.parse(laneLineSchema, { channel: '417', uuid: 'a', more: 1 })).toEqual({
      channel: '417',
      uuid: 'a',
    });
  });
});

describe('base64', () => {
  it('takes back what it wrote, and only that spelling', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes);
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        const bytes = decodeBase64(text);
        if (bytes !== undefined) expect(encodeBase64(bytes)).toBe(text);
      }),
    );
    for (const other of ['AQ', 'AR==', 'AQ==\n', ' AQ==', 'A_-=', '====', 'AQ=A'])
      expect(decodeBase64(other)).toBeUndefined();
  });
});
