/** A croc client at a relay, as small as it can be, and addresses for many of them. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { curveNamed } from '../../src/core/pake/curves.js';
import { beginExchange, randomScalar } from '../../src/core/pake/exchange.js';
import { plainSessionKey } from '../../src/core/pake/keys.js';
import { checkedPoint } from '../../src/core/pake/points.js';
import { CrocFrameReader, encodeCrocFrame } from '../../src/core/wire/crocFrame.js';
import { decodeCrocPake, encodeCrocPake } from '../../src/core/wire/crocPake.js';
import { crocRelayKey, openCroc, sealCroc } from '../../src/core/wire/crocSeal.js';

const random = (length: number): Uint8Array => randomBytes(length);

/** Another loopback address for each number, so that no limit for one address is met. */
export function addressOf(index: number): string {
  return `127.${1 + ((index >> 16) & 63)}.${(index >> 8) & 255}.${1 + (index & 127)}`;
}

/** A client of croc's relay, in a room. */
export async function enterRoom(port: number, index: number, room: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: addressOf(index) });
  socket.on('error', () => undefined);
  const reader = new CrocFrameReader(8192);
  const read = async (): Promise<Buffer> => {
    for (;;) {
      const body = reader.next();
      if (body !== undefined) return body;
      reader.push(((await once(socket, 'data')) as [Buffer])[0]);
    }
  };
  const say = (body: Uint8Array): void => void socket.write(encodeCrocFrame(body));
  const curve = curveNamed('siec');
  const password = Uint8Array.of(1, 2, 3);
  const exchange = beginExchange(curve, 'A', password, randomScalar(curve, random));
  const fixed = { U: curve.U.toAffine(), V: curve.V.toAffine() };
  say(encodeCrocPake({ role: 0, X: exchange.own.toAffine(), Y: undefined }, fixed));
  const { Y } = decodeCrocPake(await read());
  if (Y === undefined) throw new Error('no Y');
  const salt = randomBytes(8);
  const key = crocRelayKey(
    plainSessionKey(password, exchange.agree(checkedPoint(curve, Y, 'Y'))),
    salt,
  );
  say(salt);
  say(sealCroc(key, Buffer.from('pass123'), random));
  openCroc(key, await read());
  say(sealCroc(key, Buffer.from(room), random));
  const entry = openCroc(key, await read()).toString();
  if (entry !== 'ok') throw new Error(`croc relay: ${entry}`);
  return socket;
}
