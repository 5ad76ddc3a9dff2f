/** What somebody sees who has never used the extension. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { until } from '../../support/vscode/wait.js';
import { Scene } from '../support/scene.js';

describe('Get Started', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
  });
  afterEach(() => scene.close());

  it('opens the walkthrough', async () => {
    await vscode.commands.executeCommand('croc.getStarted');
    const labels = () =>
      vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.map(({ label }) => label));
    const opened = () => labels().find((label) => /Walkthrough|Welcome/.test(label));
    assert.ok(await until(opened, 20_000, 'The walkthrough'));
  });
});
