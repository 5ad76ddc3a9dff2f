/** The questions of *Receive croc code*, one function a question. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Person } from './person.js';

type Pick = vscode.QuickPick<vscode.QuickPickItem>;

/** The next box, which must be a list. */
export async function nextPick(person: Person): Promise<Pick> {
  const box = await person.nextBox();
  if (!('items' in box)) throw new Error(`Not a list: ${box.prompt ?? ''}`);
  return box;
}

/** Answers the question for the code. */
export async function giveCode(person: Person, code: string): Promise<void> {
  const box = await nextPick(person);
  assert.match(box.placeholder ?? '', /Enter the code/);
  box.value = code;
  await person.accept(box);
}

/** Answers the question for the relay. */
export async function giveRelay(person: Person, address: string): Promise<void> {
  const box = await person.nextBox();
  assert.ok(!('items' in box), 'The relay is typed.');
  box.value = address;
  await person.accept(box);
}

/** Waits for the list of what is offered. */
export async function offerList(person: Person): Promise<Pick> {
  const box = await nextPick(person);
  assert.match(box.placeholder ?? '', /Untick what you do not want/);
  return box;
}

/** Takes everything that is offered. */
export async function takeAll(person: Person): Promise<void> {
  await person.accept(await offerList(person));
}

/** Takes one row of the list that is asked next; gives the labels of all rows. */
export async function takeRow(person: Person, question: RegExp, row: RegExp): Promise<string[]> {
  const box = await nextPick(person);
  assert.match(box.placeholder ?? '', question);
  const found = box.items.find(({ label }) => row.test(label));
  assert.ok(found, `No row like ${String(row)}`);
  box.activeItems = [found];
  await person.accept(box);
  return box.items.map(({ label }) => label);
}

/** Chooses a folder (absolute, exists) by Browse…. */
export async function chooseFolder(person: Person, folder: string): Promise<void> {
  person.willChoose([vscode.Uri.file(folder)]);
  await takeRow(person, /Where should it go/, /Browse/);
}
