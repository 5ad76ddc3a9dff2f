/** What nobody has to wait for: the recipient connects while the sender looks at its key. */
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { hashOf, sampleFile } from '../support/cluster.js';
import { codeOf, temporaryFolder, testCroc, testRelay } from '../support/croc.js';
import { Wire } from '../support/wire.js';

test.each([
  ['and stays connected', 10_000],
  ['and again when the relay has lost patience with who says nothing', 200],
])('a recipient connects before the sender has answered, %s', async (_, identifyMs) => {
  const relay = await testRelay({ limits: { identifyMs } });
  const wire = await Wire.before({ port: Number(new URL(relay.url).port), ports: relay.ports });
  onTestFinished(() => wire.close());
  const { file, hash } = await sampleFile(1 << 20);
  const send = await testCroc(wire.url).send([file]);
  const sent = codeOf(send.done);
  wire.silence();
  const states: string[] = [];
  const onState = (state: string): void => void states.push(state);
  const offer = testCroc(relay).receive(send.code, { onState });
  const connections = async (wanted: (count: number) => boolean): Promise<void> => {
    while (!wanted((await relay.stats()).connections))
      await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await connections((count) => count === relay.ports.length);
  if (identifyMs < 1000) await connections((count) => count === 0);
  expect(states.at(-1)).toBe('awaiting-h_k');
  wire.mend();
  const to = await temporaryFolder();
  const received = codeOf((await offer).accept({ to }).done);
  expect(await Promise.all([sent, received])).toEqual(['resolved', 'resolved']);
  expect(await hashOf(path.join(to, 'sample.bin'))).toBe(hash);
});
