/** The options of `croc-share relay`, and the settings as a table of a document. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { flagOf, SETTING_GROUPS, variableOf } from './settingKinds.js';
import type { Setting } from './settingKinds.js';
import { RELAY_SETTINGS } from './settings.js';

const settings: readonly (readonly [string, Setting<unknown>])[] = Object.entries(RELAY_SETTINGS);

/** Adds an option for the config file and one for every setting, under their headings. */
export function addRelayOptions(command: Command): Command {
  command.addOption(
    new Option('--config <file>', 'JSON file with settings by name, "tcpPorts": [27001]').helpGroup(
      'Settings:',
    ),
  );
  for (const group of SETTING_GROUPS) {
    for (const [name, setting] of settings) {
      if (setting.group !== group) continue;
      const flags = [flagOf(name), setting.placeholder].filter((part) => part !== undefined);
      const value = setting.placeholder === undefined ? '' : ` <${setting.placeholder}>`;
      const option = new Option(`${flags[0] ?? ''}${value}`, helpOf(setting));
      command.addOption(option.helpGroup(`${group}:`));
    }
  }
  return command;
}

function helpOf(setting: Setting<unknown>): string {
  const shown = shownDefault(setting);
  return shown === '' ? setting.what : `${setting.what} (default: ${shown})`;
}

function shownDefault({ shown, fallback, placeholder }: Setting<unknown>): string {
  if (shown !== undefined) return shown;
  return placeholder !== undefined && typeof fallback === 'number' ? String(fallback) : '';
}

/** The settings as the tables of docs/relay.md, one a group, each under its own heading. */
export function settingsTable(): string {
  const row = ([name, setting]: readonly [string, Setting<unknown>]): string =>
    `| \`${flagOf(name)}\` | \`${name}\` | ${shownDefault(setting) || 'off'} | ${setting.what} |`;
  return SETTING_GROUPS.map((group) =>
    [
      `### ${group}`,
      '',
      '| option | in the file | default | meaning |',
      '|---|---|---|---|',
      ...settings.filter(([, setting]) => setting.group === group).map(row),
    ].join('\n'),
  ).join('\n\n');
}

/** The names under which the environment can set something. */
export function relayVariables(): string[] {
  return ['config', ...settings.map(([name]) => name)].map(variableOf);
}
