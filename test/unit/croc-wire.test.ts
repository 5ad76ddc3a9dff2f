/** The codecs of croc's own protocol: frames, encrypted bodies, messages of the key exchange. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CrocError } from '../../src/core/errors.js';
import { answerCrocClient } from '../../src/core/pake/crocRelay.js';
import { curveNamed } from '../../src/core/pake/curves.js';
import { beginExchange } from '../../src/core/pake/exchange.js';
import { plainSessionKey } from '../../src/core/pake/keys.js';
import { checkedPoint } from '../../src/core/pake/points.js';
import { CrocFrameReader, encodeCrocFrame } from '../../src/core/wire/crocFrame.js';
import {
  MAX_CROC_PAKE_BYTES,
  decodeCrocPake,
  encodeCrocPake,
} from '../../src/core/wire/crocPake.js';
import { crocRelayKey, openCroc, sealCroc } from '../../src/core/wire/crocSeal.js';
import { systemRandom } from '../../src/core/edges.js';

const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'no error';
  } catch (error) {
    return error instanceof CrocError ? error.code : String(error);
  }
};

describe('frames', () => {
  const hello = Buffer.from('63726f63' + '05000000' + '68656c6c6f', 'hex');

  it('are spelled as croc spells them', () => {
    expect(encodeCrocFrame(Buffer.from('hello')).equals(hello)).toBe(true);
  });

  it('come whole from a stream that is split anywhere', () => {
    const stream = Buffer.concat([hello, encodeCrocFrame(Buffer.alloc(0)), hello]);
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const reader = new CrocFrameReader(5);
      const bodies: string[] = [];
      for (const part of [stream.subarray(0, cut), stream.subarray(cut)]) {
        reader.push(part);
        for (let body = reader.next(); body; body = reader.next()) bodies.push(body.toString());
      }
      expect(bodies).toEqual(['hello', '', 'hello']);
      expect(reader.rest).toHaveLength(0);
    }
  });

  it('are refused at the first wrong byte', () => {
    for (const wrong of ['x', 'cx', 'crx', 'crox', 'GET /'])
      expect(
        codeOf(() => {
          const reader = new CrocFrameReader(100);
          reader.push(Buffer.from(wrong));
          reader.next();
        }),
      ).toBe('protocol_error');
  });

  it('are refused by their announced length, before their body has come', () => {
    const reader = new CrocFrameReader(4);
    reader.push(hello.subarray(0, 8));
    expect(codeOf(() => reader.next())).toBe('protocol_error');
  });

  it('never give anything but what was framed, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (parts) => {
        const reader = new CrocFrameReader(16);
        for (const part of parts) {
          reader.push(part);
          try {
            while (reader.next() !== undefined);
          } catch (error) {
            return error instanceof CrocError;
          }
        }
        return true;
      }),
    );
  });
});

describe('encrypted bodies', () => {
  const key = crocRelayKey(Buffer.alloc(32, 7), Buffer.alloc(8, 1));
  const sealed = sealCroc(key, Buffer.from('pass123'), systemRandom);

  it('open with their key', () => {
    expect(openCroc(key, sealed).toString()).toBe('pass123');
  });

  it('do not open when one byte is another, or with another salt', () => {
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(codeOf(() => openCroc(key, changed))).toBe('tampered');
    }
    const other = crocRelayKey(Buffer.alloc(32, 7), Buffer.alloc(8, 2));
    expect(codeOf(() => openCroc(other, sealed))).toBe('tampered');
  });

  it('do not open when they are too short to be one', () => {
    for (let length = 0; length < 28; length += 1)
      expect(codeOf(() => openCroc(key, sealed.subarray(0, length)))).toBe('tampered');
  });
});

describe('messages of the key exchange', () => {
  const curve = curveNamed('siec');
  const fixed = { U: curve.U.toAffine(), V: curve.V.toAffine() };
  const password = Uint8Array.of(1, 2, 3);
  const started = beginExchange(curve, 'A', password, 5n);
  const X = started.own.toAffine();
  const message = encodeCrocPake({ role: 0, X, Y: undefined }, fixed);

  it('have every key of Go, in its order, and integers in decimal', () => {
    const text = message.toString();
    const keys = [...text.matchAll(/"([^"]+)":/g)].map(([, key]) => key);
    expect(keys.join(' ')).toBe(
      'Role Uᵤ Uᵥ Vᵤ Vᵥ Xᵤ Xᵥ Yᵤ Yᵥ P Pw Vpwᵤ Vpwᵥ Upwᵤ Upwᵥ Aα Aαᵤ Aαᵥ Zᵤ Zᵥ K',
    );
    expect(text).toContain(`"Xᵤ":${X.x}`);
    expect(text).toContain('"Yᵤ":null');
  });

  it('say the same again after decoding', () => {
    expect(decodeCrocPake(message)).toEqual({ role: 0, X, Y: undefined });
  });

  it('give both parties the same key', () => {
    const answer = answerCrocClient(message, systemRandom);
    const { role, Y } = decodeCrocPake(answer.message);
    expect(role).toBe(1);
    if (Y === undefined) throw new Error('no Y');
    const agreement = started.agree(checkedPoint(curve, Y, 'Y'));
    expect(plainSessionKey(password, agreement)).toEqual(answer.key);
  });

  it.each([
    ['what is no JSON', 'x'],
    ['a list', '[]'],
    ['a message without a role', '{"Xᵤ":1,"Xᵥ":1}'],
    ['a role that is none', '{"Role":2,"Xᵤ":1,"Xᵥ":1}'],
    ['the role of party B', '{"Role":1,"Xᵤ":5,"Xᵥ":12}'],
    ['a message without X', '{"Role":0}'],
    ['half a point', '{"Role":0,"Xᵤ":5}'],
    ['a coordinate in quotes', '{"Role":0,"Xᵤ":"5","Xᵥ":12}'],
    ['a fraction', '{"Role":0,"Xᵤ":5.5,"Xᵥ":12}'],
    ['a negative coordinate', '{"Role":0,"Xᵤ":-5,"Xᵥ":12}'],
    ['a coordinate with too many digits', `{"Role":0,"Xᵤ":${'9'.repeat(161)},"Xᵥ":12}`],
    ['a point that is not on the curve', '{"Role":0,"Xᵤ":5,"Xᵥ":13}'],
    ['the identity', '{"Role":0,"Xᵤ":0,"Xᵥ":0}'],
    ['a long message', `{"Role":0,"x":"${'y'.repeat(MAX_CROC_PAKE_BYTES)}"}`],
  ])('refuse %s', (_, text) => {
    expect(codeOf(() => answerCrocClient(Buffer.from(text), systemRandom))).toBe(
      'key_exchange_failed',
    );
  });

  it('refuse or understand whatever else comes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.json()), (value) => {
        const code = codeOf(() => decodeCrocPake(Buffer.from(value as string)));
        return code === 'no error' || code === 'key_exchange_failed';
      }),
    );
  });
});
