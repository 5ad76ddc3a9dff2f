/** What the panel says in its states, in both languages. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { isPublicCrocRelay } from '../../src/extension/address.js';
import { panelStates } from '../support/panel/states.js';
import { speak } from '../support/panel/vscode.js';

/** A state that must be there. */
function state(name: string) {
  const found = panelStates()[name];
  if (found === undefined) throw new Error(`No state ${name}.`);
  return found;
}

describe('the panel', () => {
  it('offers a next step in every state that is over', () => {
    for (const [name, { stage, buttons }] of Object.entries(panelStates()))
      if (['done', 'failed', 'cancelled', 'interrupted', 'ended'].includes(stage))
        expect(buttons.length, name).toBeGreaterThan(0);
    expect(state('cancelled-receive').buttons).toEqual([
      { action: 'receive-again', label: 'Receive Again', icon: 'refresh', primary: false },
    ]);
  });

  it('offers what was sent again, and where it is; of a text nothing that is on a disk', () => {
    const actions = (name: string) => state(name).buttons.map(({ action }) => action);
    expect(actions('sent')).toEqual(['send-again', 'reveal']);
    expect(actions('sent-text')).toEqual(['send-again']);
    expect(actions('received')).toEqual(['open', 'reveal', 'undo']);
    expect(actions('received-text')).toEqual(['close']);
    expect(state('received-text').hint).toBeUndefined();
    expect(state('received').hint).toBe('Folder: /home/bob/inbox');
    expect(state('past-text').hint).not.toMatch(/Folder/);
  });

  it('counts nothing any more when it is over, and never a text', () => {
    for (const name of ['cancelled', 'sent-text', 'received-text', 'past-text'])
      expect(state(name).list?.summary, name).toBe('');
    expect(state('sent').list?.summary).toBe('312 files, 14 folders, 734 MiB');
  });

  it('shows no file further than everything', () => {
    const { progress } = state('sending-one');
    expect(progress?.left).toBe('103 MiB of 8.0 GiB (1 %)');
    expect(progress?.files.map(({ detail }) => detail)).toEqual(['103 MiB of 8.0 GiB']);
  });

  it('says when a relay is a public one of the croc program, and that it is on the internet', () => {
    const { relay, qr } = state('waiting-public');
    expect(relay?.text).toBe('croc://2.getcroc.com:9009');
    expect(relay?.note).toMatch(/One of croc’s public relays, on the internet/);
    expect(qr).toBeUndefined();
    expect(isPublicCrocRelay('croc://2.getcroc.com:9009')).toBe(true);
    for (const other of [
      'croc://getcroc.com:9009',
      'croc://5.getcroc.com:9009',
      'croc://2.getcroc.com.example:9009',
    ])
      expect(isPublicCrocRelay(other), other).toBe(false);
  });

  it('says all of it in German, too', () => {
    const english = JSON.stringify(
      Object.values(panelStates()).map(({ status, heading }) => [status, heading]),
    );
    speak('de');
    onTestFinished(() => speak('en'));
    for (const { status, heading } of Object.values(panelStates()))
      for (const text of [status, heading]) expect(english).not.toContain(JSON.stringify(text));
  });
});
