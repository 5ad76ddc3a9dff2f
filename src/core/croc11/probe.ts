/**
 * What a croc recipient may ask before it begins: whether there is a relay of the sender's own nearby. We have
 * none to name, and say so.
 */
import * as v from 'valibot';
import type { RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import { CROC_PEER_SALT_BYTES, answerCrocPeer } from '../pake/crocPeer.js';
import { CROC_PEER_VERSION, parseJson } from '../wire/crocMessage.js';
import { openCroc, sealCroc } from '../wire/crocSeal.js';
import type { CrocCode } from './code.js';

const schema = v.object({
  Kind: v.literal('pake1'),
  Bytes: v.string(),
  Version: v.optional(v.number()),
  Curve: v.optional(v.string(), ''),
});
const ASK = Buffer.from('ips?');
const NONE = Buffer.from('[]');

/**
 * Answers the bodies of a probe, one after another.
 *
 * @returns takes a body and gives the answer; throws `protocol_error` for a body that is no part of one, and
 *   `incompatible_version` for one of a croc before 11
 */
export function probeAnswers(code: CrocCode, random: RandomBytes): (body: Buffer) => Buffer {
  let key: Uint8Array | undefined;
  return (body) => {
    if (key !== undefined) {
      if (!openCroc(key, body).equals(ASK))
        throw new CrocError('protocol_error', { detail: 'a question that nobody knows' });
      return sealCroc(key, NONE, random);
    }
    const parsed = v.safeParse(schema, parseJson(body));
    if (!parsed.success) throw new CrocError('protocol_error', { detail: 'no handshake' });
    const { Bytes, Version, Curve: curve } = parsed.output;
    if (Version !== CROC_PEER_VERSION)
      throw new CrocError('incompatible_version', {
        detail: 'the other side has croc 10 or older',
      });
    const { room, password } = code;
    const shared = { purpose: 'local-ip-probe', room, password, curve } as const;
    const salt = random(CROC_PEER_SALT_BYTES);
    const answer = answerCrocPeer(shared, Buffer.from(Bytes, 'base64'), salt, random);
    key = answer.keys.traffic;
    return Buffer.from(
      JSON.stringify({
        Bytes: answer.message.toString('base64'),
        Bytes2: Buffer.from(salt).toString('base64'),
        Kind: 'pake2',
        Version: CROC_PEER_VERSION,
        Curve: curve,
      }),
    );
  };
}
