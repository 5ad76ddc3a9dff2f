/** The sender's first words go out before the relay's answer to the line of a lane, whatever becomes of that answer. */
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Offer } from '../../src/core/api.js';
import { deferred } from '../../src/core/async.js';
import { hashOf, sampleFile } from '../support/cluster.js';
import { codeOf, temporaryFolder, testCroc, testRelay } from '../support/croc.js';
import { Wire } from '../support/wire.js';

/** Sends a file. @param judge - what becomes of the relay's word on a lane, by number and attempt; asked once the recipient has the offer */
async function transfer(judge: (lane: number, attempt: number) => 'pass' | 'cut'): Promise<void> {
  const relay = await testRelay();
  const wire = await Wire.before({ port: Number(new URL(relay.url).port), ports: relay.ports });
  onTestFinished(() => wire.close());
  const offered = deferred<undefined>();
  const attempts = relay.ports.map(() => 0);
  wire.judge = async (port) => {
    const lane = relay.ports.indexOf(port);
    if (lane < 0) return 'pass';
    const attempt = (attempts[lane] ?? 0) + 1;
    attempts[lane] = attempt;
    await offered.promise;
    return judge(lane, attempt);
  };
  const { file, hash } = await sampleFile(3 << 20);
  const send = await testCroc(wire.url).send([file]);
  const sent = codeOf(send.done);
  const offer = await testCroc(relay).receive(send.code);
  offered.resolve(undefined);
  const to = await temporaryFolder();
  const received = codeOf(offer.accept({ to }).done);
  expect(await Promise.all([sent, received])).toEqual(['resolved', 'resolved']);
  expect(await hashOf(path.join(to, 'sample.bin'))).toBe(hash);
}

test('an offer does not wait for the word of the relay', async () => {
  await transfer(() => 'pass');
});

test.each([0, 1])('a relay that loses lane %i after the offer is asked again', async (lost) => {
  await transfer((lane, attempt) => (lane === lost && attempt === 1 ? 'cut' : 'pass'));
});

test.each([
  ['declined', (offer: Offer) => offer.reject(), 'refused'],
  [
    'done',
    async (offer: Offer, to: string): Promise<void> => {
      await offer.accept({ to }).done;
    },
    'resolved',
  ],
])('a transfer that is %s needs no more words of the relay', async (_, answer, expected) => {
  const relay = await testRelay();
  const wire = await Wire.before({ port: Number(new URL(relay.url).port), ports: relay.ports });
  onTestFinished(() => wire.close());
  const ended = deferred<undefined>();
  wire.judge = async (port) => {
    if (relay.ports.indexOf(port) > 0) await ended.promise;
    return 'pass';
  };
  const { file } = await sampleFile(1 << 10);
  const send = await testCroc(wire.url).send([file]);
  const sent = codeOf(send.done).finally(() => ended.resolve(undefined));
  const states: string[] = [];
  send.on('state', (state) => states.push(state));
  const offer = await testCroc(relay).receive(send.code);
  expect(states.at(-1)).toBe('connecting');
  await answer(offer, await temporaryFolder());
  expect(await sent).toBe(expected);
});
