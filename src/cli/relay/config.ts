/** From command line, environment and file to one checked configuration of a relay. */
import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { CrocError } from '../../core/index.js';
import type { RelayLimits, RelaySetup } from '../../core/index.js';
import type { Environment } from '../options.js';
import { flagOf, variableOf } from './settingKinds.js';
import type { Setting } from './settingKinds.js';
import { RELAY_SETTINGS } from './settings.js';
import type { RelayConfig, SettingName } from './settings.js';

/** What the command line gave, by name of the setting: a text, or true for a switch. */
export type RelayFlags = Readonly<Record<string, string | boolean | undefined>>;

/** One value before it is checked, and where it stands. */
interface Given {
  readonly value: unknown;
  readonly where: string;
}

const MAX_FILE_BYTES = 64 * 1024;
const fileSchema = v.pipe(
  v.unknown(),
  v.check((value) => !Array.isArray(value)),
  v.record(v.string(), v.unknown()),
);
const names = Object.keys(RELAY_SETTINGS) as SettingName[];

const usage = (detail: string, cause?: unknown): CrocError =>
  new CrocError('usage', { detail, cause });

/**
 * Reads the configuration: a flag counts before the environment, that before the file, that before the
 * default.
 * @param flags - may name the file as `config`; else `CROC_RELAY_CONFIG` does
 * @throws CrocError `usage` with the place and what is wrong there
 */
export async function readRelayConfig(flags: RelayFlags, env: Environment): Promise<RelayConfig> {
  const named = flags.config ?? env[variableOf('config')];
  const file = typeof named === 'string' && named !== '' ? await readConfigFile(named) : {};
  const entries = names.map((name) => {
    const given =
      fromText(name, flags[name], flagOf(name)) ??
      fromText(name, env[variableOf(name)], variableOf(name)) ??
      (Object.hasOwn(file, name)
        ? { value: file[name], where: `"${name}" in ${String(named)}` }
        : undefined);
    return [name, given === undefined ? RELAY_SETTINGS[name].fallback : check(name, given)];
  });
  return Object.fromEntries(entries) as RelayConfig;
}

/** What the limits of a configuration are to a relay. */
export function limitsOf(config: RelayConfig): Partial<RelayLimits> {
  const entries = names.flatMap((name) => {
    const { limit } = RELAY_SETTINGS[name] as Setting<unknown>;
    return limit === undefined ? [] : [[limit.key, Number(config[name]) * limit.scale] as const];
  });
  return Object.fromEntries(entries);
}

/**
 * A configuration as `startRelay` takes it.
 * @throws CrocError `usage` when the file of the password cannot be read
 */
export async function setupOf(config: RelayConfig): Promise<RelaySetup> {
  const { host, port, tcpPorts, nameDigits, trustedProxies } = config;
  const { hostName, store, logAddresses, crocPassword } = config;
  const password = await passwordOf(config);
  return {
    hosts: host,
    trustedProxies,
    limits: limitsOf(config),
    tellAddresses: logAddresses,
    ...(port === undefined ? {} : { port }),
    ...(tcpPorts === undefined ? {} : { tcpPorts }),
    ...(password === undefined ? {} : { password }),
    ...(nameDigits === undefined ? {} : { nameDigits }),
    ...(hostName === undefined ? {} : { hostName }),
    ...(store === undefined ? {} : { store }),
    ...(crocPassword === undefined ? {} : { crocPassword }),
  };
}

async function passwordOf({ password, passwordFile }: RelayConfig): Promise<string | undefined> {
  if (password !== undefined || passwordFile === undefined) return password;
  const text = await readFile(passwordFile, 'utf8').catch((cause: unknown) => {
    throw usage(`the password file ${passwordFile} cannot be read`, cause);
  });
  const [line = ''] = text.split(/\r?\n/, 1);
  if (line === '') throw usage(`the password file ${passwordFile} is empty`);
  return line;
}

function fromText(
  name: SettingName,
  given: string | boolean | undefined,
  where: string,
): Given | undefined {
  if (given === undefined) return undefined;
  return { value: typeof given === 'string' ? RELAY_SETTINGS[name].fromText(given) : given, where };
}

function check(name: SettingName, { value, where }: Given): unknown {
  const setting = RELAY_SETTINGS[name] as Setting<unknown>;
  const parsed = v.safeParse(setting.schema, value);
  if (parsed.success) return parsed.output;
  throw usage(`${where}: ${parsed.issues[0].message}`);
}

async function readConfigFile(file: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw usage(`the config file ${file} cannot be read`, cause);
  });
  if (text.length > MAX_FILE_BYTES) throw usage(`the config file ${file} is too long`);
  const parsed = v.safeParse(fileSchema, parseJson(text, file));
  if (!parsed.success) throw usage(`the config file ${file} is not a JSON object`);
  const unknown = Object.keys(parsed.output).find((name) => !Object.hasOwn(RELAY_SETTINGS, name));
  if (unknown !== undefined) throw usage(`there is no setting "${unknown}" (in ${file})`);
  return parsed.output;
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw usage(`the config file ${file} is not JSON`, cause);
  }
}
