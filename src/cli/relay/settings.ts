/**
 * What an operator can set on a relay: one table, from which the command line's options and help, the
 * environment variables, the config file, their validation and the table in docs/relay.md come.
 *
 * A setting `tcpPorts` is `--tcp-ports` on the command line, `CROC_RELAY_TCP_PORTS` in the environment and
 * `"tcpPorts"` in the config file.
 */
import * as v from 'valibot';
import { LOG_LEVELS } from './log.js';
import type { LogFormat, LogLevel } from './log.js';
import {
  addressSchema,
  asIs,
  asList,
  asNumber,
  asSwitch,
  countLimit,
  portSchema,
  portsSchema,
  secondsSchema,
  setting,
  timeLimit,
} from './settingKinds.js';

const passwordSchema = v.pipe(
  v.string('a password is a text'),
  v.minLength(1, 'a password is not empty'),
  v.maxLength(1024, 'a password has at most 1024 characters'),
);
const DIGITS = 'a whole number, 1 to 9';
const nameDigitsSchema = v.pipe(
  v.number(DIGITS),
  v.integer(DIGITS),
  v.minValue(1, DIGITS),
  v.maxValue(9, DIGITS),
);

/** The settings, in the order of help and document. */
export const RELAY_SETTINGS = {
  host: setting<readonly string[]>({
    group: 'Network',
    what: 'addresses to listen on, with commas',
    placeholder: 'addresses',
    fallback: [],
    shown: 'all of this machine, IPv4 and IPv6',
    schema: v.array(addressSchema, 'a list of IP addresses'),
    fromText: asList,
  }),
  port: setting<number | undefined>({
    group: 'Network',
    what: 'HTTP port; 0: any free one',
    placeholder: 'port',
    fallback: undefined,
    shown: '8003, or a free one when that is taken',
    schema: portSchema,
    fromText: asNumber,
  }),
  tcpPorts: setting<readonly number[] | undefined>({
    group: 'Network',
    what: '1 to 16 TCP ports for data, with commas; 0: any free one',
    placeholder: 'ports',
    fallback: undefined,
    shown: '27001–27004, or free ones when those are taken',
    schema: portsSchema,
    fromText: (text) => text.split(',').map((part) => asNumber(part.trim())),
  }),
  announce: setting<boolean | undefined>({
    group: 'Network',
    what: 'whether recipients on the local network find it (multicast DNS)',
    placeholder: 'yes|no',
    fallback: undefined,
    shown: 'yes; no with --store, where several relays have the same channels',
    schema: v.boolean('yes or no'),
    fromText: asSwitch,
  }),
  nameDigits: setting<number | undefined>({
    group: 'Network',
    what: 'fewest digits of a channel name that the relay chooses, 1 to 9',
    placeholder: 'number',
    fallback: undefined,
    shown: '4 when it is announced, else 1',
    schema: nameDigitsSchema,
    fromText: asNumber,
  }),
  trustedProxies: setting<readonly string[]>({
    group: 'Network',
    what: 'addresses or subnets of proxies whose X-Forwarded-For counts, with commas',
    placeholder: 'addresses',
    fallback: [],
    shown: 'none',
    schema: v.array(v.string('addresses or subnets'), 'a list of addresses or subnets'),
    fromText: asList,
  }),
  hostName: setting<string | undefined>({
    group: 'Network',
    what: 'IP address or name under which clients reach the TCP ports',
    placeholder: 'host',
    fallback: undefined,
    shown: 'the host that they use for HTTP; with a store: the one address of `--host`',
    schema: v.string('a host is a text'),
    fromText: asIs,
  }),
  store: setting<string | undefined>({
    group: 'Network',
    what: 'redis://host:port in which relays share their channels',
    placeholder: 'url',
    fallback: undefined,
    shown: "this process's memory",
    secret: true,
    schema: v.pipe(
      v.string('a store is a text'),
      v.regex(/^rediss?:\/\//, 'a store is redis://host:port or rediss://host:port'),
    ),
    fromText: asIs,
  }),
  password: setting<string | undefined>({
    group: 'Access',
    what: 'password that clients must know; better in CROC_RELAY_PASSWORD or a file',
    placeholder: 'password',
    fallback: undefined,
    shown: 'none',
    secret: true,
    schema: passwordSchema,
    fromText: asIs,
  }),
  passwordFile: setting<string | undefined>({
    group: 'Access',
    what: 'file whose first line is the password',
    placeholder: 'file',
    fallback: undefined,
    shown: 'none',
    schema: v.pipe(v.string('the name of a file'), v.minLength(1, 'the name of a file')),
    fromText: asIs,
  }),
  crocPassword: setting<string | undefined>({
    group: 'Access',
    what: 'password that croc clients say with --pass',
    placeholder: 'password',
    fallback: undefined,
    shown: "the relay's password, else croc's own",
    secret: true,
    schema: passwordSchema,
    fromText: asIs,
  }),
  logLevel: setting<LogLevel>({
    group: 'Operation',
    what: `what is logged on stderr, and all before it: ${LOG_LEVELS.join(', ')}`,
    placeholder: 'level',
    fallback: 'info',
    shown: 'info',
    schema: v.picklist(LOG_LEVELS, `one of ${LOG_LEVELS.join(', ')}`),
    fromText: asIs,
  }),
  logFormat: setting<LogFormat>({
    group: 'Operation',
    what: 'one JSON object a line, or text for people',
    placeholder: 'json|text',
    fallback: 'auto',
    shown: 'text on a terminal, else json',
    schema: v.picklist(['auto', 'json', 'text'], 'json or text'),
    fromText: asIs,
  }),
  logAddresses: setting<boolean>({
    group: 'Operation',
    what: 'logs the addresses of clients',
    fallback: false,
    shown: 'off',
    schema: v.boolean('true or false'),
    fromText: asSwitch,
  }),
  drainSeconds: setting<number>({
    group: 'Operation',
    what: 'how long transfers may go on after SIGTERM',
    placeholder: 'seconds',
    fallback: 120,
    schema: secondsSchema(0),
    fromText: asNumber,
  }),
  metricsPort: setting<number | undefined>({
    group: 'Operation',
    what: 'port that serves GET /metrics and nothing else; 0: any free one',
    placeholder: 'port',
    fallback: undefined,
    shown: 'no metrics',
    schema: portSchema,
    fromText: asNumber,
  }),
  metricsHost: setting<string>({
    group: 'Operation',
    what: 'address for metrics; they are for everybody who reaches it',
    placeholder: 'address',
    fallback: '127.0.0.1',
    shown: '127.0.0.1',
    schema: addressSchema,
    fromText: asIs,
  }),
  channels: countLimit('open channels', 'channels', 1),
  channelsPerAddress: countLimit('open channels that one address opened', 'channelsPerAddress', 1),
  joinsPerMinute: countLimit(
    'joins a minute from one address, refused ones too',
    'joinsPerMinute',
    1,
  ),
  joinsPerMinutePerChannel: countLimit(
    'joins a minute into one channel',
    'joinsPerMinutePerChannel',
    1,
  ),
  failedJoins: countLimit(
    'wrong channels, codes and passwords of one address that are free; each one more doubles its wait',
    'failedJoins',
    0,
  ),
  failedJoinSeconds: timeLimit('the longest such wait', 'failedJoinMs', 1),
  sockets: countLimit('open connections, HTTP and TCP', 'sockets', 1),
  socketsPerAddress: countLimit(
    'open connections of one address, listed proxies excepted',
    'socketsPerAddress',
    1,
  ),
  heldPerParty: countLimit('held requests of one party', 'heldPerParty', 1),
  holdSeconds: timeLimit('how long a request is held', 'holdMs', 1, 25),
  identifySeconds: timeLimit("time for a lane's first line", 'identifyMs', 0.1),
  headSeconds: timeLimit("time for an HTTP request's head", 'headMs', 0.1),
  requestSeconds: timeLimit('time for a whole HTTP request', 'requestMs', 0.1),
  requestBytes: countLimit("bytes of an HTTP request's body", 'requestBytes', 1024, 16_384),
  keepAliveSeconds: timeLimit('life of an HTTP connection without a request', 'keepAliveMs', 1),
  idleSeconds: timeLimit('life of a channel without a request or a byte', 'idleMs', 1),
  lifeSeconds: timeLimit('life of a channel in all, data or no data', 'lifeMs', 1),
  sweepSeconds: timeLimit('how often channels past their life are looked for', 'sweepMs', 0.1),
  bytesPerChannel: countLimit(
    'bytes that may pass in one channel, then it ends; 0: any number',
    'bytesPerChannel',
    0,
  ),
  bytesPerSecond: countLimit(
    'bytes a second that may pass in one channel; 0: any number',
    'bytesPerSecond',
    0,
  ),
  memoryBytes: countLimit(
    'memory in use above which no channel is opened, bytes',
    'memoryBytes',
    1,
  ),
  laneBufferBytes: countLimit(
    'buffer of a lane and direction, bytes',
    'laneBufferBytes',
    4096,
    16 * 1024 * 1024,
  ),
  crocRooms: countLimit(
    'rooms in which a croc client waits; for one more the oldest is closed',
    'crocRooms',
    1,
  ),
  crocWaitSeconds: timeLimit('how long a croc client may wait', 'crocWaitMs', 1),
  crocJoinsPerMinute: countLimit(
    'joins of croc clients a minute from one address, and into one room',
    'crocJoinsPerMinute',
    1,
  ),
  crocPending: countLimit(
    'croc clients that introduce themselves at a time; further ones are cut',
    'crocPending',
    1,
  ),
};

/** The name of a setting. */
export type SettingName = keyof typeof RELAY_SETTINGS;
/** Every setting with its value. */
export type RelayConfig = {
  readonly [Name in SettingName]: (typeof RELAY_SETTINGS)[Name]['fallback'];
};
/** The settings that somebody set. */
export type PartialConfig = Partial<RelayConfig>;
