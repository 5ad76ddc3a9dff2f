/** How far a transfer is, as the panel shows it. */
import * as vscode from 'vscode';
import { printable, type Progress } from '../../core/index.js';
import { MOST_ACTIVE, type PanelProgress } from '../../webview/messages.js';
import { formatRate, percentOf } from '../format.js';
import { bytesText, stageText } from '../texts.js';
import type { Transfer } from '../transfers.js';
import { leftText, rateText } from './liveTexts.js';

const { t } = vscode.l10n;

function filesOf({ active = [], bytes: all }: Progress): PanelProgress['files'] {
  return active.slice(0, MOST_ACTIVE).map(({ path, bytes, size }) => {
    // A sender has read more of a file than the recipient has of everything.
    const there = Math.min(bytes, all);
    return {
      name: printable(path),
      percent: percentOf(there, size),
      detail: t('{0} of {1}', bytesText(there), bytesText(size)),
    };
  });
}

function notesOf({ resumed = 0, total, files, filesDone }: Progress): string[] {
  return [
    ...(files === undefined || filesDone === undefined || files < 2
      ? []
      : [t('{0} of {1} files are there.', filesDone, files)]),
    ...(resumed > 0
      ? [t('Resuming: {0} % was there already and is not sent again.', percentOf(resumed, total))]
      : []),
  ];
}

/** The graph of a transfer that has moved for a while. */
function graphOf(transfer: Transfer): Pick<PanelProgress, 'graph'> {
  const points = [...transfer.rates.points];
  if (points.length < 3) return {};
  const top = formatRate(Math.max(...points), vscode.env.language);
  const now = transfer.rate.bytesPerSecond;
  return {
    graph: {
      points,
      top: t('Highest {0}', top),
      label:
        now === undefined
          ? t('Rate over time, highest {0}', top)
          : t('Rate over time: now {0}, highest {1}', formatRate(now, vscode.env.language), top),
    },
  };
}

/** @returns undefined while nothing is under way */
export function progressOf(transfer: Transfer): PanelProgress | undefined {
  const { stage, progress } = transfer;
  const nothingYet = { left: '', right: '', notes: [], files: [] };
  if (stage === 'connecting' || transfer.deciding || (stage === 'running' && !progress))
    return { label: stageText(transfer), ...nothingYet };
  if (progress === undefined || stage !== 'running') return undefined;
  const { bytes, total, path } = progress;
  const percent = percentOf(bytes, total);
  const files = filesOf(progress);
  const notes = notesOf(progress);
  return {
    label: t('Progress'),
    percent,
    left: t('{0} of {1} ({2} %)', bytesText(bytes), bytesText(total), percent),
    right: [rateText(transfer), leftText(transfer)].filter((text) => text !== '').join(' · '),
    notes: files.length > 0 || path === undefined ? notes : [...notes, printable(path)],
    files,
    ...graphOf(transfer),
  };
}
