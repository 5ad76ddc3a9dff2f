/** The status item while bytes pass. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { crocApi } from '../support/extension.js';
import { Scene } from '../support/scene.js';
import {
  commandChanges,
  drawnTexts,
  hoverChanges,
  statusItem,
  statusShows,
} from '../support/shown.js';

/** What the hover of the status item offers. */
const hoverOffers = (): (string | undefined)[] =>
  [...statusItem().tooltip.matchAll(/\[([\w ]+)\]\(command:/g)].map(([, title]) => title);

describe('the status item', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
  });
  afterEach(() => scene.close());

  it('does not say that everything arrived when the other side took a part', async () => {
    const relay = await scene.relayInSettings();
    const files = [await scene.file('one.txt'), await scene.file('two.txt')];
    const send = await (await crocApi()).send(files);
    const offer = await scene.otherSide(relay.url).receive(send.code);
    await offer.accept({ to: await scene.subfolder('inbox'), only: [0] }).done;
    await send.done;
    const { spoken } = await statusShows(/\$\(check\) one\.txt and 1 more/);
    assert.match(spoken, /What the other side took is on its disk: 1 file,/);
  });

  it('counts up, and stays one button that can be clicked', async () => {
    const relay = await scene.relayInSettings();
    const big = await scene.file('big.bin', randomBytes(160 << 20));
    const send = await (await crocApi()).send([big]);
    const waiting = statusItem().command;
    assert.deepEqual(hoverOffers(), ['Copy Code', 'Copy Receive Command', 'Copy Link', 'Cancel']);
    assert.equal(waiting?.command, 'croc.showTransfer');
    drawnTexts.length = 0;
    commandChanges.count = 0;
    const offer = await scene.otherSide(relay.url).receive(send.code);
    await statusShows(/^\$\(sync~spin\) big\.bin/);
    assert.deepEqual(hoverOffers(), ['Cancel']);
    hoverChanges.count = 0;
    await offer.accept({ to: await scene.subfolder('inbox') }).done;
    await send.done;
    await statusShows(/\$\(check\) big\.bin/);
    assert.deepEqual(hoverOffers(), ['Send Again', 'Reveal']);
    // Once when bytes begin to pass, once at the end.
    assert.equal(hoverChanges.count, 2);

    const percents = drawnTexts.flatMap((text) => {
      const found = /^\$\(cloud-upload\) (\d+) %$/.exec(text ?? '')?.[1];
      return found === undefined ? [] : [Number(found)];
    });
    assert.ok(percents.length > 2, drawnTexts.join('\n'));
    assert.deepEqual(
      percents.toSorted((a, b) => a - b),
      percents,
    );
    // A new command at every step would lose the clicks that fall between two of them.
    assert.equal(commandChanges.count, 0);
    assert.deepEqual(statusItem().command, waiting);
  });

  it('offers to reveal what was received, and nothing of a text', async () => {
    const relay = await scene.relayInSettings();
    const other = scene.otherSide(relay.url);
    const send = await other.send([await scene.file('note.txt')]);
    const offer = await (await crocApi()).receive(send.code);
    await offer.accept({ to: await scene.subfolder('inbox') }).done;
    await statusShows(/\$\(check\) note\.txt/);
    assert.deepEqual(hoverOffers(), ['Reveal']);

    const text = await other.send([{ kind: 'text', text: 'hello', name: 'words' }]);
    await (await (await crocApi()).receive(text.code)).accept().done;
    await statusShows(/\$\(check\) words/);
    assert.deepEqual(hoverOffers(), []);
  });
});
