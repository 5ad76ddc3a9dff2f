/** What is said of a transfer that runs, in a few words: for tree, status bar and messages. */
import * as vscode from 'vscode';
import { formatRate, percentOf } from '../format.js';
import { stageText, timeLeftText } from '../texts.js';
import type { Transfer } from '../transfers.js';

const { t } = vscode.l10n;

/** @returns like `reconnecting, 4 s`; undefined while both sides hear each other */
export function lostText({ lost }: Transfer): string | undefined {
  if (lost === undefined) return undefined;
  return t('reconnecting, {0} s', Math.round((Date.now() - lost.sinceMs) / 1000));
}

/** @returns like `42 %`, `waiting`, or `reconnecting, 4 s` */
export function shortStage(transfer: Transfer): string {
  const lost = lostText(transfer);
  if (lost !== undefined) return lost;
  if (transfer.stage === 'waiting') return t('waiting for the other side');
  if (transfer.deciding) return t('the other side is looking at it');
  const { progress } = transfer;
  if (progress === undefined) return t('connecting');
  return t('{0} %', percentOf(progress.bytes, progress.total));
}

/** @returns like `12 MiB/s`, or nothing while nobody can say */
export function rateText(transfer: Transfer): string {
  const speed = transfer.rate.bytesPerSecond;
  if (speed === undefined || transfer.lost !== undefined || !transfer.active) return '';
  return formatRate(speed, vscode.env.language);
}

/** @returns like `12 s left`, or nothing while nobody can say */
export function leftText({ progress, rate, lost }: Transfer): string {
  if (progress === undefined || lost !== undefined) return '';
  const seconds = rate.secondsLeft(progress.total - progress.bytes);
  return seconds === undefined ? '' : timeLeftText(seconds);
}

/** @returns like `42 % · 12 MiB/s · 9 s left` */
export function liveText(transfer: Transfer): string {
  if (transfer.progress === undefined && transfer.lost === undefined) return stageText(transfer);
  return [shortStage(transfer), rateText(transfer), leftText(transfer)]
    .filter((text) => text !== '')
    .join(' · ');
}
