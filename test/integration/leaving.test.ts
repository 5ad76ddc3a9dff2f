/** Either side leaves in every state of its machine: its own end is `cancelled`, the other is told, nothing is left. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Relay } from '../../src/core/api.js';
import { RECIPIENT_STATES, SENDER_STATES } from '../../src/core/channel/states.js';
import { codeOf, filesBelow, temporaryFolder, testCroc, testRelay } from '../support/croc.js';

/** What the other side may be told, by how far both have come. */
const TOLD = ['channel_closed', 'peer_cancelled'];

async function file(): Promise<string> {
  const name = path.join(await temporaryFolder(), 'file');
  await writeFile(name, randomBytes(3 << 20));
  return name;
}

/** Waits until a relay has no channel any more. */
async function nothingOpen(relay: Relay): Promise<void> {
  const channels = async (): Promise<number> => (await relay.stats()).channels;
  await expect.poll(channels, { timeout: 20_000 }).toBe(0);
}

describe('cancelled', () => {
  // Before there is a code there is nothing to leave; what a cancelled start does is in rendezvous-faults.test.ts.
  it.each(SENDER_STATES.filter((state) => state !== 'initialize' && state !== 'closed'))(
    'by the sender in %s',
    async (state) => {
      const [relay, to] = [await testRelay(), await temporaryFolder()];
      const send = await testCroc(relay).send([await file()]);
      const ended = codeOf(send.done);
      send.on('state', (now) => {
        if (now === state) void send.cancel();
      });
      if (state === 'awaiting-y') {
        await send.cancel();
        expect(await codeOf(testCroc(relay).receive(send.code))).toBe('channel_closed');
      } else {
        const received = testCroc(relay)
          .receive(send.code)
          .then((offer) => offer.accept({ to }).done);
        // A recipient whose key is not confirmed cannot tell a sender that leaves from one that found it wrong.
        const unconfirmed = state === 'verifying' || state === 'connecting';
        expect([...TOLD, ...(unconfirmed ? ['wrong_code'] : [])]).toContain(await codeOf(received));
      }
      expect(await ended).toBe('cancelled');
      expect(await filesBelow(to)).toEqual([]);
      await nothingOpen(relay);
    },
  );

  it.each(RECIPIENT_STATES.filter((state) => state !== 'closed'))(
    'by the recipient in %s',
    async (state) => {
      const relay = await testRelay();
      const send = await testCroc(relay).send([await file()]);
      const ended = codeOf(send.done);
      const abort = new AbortController();
      const received = testCroc(relay).receive(send.code, {
        signal: abort.signal,
        onState: (now) => {
          if (now === state) abort.abort();
        },
      });
      expect(await codeOf(received)).toBe('cancelled');
      if (state === 'initialize') {
        // Nobody has come as far as the sender knows: the code stays good.
        expect(send.state).toBe('awaiting-y');
        await send.cancel();
        expect(await ended).toBe('cancelled');
      } else expect(TOLD).toContain(await ended);
      await nothingOpen(relay);
    },
  );
});
