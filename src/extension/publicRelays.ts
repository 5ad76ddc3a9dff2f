/** The public relays of the croc program: nothing goes there before the person has said once that it may. */
import * as vscode from 'vscode';
import { CrocError } from '../core/index.js';
import { askOne } from './receive/quick.js';
import { settings } from './settings.js';

const AGREED = 'publicRelaysAgreed';

/**
 * Asks whether a transfer may go over croc's public relays, once on this machine.
 *
 * @param state - remembers the answer @throws CrocError `cancelled` when the person does not want it
 */
export async function agreeToPublicRelays(state: vscode.Memento): Promise<void> {
  if (state.get<unknown>(AGREED) === true) return;
  const { t } = vscode.l10n;
  const agree = {
    label: `$(globe) ${t('Use croc’s public relays')}`,
    detail: t('They see both addresses and how much is sent, neither names nor contents.'),
  };
  const own = {
    label: `$(settings-gear) ${t('Set a relay of your own…')}`,
    detail: t('Opens the settings; nothing is sent or received now.'),
  };
  const answer = await askOne(
    {
      title: t('No relay is set: go over the internet?'),
      placeholder: t('You are asked once on this machine.'),
      ...{ items: [agree, own], step: 1, totalSteps: 1 },
    },
    { back: false },
  );
  if (answer.kind === 'value' && answer.value === own) await settings.open('relay');
  if (answer.kind !== 'value' || answer.value === own) throw new CrocError('cancelled');
  await state.update(AGREED, true);
}
