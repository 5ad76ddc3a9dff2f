/**
 * The network goes away and comes back in every state of both state machines: the same transfer, the same code. And
 * what is told when it does not come back.
 */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Relay, Send } from '../../src/core/api.js';
import { RECIPIENT_STATES, SENDER_STATES } from '../../src/core/channel/states.js';
import type { Timing } from '../../src/core/timing.js';
import type { Connection } from '../../src/core/types.js';
import { codeOf, temporaryFolder, testCroc, testRelay } from '../support/croc.js';
import { RawPeer } from '../support/rawPeer.js';
import { Wire } from '../support/wire.js';

const TIMING: Partial<Timing> = {
  initializeMs: 20_000,
  stepMs: 20_000,
  answerMs: 1000,
  connectMs: 1000,
  reconnectMs: 40_000,
  redialMs: 20,
};

interface Scene {
  readonly relay: Relay;
  /** The way of each to the relay. */
  readonly sendersWire: Wire;
  readonly recipientsWire: Wire;
  readonly file: string;
}

async function scene(): Promise<Scene> {
  const relay = await testRelay();
  const [sendersWire, recipientsWire] = await Promise.all([Wire.before(relay), Wire.before(relay)]);
  onTestFinished(() => {
    sendersWire.close();
    recipientsWire.close();
  });
  const file = path.join(await temporaryFolder(), 'file');
  await writeFile(file, randomBytes(3 << 20));
  return { relay, sendersWire, recipientsWire, file };
}

function sending({ sendersWire, file }: Scene, timing = TIMING): Promise<Send> {
  return testCroc(sendersWire.url, { timing }).send([file]);
}

/** Receives all, and tells what is lost meanwhile. */
async function receiving(
  { recipientsWire, file }: Scene,
  code: string,
  onState: (state: string) => void = () => undefined,
): Promise<Connection[]> {
  const connections: Connection[] = [];
  const onConnection = (connection: Connection): void => void connections.push(connection);
  const croc = testCroc(recipientsWire.url, { timing: TIMING });
  const offer = await croc.receive(code, { onState, onConnection });
  const to = await temporaryFolder();
  const receive = offer.accept({ to });
  receive.on('state', onState);
  receive.on('connection', onConnection);
  await receive.done;
  const [came, was] = await Promise.all([readFile(path.join(to, 'file')), readFile(file)]);
  expect(came.equals(was)).toBe(true);
  return connections;
}

/** Cuts a wire when a state is entered, until that party has tried twice more. */
function cutsIn(wire: Wire, wanted: string): (state: string) => void {
  let done = false;
  return (state) => {
    if (done || state !== wanted) return;
    done = true;
    wire.cut();
    void wire.tried(2).then(() => wire.mend());
  };
}

describe('a network that is cut for a while', () => {
  // How it is lost while they join is below, after their requests.
  it.each(SENDER_STATES.filter((state) => state !== 'initialize' && state !== 'closed'))(
    'at the sender, in %s',
    async (state) => {
      const now = await scene();
      const send = await sending(now);
      const cut = cutsIn(now.sendersWire, state);
      cut(send.state);
      send.on('state', cut);
      // It is waited for as long as it takes, but only while the recipient is not there yet.
      if (state === 'awaiting-y') await now.sendersWire.tried(2);
      await receiving(now, send.code);
      expect(await codeOf(send.done)).toBe('resolved');
    },
  );

  it.each(RECIPIENT_STATES.filter((state) => state !== 'initialize' && state !== 'closed'))(
    'at the recipient, in %s',
    async (state) => {
      const now = await scene();
      const send = await sending(now);
      await receiving(now, send.code, cutsIn(now.recipientsWire, state));
      expect(await codeOf(send.done)).toBe('resolved');
    },
  );

  it.each([
    ['sender', 'its join', '"role":"sender"'],
    ['sender', 'its x', '"x":'],
    ['sender', 'its h_k', '"h_k":'],
    ['recipient', 'its join', '"role":"recipient"'],
    ['recipient', 'its wait for x', '"since":0'],
    ['recipient', 'its y', '"hh_k":'],
  ])('at the %s, after %s and before the answer', async (who, what, text) => {
    const now = await scene();
    const wire = who === 'sender' ? now.sendersWire : now.recipientsWire;
    let lost = false;
    const trap = wire.cutAfter(text).then(async () => {
      lost = true;
      // A join is not repeated for long, so that a mistyped address is told at once.
      await wire.tried(what === 'its join' ? 1 : 2);
      wire.mend();
    });
    const send = await sending(now);
    await receiving(now, send.code);
    expect(await codeOf(send.done)).toBe('resolved');
    await trap;
    expect(lost).toBe(true);
  });

  it('is told to the people on both sides, and that it is back', async () => {
    const now = await scene();
    const send = await sending(now);
    const told: boolean[] = [];
    const back = new Promise<void>((resolve) => {
      send.on('connection', ({ connected, giveUpInMs }) => {
        told.push(connected);
        if (connected) resolve();
        else {
          expect(giveUpInMs).toBeGreaterThan(10_000);
          now.sendersWire.mend();
        }
      });
    });
    now.sendersWire.cut();
    await back;
    let cut = false;
    const connections = await receiving(now, send.code, (state) => {
      if (state !== 'awaiting-h_k' || cut) return;
      cut = true;
      now.recipientsWire.cut();
      // Two of them are lanes.
      void now.recipientsWire.tried(6).then(() => now.recipientsWire.mend());
    });
    expect(await codeOf(send.done)).toBe('resolved');
    expect(told.slice(0, 2)).toEqual([false, true]);
    expect(connections.map(({ connected }) => connected).slice(0, 2)).toEqual([false, true]);
  });
});

describe('a relay that is silent for a while', () => {
  it.each([
    ['sender', 'connecting'],
    ['recipient', 'awaiting-h_k'],
  ])('does not end the wait of the %s in %s', async (who, wanted) => {
    const now = await scene();
    const wire = who === 'sender' ? now.sendersWire : now.recipientsWire;
    let done = false;
    const silence = (state: string): void => {
      if (done || state !== wanted) return;
      done = true;
      wire.silence();
      void wire.tried(2).then(() => wire.mend());
    };
    const send = await sending(now);
    if (who === 'sender') send.on('state', silence);
    await receiving(now, send.code, who === 'recipient' ? silence : undefined);
    expect(await codeOf(send.done)).toBe('resolved');
    expect(done).toBe(true);
  });
});

describe('a network that does not come back', () => {
  const SHORT = { ...TIMING, reconnectMs: 1500, answerMs: 300 };

  it('is told as a relay that is gone, and as one that is silent', async () => {
    const now = await scene();
    const gone = await sending(now, SHORT);
    now.sendersWire.cut();
    expect(await codeOf(gone.done)).toBe('relay_gone');

    now.sendersWire.mend();
    const silent = await sending(now, SHORT);
    // What waits is cut; what is asked then gets no answer.
    now.sendersWire.cut();
    now.sendersWire.silence();
    expect(await codeOf(silent.done)).toBe('relay_silent');
  });

  it('is waited for no longer than the other side waits, which is told so', async () => {
    const now = await scene();
    const send = await sending(now);
    const timing = { ...TIMING, stepMs: 300, reconnectMs: 1000 };
    now.sendersWire.cut();
    const told: boolean[] = [];
    const croc = testCroc(now.recipientsWire.url, { timing });
    const onConnection = ({ connected }: Connection): void => void told.push(connected);
    expect(await codeOf(croc.receive(send.code, { onConnection }))).toBe('peer_silent');
    expect(told).toEqual([false]);
    await send.cancel();
    await send.done.catch(() => undefined);
  });
});

describe('a relay that was restarted', () => {
  it('is told at once, to a sender that waits and to a recipient', async () => {
    const first = await testRelay();
    const { port, ports } = first;
    const file = path.join(await temporaryFolder(), 'file');
    await writeFile(file, 'content');
    const send = await testCroc(first, { timing: TIMING }).send([file]);
    const peer = new RawPeer(first.url);
    const { code } = await peer.openAsSender('lunar-acorn-quilt');
    let reached: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => (reached = resolve));
    const croc = testCroc(first, { timing: TIMING });
    const received = codeOf(
      croc.receive(code, {
        onState: (state) => {
          if (state === 'awaiting-h_k') reached();
        },
      }),
    );
    await waiting;
    await first.close();
    await testRelay({ port, tcpPorts: ports });
    expect(await codeOf(send.done)).toBe('relay_restarted');
    expect(await received).toBe('relay_restarted');
  });
});
