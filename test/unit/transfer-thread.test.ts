import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { prepareThread, threadFor } from '../../src/core/transfer/thread.js';

let folder = '';
let one = '';
let other = '';
const threads: Worker[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'croc-thread-'));
  [one, other] = [path.join(folder, 'one.cjs'), path.join(folder, 'other.cjs')];
  // Says which file it is, and what it saw of the environment, when it is asked.
  const code = `const { parentPort } = require('node:worker_threads');
parentPort.on('message', () => parentPort.postMessage([__filename, process.env.CROC_SECRET]));`;
  for (const file of [one, other]) await writeFile(file, code);
});
afterEach(async () => {
  await Promise.all(threads.splice(0).map((thread) => thread.terminate()));
  await rm(folder, { recursive: true });
});

/** What the thread for a file says. */
async function ask(thread: Worker): Promise<unknown> {
  threads.push(thread);
  thread.postMessage('who');
  const [said] = (await once(thread, 'message')) as unknown[];
  return said;
}

it('hands the prepared thread out once, with the environment of its start', async () => {
  prepareThread(one);
  process.env.CROC_SECRET = 'later';
  try {
    expect(await ask(threadFor(one))).toEqual([one, undefined]);
    expect(await ask(threadFor(one))).toEqual([one, 'later']);
  } finally {
    delete process.env.CROC_SECRET;
  }
});

it('starts another where another file is needed, and leaves the prepared one to nobody', async () => {
  prepareThread(one);
  expect(await ask(threadFor(other))).toEqual([other, undefined]);
  process.env.CROC_SECRET = 'later';
  try {
    expect(await ask(threadFor(one))).toEqual([one, 'later']);
  } finally {
    delete process.env.CROC_SECRET;
  }
});
