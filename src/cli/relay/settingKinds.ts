/** The kinds of settings that an operator's table (settings.ts) is made of. */
import { isIP } from 'node:net';
import * as v from 'valibot';
import { DEFAULT_RELAY_LIMITS as LIMITS } from '../../core/index.js';
import type { RelayLimits } from '../../core/index.js';

/** The headings under which help and document list the settings. */
export const SETTING_GROUPS = ['Network', 'Access', 'Operation', 'Limits'] as const;
export type SettingGroup = (typeof SETTING_GROUPS)[number];

/** One setting, whose value is a `T`. */
export interface Setting<T> {
  readonly group: SettingGroup;
  /** What it does, for help and document. */
  readonly what: string;
  /** What stands for the value in help (`<ports>`); absent for a switch. */
  readonly placeholder?: string;
  /** What holds when nobody sets it. */
  readonly fallback: T;
  /** The default as people read it; absent when the fallback says it. */
  readonly shown?: string;
  /** Whether its value is never shown. */
  readonly secret?: boolean;
  /** Checks a value of the config file, or what `fromText` made. */
  readonly schema: v.GenericSchema<unknown, T>;
  /** The value that a text on the command line or in the environment stands for, not yet checked. */
  readonly fromText: (text: string) => unknown;
  /** The limit that it sets, and what one of its unit is there. */
  readonly limit?: { readonly key: keyof RelayLimits; readonly scale: number };
}

type Description = Pick<Setting<never>, 'group' | 'what'> & { readonly shown?: string };

/** A text as it is. */
export const asIs = (text: string): unknown => text;
/** A number, or the text when it is none. */
export const asNumber = (text: string): unknown =>
  /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text;
/** Parts between commas. */
export const asList = (text: string): unknown =>
  text.trim() === '' ? [] : text.split(',').map((part) => part.trim());
/** Yes or no, or the text when it is neither. */
export const asSwitch = (text: string): unknown =>
  /^(1|true|yes|on)$/i.test(text) ? true : /^(0|false|no|off|)$/i.test(text) ? false : text;

const MAX_PORTS = 16;
/** A port. */
export const portSchema = v.pipe(
  v.number('a port is a number from 0 to 65535'),
  v.integer('a port is a number from 0 to 65535'),
  v.minValue(0, 'a port is a number from 0 to 65535'),
  v.maxValue(65_535, 'a port is a number from 0 to 65535'),
);
/** The ports of lanes. */
export const portsSchema = v.pipe(
  v.array(portSchema, 'ports are numbers from 0 to 65535'),
  v.minLength(1, 'at least one port'),
  v.maxLength(MAX_PORTS, `at most ${MAX_PORTS} ports`),
  v.check((ports) => {
    const named = ports.filter((port) => port !== 0);
    return new Set(named).size === named.length;
  }, 'a port is named twice'),
);
/** An IP address. */
export const addressSchema = v.pipe(
  v.string('an address is a text'),
  v.check((text) => isIP(text) !== 0, 'not an IP address'),
);

/** A whole number between two bounds. */
export function count(
  description: Description,
  fallback: number,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): Setting<number> {
  const most = max === Number.MAX_SAFE_INTEGER ? 'or more' : `to ${max}`;
  const says = `a whole number, ${min} ${most}`;
  const schema = v.pipe(
    v.number(says),
    v.integer(says),
    v.minValue(min, says),
    v.maxValue(max, says),
  );
  return { ...description, placeholder: 'number', fallback, schema, fromText: asNumber };
}

/** Seconds, a fraction perhaps, between two bounds. */
export function secondsSchema(min: number, max = 31_536_000): v.GenericSchema<unknown, number> {
  const says = `seconds, from ${min} to ${max}`;
  return v.pipe(v.number(says), v.finite(says), v.minValue(min, says), v.maxValue(max, says));
}

/** A limit that is a number of things. */
export function countLimit(
  what: string,
  key: keyof RelayLimits,
  min: number,
  max?: number,
): Setting<number> {
  const setting = count({ group: 'Limits', what }, LIMITS[key], min, max);
  return { ...setting, limit: { key, scale: 1 } };
}

/** A limit that is a time in seconds. */
export function timeLimit(
  what: string,
  key: keyof RelayLimits,
  min: number,
  max?: number,
): Setting<number> {
  return {
    group: 'Limits',
    what,
    placeholder: 'seconds',
    fallback: LIMITS[key] / 1000,
    schema: secondsSchema(min, max),
    fromText: asNumber,
    limit: { key, scale: 1000 },
  };
}

/** A setting of any kind, its types held together. */
export function setting<T>(description: Setting<T>): Setting<T> {
  return description;
}

/** `tcpPorts` as an option: `--tcp-ports`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `tcpPorts` as an environment variable: `CROC_RELAY_TCP_PORTS`. */
export function variableOf(name: string): string {
  return `CROC_RELAY_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
