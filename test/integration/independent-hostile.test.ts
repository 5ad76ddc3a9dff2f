/** The program refuses what docs/protocol.md says it must, from a peer written from that page. */
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CURVE_NAMES } from '../../src/core/index.js';
import type { CurveName, ErrorCode } from '../../src/core/index.js';
import { curveOf } from '../interop/independent/curves.js';
import { textOf } from '../interop/independent/fields.js';
import { encodePieces } from '../interop/independent/files.js';
import type { Item } from '../interop/independent/files.js';
import { CONTROL, DATA, END } from '../interop/independent/lane.js';
import type { Lane, Role } from '../interop/independent/lane.js';
import {
  Party,
  confirmAsRecipient,
  joinAsRecipient,
  openAsSender,
} from '../interop/independent/meet.js';
import { sha256 } from '../interop/independent/pake.js';
import { hearOffer } from '../interop/independent/receive.js';
import { HELLO, hearAnswer, offer } from '../interop/independent/send.js';
import { codeOf, temporaryFolder, testCroc, testRelay } from '../support/croc.js';

/** The program's library sends one small file. `program` settles when it is over. */
async function programSends(curve: CurveName = 'p256') {
  const relay = await testRelay();
  const file = path.join(await temporaryFolder(), 'note.txt');
  await writeFile(file, 'hello');
  const { code, done: program } = await testCroc(relay).send([file], { curve });
  program.catch(() => undefined);
  return { url: relay.url, program, code };
}

/** The program's library receives and accepts everything. */
async function programReceives(url: string, code: string, to: string): Promise<unknown> {
  const offered = await testCroc(url).receive(code);
  return offered.accept({ to }).done;
}

function closedAfterTest(party: Party): Party {
  onTestFinished(() => {
    party.relay.close();
  });
  return party;
}

describe('the program sends and the key exchange goes wrong', () => {
  test.each(CURVE_NAMES)('a wrong secret burns the code on %s', async (curve) => {
    const { url, program, code } = await programSends(curve);
    const guess = await joinAsRecipient(url, `${code.split('-')[0] ?? ''}-wrong-guess`);
    closedAfterTest(guess.party);
    // The sender closes the channel, which tells the recipient.
    await expect(confirmAsRecipient(guess)).rejects.toMatchObject({ code: 'channel_closed' });
    expect(await codeOf(program)).toBe('wrong_code');
    await expect(joinAsRecipient(url, code)).rejects.toMatchObject({ code: 'channel_closed' });
  });

  const { p, g } = curveOf('p256');
  const point = (x: bigint, y: bigint, first = '04'): Buffer =>
    Buffer.from(first + [x, y].map((c) => c.toString(16).padStart(64, '0')).join(''), 'hex');
  const [x = 0n, y = 0n] = [g?.x, g?.y];
  test.each([
    ['is not on the curve', point(x, y + 1n)],
    ['is of zeros only', point(0n, 0n, '00')],
    ['is (0, 0)', point(0n, 0n)],
    ['has a coordinate that is p', point(p, y)],
    ['is in another form', point(x, y, '06')],
  ])('y %s', async (_, wrong) => {
    const { url, program, code } = await programSends();
    const party = closedAfterTest(
      await Party.join(url, 'recipient', { channel: code.split('-')[0] ?? '' }),
    );
    await party.give({ y: wrong, hh_k: sha256(wrong) });
    await expect(party.until((state) => state.h_k)).rejects.toMatchObject({
      code: 'channel_closed',
    });
    expect(await codeOf(program)).toBe('key_exchange_failed');
  });
});

/** The program and a peer with open lanes; the program sends or receives. */
async function stapled(programIs: Role) {
  const relayAnd = async () => {
    if (programIs === 'sender') {
      const { program, url, code } = await programSends();
      const answering = await joinAsRecipient(url, code);
      return { program, party: answering.party, lanes: await confirmAsRecipient(answering) };
    }
    const { url } = await testRelay();
    const waiting = await openAsSender(url, 'lunar-acorn-quilt');
    const out = await temporaryFolder();
    const program = programReceives(url, waiting.code, out);
    program.catch(() => undefined);
    return { program, party: waiting.party, lanes: await waiting.meet(), out };
  };
  const { party, ...met } = await relayAnd();
  closedAfterTest(party);
  const [control, second] = met.lanes;
  if (control === undefined || second === undefined) throw new Error('no lanes');
  // Its hello; so it reads the lanes, too.
  const first = await control.nextSealed();
  control.open(first);
  return { ...met, party, control, second, first };
}

const bytesOf = (message: object): Buffer =>
  Buffer.concat([Buffer.of(CONTROL), Buffer.from(JSON.stringify(message))]);
const PING = bytesOf({ t: 'ping' });

/** What the peer does right after the staple, and what the program says then. */
type Attack = [string, ErrorCode, (control: Lane, second: Lane, first: Buffer) => Promise<void>];

const ATTACKS: Attack[] = [
  ['a record reflected to it', 'tampered', (control, _, first) => control.write(first)],
  [
    'a record moved to another lane',
    'tampered',
    (control, second) => control.write(second.seal(bytesOf(HELLO))),
  ],
  [
    'a record repeated',
    'tampered',
    (control) => {
      const record = control.seal(bytesOf(HELLO));
      return control.write(Buffer.concat([record, record]));
    },
  ],
  [
    'a record left out',
    'tampered',
    (control) => {
      control.seal(bytesOf(HELLO));
      return control.write(control.seal(PING));
    },
  ],
  [
    'a record with a bit changed',
    'tampered',
    (control) => {
      const record = control.seal(bytesOf(HELLO));
      record.writeUInt8(record.readUInt8(20) ^ 1, 20);
      return control.write(record);
    },
  ],
  ['a record of n = 16', 'protocol_error', (control) => control.write(Buffer.of(0, 0, 0, 16))],
  [
    'a record of n = 1,114,129',
    'protocol_error',
    (control) => control.write(Buffer.of(0, 0x11, 0, 0x11)),
  ],
  ['a record of type 4', 'protocol_error', (control) => control.send(4)],
  ['a control record on lane 1', 'protocol_error', (_, second) => second.write(second.seal(PING))],
  ['a first message that is not hello', 'protocol_error', (control) => control.say({ t: 'ping' })],
  [
    'a second hello',
    'protocol_error',
    async (control) => {
      await control.say(HELLO);
      await control.say(HELLO);
    },
  ],
  [
    'a peer that is too new',
    'incompatible_version',
    (control) => control.say({ ...HELLO, version: 3, oldest: 2 }),
  ],
  [
    'control that is no JSON',
    'protocol_error',
    async (control) => {
      await control.say(HELLO);
      await control.send(CONTROL, Buffer.from('{"t":'));
    },
  ],
  [
    'a message with a field missing',
    'protocol_error',
    (control) => control.say({ t: 'hello', version: 1 }),
  ],
  [
    'a record after the end',
    'protocol_error',
    async (control) => {
      await control.say(HELLO);
      await control.send(END);
      await control.send(CONTROL, PING.subarray(1));
    },
  ],
  [
    'an error of the peer',
    'peer_failed',
    async (control) => {
      await control.say(HELLO);
      await control.say({ t: 'error', code: 'disk_full' });
    },
  ],
  [
    'cancel',
    'peer_cancelled',
    async (control) => {
      await control.say(HELLO);
      await control.say({ t: 'cancel' });
    },
  ],
];
/** Of these the program is told by the peer, so it does not tell the peer. */
const TOLD: readonly ErrorCode[] = ['peer_failed', 'peer_cancelled'];

describe.each(['sender', 'recipient'] as const)('the program as %s refuses', (programIs) => {
  test.each(ATTACKS)('%s', async (_, code, attack) => {
    const { program, party, control, second, first, out } = await stapled(programIs);
    await attack(control, second, first);
    if (TOLD.includes(code)) await Promise.all([control.end(), second.end()]);
    else expect(await hearError(party, control)).toBe(code);
    expect(await codeOf(program)).toBe(code);
    if (out !== undefined) expect(await readdir(out)).toEqual([]);
  });

  test('an end of every lane before anything was said', async () => {
    const { program, control, second } = await stapled(programIs);
    await control.say(HELLO);
    await Promise.all([control.end(), second.end()]);
    expect(await codeOf(program)).toBe('connection_lost');
  });

  test.each([
    [
      'reset',
      (lane: Lane) => {
        lane.socket.resetAndDestroy();
      },
    ],
    [
      'half-closed',
      (lane: Lane) => {
        lane.socket.end();
      },
    ],
  ])('a lane that is %s without an end record', async (_, cut) => {
    const { program, party, control, second } = await stapled(programIs);
    await control.say(HELLO);
    cut(second);
    // Who lost the connection has nobody to tell.
    expect(await hearError(party, control)).toBe('ended');
    expect(await codeOf(program)).toBe('connection_lost');
  });
});

/** The code of the program's error message, or `ended` if it ends without one. Closes everything. */
async function hearError(party: Party, lane: Lane): Promise<string> {
  try {
    for (;;) {
      const message = await lane.hear();
      if (message === undefined) return 'ended';
      if (message['t'] === 'error') return textOf(message, 'code');
    }
  } finally {
    party.relay.close();
  }
}

test('bytes that are no preamble', async () => {
  const { url, program, code } = await programSends();
  const { party, k, x, y } = await joinAsRecipient(url, code);
  closedAfterTest(party);
  await party.give({ y, hh_k: sha256(sha256(k)) });
  await party.until((state) => state.h_k);
  expect(x).toHaveLength(65);
  const over: Promise<string>[] = [];
  for (const port of party.ports) {
    const { socket, reader } = await party.relay.openLane(port, party.channel, party.uuid);
    socket.write(Buffer.alloc(40, 'X'));
    over.push(reader.over());
  }
  await Promise.all(over);
  party.relay.close();
  expect(await codeOf(program)).toBe('protocol_error');
});

describe('the program as sender refuses an answer', () => {
  const answer = { t: 'answer', accept: true, count: 1, bytes: 5 };
  test.each([
    ['that does not add up', [{ ...answer, count: 2 }]],
    [
      'with other bytes',
      [
        { t: 'want', ranges: [[0, 1]] },
        { ...answer, bytes: 4 },
      ],
    ],
    ['for an entry that is not there', [{ t: 'want', ranges: [[1, 1]] }]],
    [
      'for an entry named twice',
      [
        {
          t: 'want',
          ranges: [
            [0, 1],
            [0, 1],
          ],
        },
      ],
    ],
    ['for an empty range', [{ t: 'want', ranges: [[0, 0]] }]],
    ['that comes with done', [{ t: 'done', files: 0, bytes: 0 }]],
  ])('%s', async (_, messages) => {
    const { program, party, control } = await stapled('sender');
    await control.say(HELLO);
    await hearOffer(control);
    for (const message of messages) await control.say(message);
    expect(await hearError(party, control)).toBe('protocol_error');
    expect(await codeOf(program)).toBe('protocol_error');
  });

  test('followed by data', async () => {
    const { program, party, control } = await stapled('sender');
    await control.say(HELLO);
    const piece = { entry: 0, verified: true, offset: 0, bytes: Buffer.from('hello') };
    await control.send(DATA, encodePieces([piece]));
    expect(await hearError(party, control)).toBe('protocol_error');
    expect(await codeOf(program)).toBe('protocol_error');
  });
});

describe('the program as recipient keeps nothing of', () => {
  const whole = Buffer.from('hello');
  const item: Item = { kind: 'file', path: 'note.txt', mtimeMs: 0, bytes: whole };
  const piece = { entry: 0, verified: true, offset: 0, bytes: whole };
  type Data = [string, ErrorCode, (control: Lane, second: Lane) => Promise<void>];
  const cases: Data[] = [
    [
      'a file whose pieces overlap',
      'protocol_error',
      async (control) => {
        await control.send(DATA, encodePieces([{ ...piece, bytes: whole.subarray(0, 3) }]));
        await control.send(DATA, encodePieces([{ ...piece, offset: 2, bytes: whole.subarray(2) }]));
      },
    ],
    [
      'a piece that leaves its file',
      'protocol_error',
      (control) => control.send(DATA, encodePieces([{ ...piece, offset: 1 }])),
    ],
    [
      'an entry that is not there',
      'protocol_error',
      (control) => control.send(DATA, encodePieces([{ ...piece, entry: 1 }])),
    ],
    [
      'a record with a byte too many',
      'protocol_error',
      (control) => control.send(DATA, Buffer.concat([encodePieces([piece]), Buffer.of(0)])),
    ],
    ['a record of no pieces', 'protocol_error', (control) => control.send(DATA, Buffer.of(0, 0))],
    [
      'a file that is not whole at the end',
      'protocol_error',
      async (control, second) => {
        await control.send(DATA, encodePieces([{ ...piece, bytes: whole.subarray(0, 3) }]));
        await Promise.all([control.end(), second.end()]);
      },
    ],
    [
      'a file that is never verified',
      'protocol_error',
      async (control, second) => {
        await control.send(DATA, encodePieces([{ ...piece, verified: false }]));
        await Promise.all([control.end(), second.end()]);
      },
    ],
    [
      'a file on a lane that is cut before its end',
      'connection_lost',
      async (control, second) => {
        await second.send(DATA, encodePieces([{ ...piece, verified: false }]));
        await control.end();
        second.socket.end();
      },
    ],
  ];
  test.each(cases)('%s', async (_, code, send) => {
    const { program, party, control, second, out = '' } = await stapled('recipient');
    await control.say(HELLO);
    await offer(control, [item]);
    expect(await hearAnswer(control, [item])).toEqual([0]);
    await send(control, second);
    expect(await hearError(party, control)).toBe(code === 'connection_lost' ? 'ended' : code);
    expect(await codeOf(program)).toBe(code);
    expect(existsSync(out)).toBe(true);
    expect(await readdir(out)).toEqual([]);
  });
});
