/** What a workspace that somebody else made cannot do to the extension: its settings do not count. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const manifest = v.parse(
  v.object({
    capabilities: v.object({ untrustedWorkspaces: v.object({ supported: v.string() }) }),
    contributes: v.object({
      configuration: v.object({
        properties: v.record(v.string(), v.object({ scope: v.string() })),
      }),
    }),
    activationEvents: v.array(v.string()),
  }),
  JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')),
);

describe('a workspace', () => {
  it('sets none of the settings: each is of the application or the machine', () => {
    const settings = Object.entries(manifest.contributes.configuration.properties);
    const open = settings.filter(([, { scope }]) => !['application', 'machine'].includes(scope));
    expect(settings.length).toBeGreaterThan(0);
    expect(open).toEqual([]);
  });

  it('starts nothing by being opened', () => {
    // A task, a panel that was left open, and a link wait for the person; a link asks before it does anything.
    const events = manifest.activationEvents.filter(
      (event) => !/^on(TaskType|WebviewPanel):/.test(event) && event !== 'onUri',
    );
    expect(events).toEqual([]);
    expect(manifest.capabilities.untrustedWorkspaces.supported).toBe('limited');
  });
});
