/** The exchange between croc peers, and what they say to each other afterwards. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textAsFile } from '../../src/core/croc11/text.js';
import { InOrder } from '../../src/core/croc11/inOrder.js';
import { systemRandom } from '../../src/core/edges.js';
import { CrocError } from '../../src/core/errors.js';
import { answerCrocPeer, deriveCrocKeys, startCrocPeer } from '../../src/core/pake/crocPeer.js';
import { frame } from '../../src/core/pake/keys.js';
import { CROC_CHUNK_BYTES, wantedChunks } from '../../src/core/wire/crocChunk.js';
import {
  MAX_CROC_MESSAGE_BYTES,
  decodeCrocMessage,
  encodeCrocMessage,
} from '../../src/core/wire/crocMessage.js';
import {
  MAX_CROC_TEXT_BYTES,
  decodeCrocOffer,
  encodeCrocOffer,
} from '../../src/core/wire/crocOffer.js';
import { deflateRawSync } from 'node:zlib';
import vectors from '../vectors/croc-peer.json' with { type: 'json' };

const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'no error';
  } catch (error) {
    return error instanceof CrocError ? error.code : String(error);
  }
};
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('the keys of a peer', () => {
  it('are those of croc', () => {
    const version = Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0);
    const { purpose, room, curve, initiator, responder, salt, sessionKey } = vectors.derive;
    const id = (role: string): Uint8Array =>
      frame('croc/spake2/participant/v2', version, purpose, room, role);
    const fields = [purpose, room, curve, id('receiver'), id('sender'), initiator, responder];
    const keys = deriveCrocKeys(Buffer.from(sessionKey, 'hex'), [
      ...fields,
      Buffer.from(salt, 'hex'),
    ]);
    expect(hex(keys.traffic)).toBe(vectors.derive.encryptionKey);
    expect(hex(keys.tagA)).toBe(vectors.derive.confirmationA);
    expect(hex(keys.tagB)).toBe(vectors.derive.confirmationB);
  });

  const shared = {
    purpose: 'peer-transfer',
    room: 'room',
    password: 'otter',
    curve: 'p256',
  } as const;
  const salt = Buffer.alloc(32, 3);
  type Keys = ReturnType<typeof deriveCrocKeys>;
  function exchange(one: object, other: object): { mine: Keys; theirs: Keys } {
    const start = startCrocPeer({ ...shared, ...one }, systemRandom);
    const answer = answerCrocPeer({ ...shared, ...other }, start.message, salt, systemRandom);
    return { mine: start.finish(answer.message, salt), theirs: answer.keys };
  }

  it.each(['p256', 'p384', 'p521', 'siec'])('are the same on both sides with %s', (curve) => {
    const { mine, theirs } = exchange({ curve }, { curve });
    expect(mine).toEqual(theirs);
    expect(hex(mine.tagA)).not.toBe(hex(mine.tagB));
  });

  it.each([
    ['password', { password: 'otters' }],
    ['room', { room: 'another' }],
    ['purpose', { purpose: 'local-ip-probe' }],
  ])('are others with another %s', (_, other) => {
    const { mine, theirs } = exchange({}, other);
    for (const key of ['traffic', 'tagA', 'tagB'] as const)
      expect(hex(mine[key])).not.toBe(hex(theirs[key]));
  });

  it('are not made of a curve that nobody knows, or a salt of another length', () => {
    expect(codeOf(() => startCrocPeer({ ...shared, curve: 'p257' }, systemRandom))).toBe(
      'unsupported_curve',
    );
    const start = startCrocPeer(shared, systemRandom);
    const { message } = answerCrocPeer(shared, start.message, salt, systemRandom);
    expect(codeOf(() => start.finish(message, salt.subarray(1)))).toBe('key_exchange_failed');
    expect(codeOf(() => start.finish(start.message, salt))).toBe('key_exchange_failed');
  });
});

describe('a message', () => {
  const key = Buffer.alloc(32, 9);

  it('is said and heard, with a key and without', () => {
    const message = {
      type: 'pake',
      version: 2,
      text: 'ü',
      bytes: Buffer.from([0, 1]),
      bytes2: key,
    };
    for (const with_ of [undefined, key]) {
      const heard = decodeCrocMessage(encodeCrocMessage(message, with_, systemRandom), with_);
      expect(heard).toEqual(message);
    }
  });

  it('may have null where Go has no bytes', () => {
    const body = deflateRawSync('{"t":"finished","b":null,"b2":null}');
    expect(decodeCrocMessage(body, undefined)).toEqual({ type: 'finished' });
  });

  it.each([
    ['no JSON', 'x'],
    ['no object', '[]'],
    ['no type', '{"m":"x"}'],
    ['a version that is no number', '{"t":"pake","v":"2"}'],
  ])('is refused when it is %s', (_, text) => {
    expect(codeOf(() => decodeCrocMessage(deflateRawSync(text), undefined))).toBe('protocol_error');
  });

  it('is refused when it inflates beyond its bound', () => {
    const bomb = deflateRawSync(Buffer.alloc(MAX_CROC_MESSAGE_BYTES + 1, 0x20));
    expect(codeOf(() => decodeCrocMessage(bomb, undefined))).toBe('limit_exceeded');
  });

  it('is understood or refused, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.jsonValue(), (bytes, json) => {
        const bodies = [bytes, deflateRawSync(bytes), deflateRawSync(JSON.stringify(json))];
        return bodies.every((body) =>
          ['no error', 'protocol_error'].includes(codeOf(() => decodeCrocMessage(body, undefined))),
        );
      }),
    );
  });
});

describe('a list of files', () => {
  const entry = { mtimeMs: 1_700_000_000_123, executable: false, size: 0 } as const;

  it('says again what it was made of', () => {
    const file = { ...entry, path: 'a/b/c.txt', kind: 'file', size: 7, executable: true } as const;
    const link = { ...entry, path: 'l', kind: 'symlink', target: 'a' } as const;
    const folder = { ...entry, path: 'a/empty', kind: 'folder' } as const;
    const hash = Buffer.from('12345678');
    const bytes = encodeCrocOffer(
      [
        { entry: file, hash, compressed: true },
        { entry: link, hash, compressed: false },
      ],
      [folder],
      false,
    );
    const offer = decodeCrocOffer(bytes);
    const [one, two, three] = offer.entries;
    expect([one, two]).toEqual([file, link]);
    expect([three?.kind, three?.path]).toEqual(['folder', 'a/empty']);
    expect(offer.files).toEqual([
      { entry: 0, hash, compressed: true },
      { entry: 1, hash, compressed: false },
    ]);
    expect(offer.hashAlgorithm).toBe('xxhash');
  });

  it('of a peer without compression file by file goes by the whole', () => {
    for (const NoCompress of [true, false]) {
      const list = { FilesToTransfer: [{ n: 'a', c: NoCompress }], NoCompress };
      const { files } = decodeCrocOffer(Buffer.from(JSON.stringify(list)));
      expect(files[0]?.compressed).toBe(!NoCompress);
    }
  });

  it('is understood or refused, whatever it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        const list = Buffer.from(JSON.stringify({ FilesToTransfer: json, SendingText: json }));
        return ['no error', 'protocol_error', 'unsafe_path'].includes(
          codeOf(() => decodeCrocOffer(list)),
        );
      }),
    );
  });
});

describe('wanted chunks', () => {
  it('are all, or those in the ranges', () => {
    expect(wantedChunks([], 100)(0)).toBe(true);
    const wanted = wantedChunks([CROC_CHUNK_BYTES, 0, 1, 3 * CROC_CHUNK_BYTES, 2], 1e6);
    const chunks = [0, 1, 2, 3, 4, 5].map((chunk) => wanted(chunk * CROC_CHUNK_BYTES));
    expect(chunks).toEqual([true, false, false, true, true, false]);
  });
});

describe('chunks in order', () => {
  it('give the bytes of the file whatever comes first, and hold back who is far ahead', async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }), async (order) => {
        const taken: number[] = [];
        const chunks = new InOrder(6 * CROC_CHUNK_BYTES, (bytes) => {
          taken.push(bytes[0] ?? -1);
          return undefined;
        });
        await Promise.all(
          order.map((chunk) =>
            chunks.add({ position: chunk * CROC_CHUNK_BYTES, bytes: Buffer.alloc(1, chunk) }),
          ),
        );
        await chunks.done;
        expect(taken).toEqual([0, 1, 2, 3, 4, 5]);
      }),
    );
  });

  it('refuse a chunk that came before', async () => {
    const chunks = new InOrder(1e6, () => undefined);
    const again = { position: CROC_CHUNK_BYTES, bytes: Buffer.alloc(1) };
    await chunks.add(again);
    await expect(chunks.add(again)).rejects.toThrow(CrocError);
  });
});

describe('a text', () => {
  it('is no longer than croc takes', () => {
    const text = (bytes: number): string =>
      codeOf(() => textAsFile({ kind: 'text', content: Buffer.alloc(bytes, 'a') }, systemRandom));
    expect(text(MAX_CROC_TEXT_BYTES)).toBe('no error');
    expect(text(MAX_CROC_TEXT_BYTES + 1)).toBe('limit_exceeded');
  });
});
