/** Waiting for events in the extension host. */
import type * as vscode from 'vscode';
import { within } from '../../support/vscode/wait.js';

const STEP_MS = 20_000;

/** The next value of a VS Code event that `accept` takes; rejects after `ms` milliseconds. */
export async function nextEvent<T>(
  event: vscode.Event<T>,
  what: string,
  accept: (value: T) => boolean = () => true,
  ms = STEP_MS,
): Promise<T> {
  let subscription: vscode.Disposable | undefined;
  const value = new Promise<T>((resolve) => {
    subscription = event((candidate) => {
      if (accept(candidate)) resolve(candidate);
    });
  });
  try {
    return await within(value, ms, what);
  } finally {
    subscription?.dispose();
  }
}
