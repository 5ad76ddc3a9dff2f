#!/usr/bin/env node
/**
 * Entry of the program `croc-share`. A transfer's thread takes as long to start as this one takes to load the
 * program, so it starts first.
 */
import { expectTransfer } from '../core/early.js';
import { optimizeLater } from './optimizing.js';

const VERBS = ['send', 'receive', 'relay', 'check'];

/** Takes the environment and removes the secret from it, so that nothing started later inherits it. */
function takeEnvironment(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  delete process.env.CROC_SECRET;
  delete process.env.CROC_RELAY_PASSWORD;
  return env;
}

const argv = process.argv.slice(2);
// Hides the arguments, which may hold a code, from the process list (CVE-2023-43621).
process.title = ['croc-share', ...argv.filter((word) => VERBS.includes(word)).slice(0, 1)].join(
  ' ',
);
const env = takeEnvironment();
const isTransfer = argv[0] === 'send' || argv[0] === 'receive';
if (isTransfer) optimizeLater();
if (isTransfer && !argv.includes('--help') && !argv.includes('--croc')) expectTransfer();
/** Ends at once when everything was said: to take this thread apart takes longer than the person should wait. */
function leave(): void {
  process.stdout.write('', () => process.stderr.write('', () => process.exit()));
}
void import('./run.js').then(({ run }) => run(argv, env)).then(leave);
