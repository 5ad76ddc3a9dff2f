/** Holds the documents and the code together: codes, numbers, options, links, and tests that are named. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { settingsTable } from '../../src/cli/relay/options.js';
import type { Setting } from '../../src/cli/relay/settingKinds.js';
import { RELAY_SETTINGS } from '../../src/cli/relay/settings.js';
import { RECIPIENT_STATES, SENDER_STATES } from '../../src/core/channel/states.js';
import { ERRORS, RELAY_ERROR_STATUS, isErrorCode } from '../../src/core/errors.js';
import type { ErrorCode } from '../../src/core/errors.js';
import * as blocks from '../../src/core/files/blocks.js';
import { MAX_ENTRIES } from '../../src/core/files/safePath.js';
import { DEFAULT_LIMITS } from '../../src/core/relay/limits.js';
import * as http from '../../src/core/wire/http.js';
import * as limits from '../../src/core/wire/limits.js';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const below = (folder: string): string[] =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => path.join(folder, file));
const DOCUMENTS = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(path.join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => path.join('docs', file)),
];
/** The cells of every table row, without the outer bars. */
const rowsOf = (markdown: string): string[][] =>
  markdown
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
const quoted = (cell: string): string | undefined => /^`([^`]+)`$/.exec(cell)?.[1];
const codes = (Object.keys(ERRORS) as ErrorCode[]).sort();

describe('docs/errors.md', () => {
  const rows = rowsOf(read('docs/errors.md')).filter(([cell = '']) => quoted(cell) !== undefined);

  it('lists exactly the codes that there are, once each', () => {
    expect(rows.map(([cell = '']) => quoted(cell)).sort()).toEqual(codes);
  });

  it.each(codes)('has phase and sentences of %s', (code) => {
    const row = rows.find(([cell = '']) => quoted(cell) === code);
    const { phase, what, next } = ERRORS[code];
    expect(row?.slice(1, 4)).toEqual([phase, what, next]);
    expect(row?.[4]).toMatch(/\w{3,}/);
  });
});

describe('every error code', () => {
  /** Tells a literal that makes an error from one that only asks for it, or is another word. */
  function makes(literal: ts.StringLiteral): boolean {
    const { parent } = literal;
    if (ts.isBinaryExpression(parent) || ts.isCaseClause(parent)) return false;
    if (ts.isLiteralTypeNode(parent) || ts.isArrayLiteralExpression(parent)) return false;
    // What the relay's operator is told is called `refused` too.
    return !(ts.isPropertyAssignment(parent) && parent.name.getText() === 'kind');
  }

  it('is made somewhere', () => {
    const made = new Set<string>();
    for (const file of [...below('src/core'), ...below('src/cli')]) {
      if (file === path.join('src/core', 'errors.ts')) continue;
      const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.ES2023, true);
      const visit = (node: ts.Node): void => {
        if (ts.isStringLiteral(node) && isErrorCode(node.text) && makes(node)) made.add(node.text);
        ts.forEachChild(node, visit);
      };
      visit(source);
    }
    expect(codes.filter((code) => !made.has(code))).toEqual([]);
  });

  it('has sentences that end, and tells what to do', () => {
    for (const code of codes) {
      const { what, next } = ERRORS[code];
      expect([what, next].join(' ')).toMatch(/^[A-Z].*\. .*\.$/s);
    }
  });
});

describe('docs/protocol.md', () => {
  const text = read('docs/protocol.md');
  const plain = text.replace(/\s+/g, ' ');

  it('has every code of the relay with its status', () => {
    const listed = rowsOf(text)
      .map(([code = '', status = '']) => [quoted(code), status] as const)
      .filter(([code, status]) => code !== undefined && /^\d{3}$/.test(status));
    expect(Object.fromEntries(listed)).toEqual(
      Object.fromEntries(Object.entries(RELAY_ERROR_STATUS).map(([code, s]) => [code, String(s)])),
    );
  });

  const english = (count: number): string => count.toLocaleString('en');
  const seconds = (ms: number): string => `${ms / 1000} s`;
  const { pingMs, silenceMs } = {
    pingMs: limits.PING_INTERVAL_MS,
    silenceMs: limits.PEER_SILENCE_MS,
  };
  it.each<[string, string]>([
    ['a plaintext', `1 to ${english(limits.MAX_PLAINTEXT_BYTES)} bytes`],
    ['content in a record', `at most ${limits.MAX_PAYLOAD_BYTES / 2 ** 20} MiB of bytes in all`],
    ['pieces', `1 to ${english(limits.MAX_PIECES)} pieces`],
    ['the tag', `${limits.TAG_BYTES}-byte tag`],
    ['entries', `At most ${english(MAX_ENTRIES)} entries`],
    ['an offer', `${limits.MAX_OFFER_BYTES / 2 ** 20} MiB`],
    ['a text', `at most ${limits.MAX_TEXT_BYTES / 2 ** 20} MiB (\`limit_exceeded\`)`],
    ['a message of a text', `1 to ${english(limits.TEXT_CHUNK_BYTES)} bytes`],
    ['the version', `\`version\` is ${limits.DATA_VERSION} (the highest`],
    ['the oldest version', `\`oldest\` ${limits.OLDEST_DATA_VERSION} (the lowest)`],
    ['a ping', `a party that has sent nothing for ${seconds(pingMs)}`],
    ['silence', `heard nothing for ${seconds(silenceMs)}`],
    ['a block', `A *block* is ${english(limits.BLOCK_BYTES)} bytes`],
    ['a hash', `the first ${limits.HASH_BYTES} bytes of SHA-256`],
    ['a salt', `are ${limits.SALT_BYTES} random bytes`],
    ['blocks on their way', `At most ${english(limits.MAX_UNJUDGED_BLOCKS)} blocks may be`],
    ['runs', `has 1 to ${english(limits.MAX_RUNS)} runs`],
    ['a request', `at most ${english(http.MAX_REQUEST_BYTES)} bytes`],
    [
      'a first line',
      `most ${http.MAX_LANE_LINE_BYTES} bytes with its end, within ${seconds(http.IDENTIFY_MS)}`,
    ],
    ['a held request', `or ${seconds(http.MAX_HOLD_MS)} have passed`],

    ['early bytes', `up to ${DEFAULT_LIMITS.laneBufferBytes / 1024} KiB`],
    ['ports', `"ports": [${http.DEFAULT_TCP_PORTS.join(', ')}]`],
  ])('says how much: %s', (_, words) => {
    expect(plain).toContain(words);
  });

  it('has exactly the features that this version knows', () => {
    const table = text.slice(text.indexOf('| feature |')).split('\n\n')[0] ?? '';
    const named = rowsOf(table).flatMap(([cell = '']) => quoted(cell) ?? []);
    expect(named).toEqual([...limits.FEATURES]);
  });

  it('has the bytes of a point on each curve', () => {
    const { p256, p384, p521, siec } = http.POINT_BYTES;
    expect(plain).toContain(
      `(${p256}, ${p384}, ${p521}, ${siec} bytes for p256, p384, p521, siec)`,
    );
  });

  it('has the default limits of a relay', () => {
    const cells = Object.fromEntries(rowsOf(text).map(([what = '', value = '']) => [what, value]));
    expect(cells).toMatchObject({
      'channels in all': english(DEFAULT_LIMITS.channels),
      'channels opened by one address': english(DEFAULT_LIMITS.channelsPerAddress),
      'joins a minute from one address, failed ones too': english(DEFAULT_LIMITS.joinsPerMinute),
      'joins a minute into one channel': english(DEFAULT_LIMITS.joinsPerMinutePerChannel),
      'life of a channel in all': `${DEFAULT_LIMITS.lifeMs / 3_600_000} h`,
      'open connections in all, HTTP and TCP': english(DEFAULT_LIMITS.sockets),
      'open connections of one address': english(DEFAULT_LIMITS.socketsPerAddress),
      'held requests of one party': english(DEFAULT_LIMITS.heldPerParty),
    });
  });

  it('has every state, in order, with its deadline', () => {
    // The defaults are not exported, so they are read where they stand.
    const timing = (name: string): number => {
      const found =
        new RegExp(`\\b${name}: ([\\d_ *]+),`).exec(read('src/core/croc.ts'))?.[1] ?? '';
      return found
        .split('*')
        .reduce((product, factor) => product * Number(factor.replace(/_/g, '')), 1);
    };
    const [initialize, step] = [seconds(timing('initializeMs')), seconds(timing('stepMs'))];
    const wait = `${timing('waitMs') / 3_600_000} h, settable`;
    const silence = `${seconds(limits.PEER_SILENCE_MS)} of silence`;
    const deadlines = rowsOf(text)
      .filter((row) => row.length === 4 && /^`[a-z_-]+`$/.test(row[0] ?? ''))
      .map(([state = '', , , deadline]) => [quoted(state), deadline] as const)
      .filter(([state]) =>
        [...SENDER_STATES, ...RECIPIENT_STATES].some((known) => known === state),
      );
    expect(deadlines).toEqual([
      ...[
        ['initialize', initialize],
        ['awaiting-y', wait],
        ['verifying', '–'],
        ['connecting', step],
      ],
      ...[
        ['awaiting-staple', step],
        ['sending', silence],
        ['closed', ''],
      ],
      ...[
        ['initialize', initialize],
        ['awaiting-x', step],
        ['awaiting-h_k', step],
      ],
      ...[
        ['connecting', step],
        ['receiving', silence],
        ['closed', ''],
      ],
    ]);
  });
});

describe('docs/architecture.md', () => {
  const plain = read('docs/architecture.md').replace(/\s+/g, ' ');
  /** A constant that its file keeps to itself, read where it stands. */
  const constant = (file: string, name: string): number => {
    const found = new RegExp(`const ${name} = ([\\d_ *]+);`).exec(read(`src/core/${file}`))?.[1];
    if (found === undefined) throw new Error(`${file} has no ${name}`);
    return found.split('*').reduce((all, one) => all * Number(one.replaceAll('_', '')), 1);
  };
  const kib = (file: string, name: string): string => `${constant(file, name) / 1024} KiB`;
  const mib = (file: string, name: string): string => `${constant(file, name) / 2 ** 20} MiB`;
  const s = (file: string, name: string): string => `${constant(file, name) / 1000} s`;

  it.each([
    ['small files', `up to ${kib('transfer/plan.ts', 'SMALL_FILE_BYTES')} each`],
    ['pieces', `up to ${limits.MAX_PAYLOAD_BYTES / 2 ** 20} MiB and ${limits.MAX_PIECES} pieces`],
    [
      'the queue',
      `wait when ${kib('transfer/laneConnection.ts', 'HIGH_WATER_BYTES')} or more are queued`,
    ],
    [
      'the queue again',
      `below ${kib('transfer/laneConnection.ts', 'HIGH_WATER_BYTES')} when a record`,
    ],
    ['the opener', `(${(limits.MAX_PLAINTEXT_BYTES + 20).toLocaleString('en')} bytes)`],
    ['a staple', `4 × ${DEFAULT_LIMITS.laneBufferBytes / 1024} KiB`],
    ['pieces of a file', `at most ${constant('files/coverage.ts', 'MAX_PIECES')} pieces at a time`],
    ['open files', `up to ${constant('files/partFiles.ts', 'MAX_OPEN')} that are being written`],
    ['a group', `two groups of ${constant('files/committer.ts', 'BATCH_FILES')}`],
    ['a group’s bytes', `files or ${mib('files/committer.ts', 'BATCH_BYTES')};`],
    ['a large file', `every ${mib('files/partFile.ts', 'FLUSH_EVERY_BYTES')}`],
    ['an answer', `an answer ${kib('channel/postJson.ts', 'MAX_ANSWER_BYTES')}`],
    ['entries a message', `${constant('transfer/person.ts', 'ENTRIES_PER_MESSAGE')} a message`],
    ['farewell', `tell the peer (${s('transfer/session.ts', 'FAREWELL_MS')})`],
    ['the worker’s end', `worker ended (${s('transfer/host.ts', 'ENDING_MS')}`],
  ])('says how much: %s', (_, words) => {
    expect(plain).toContain(words);
  });
});

describe('blocks', () => {
  it('are the same on the wire and on the disk', () => {
    const { BLOCK_BYTES, HASH_BYTES, SALT_BYTES } = limits;
    expect(blocks).toMatchObject({ BLOCK_BYTES, HASH_BYTES, SALT_BYTES });
  });
});

describe('docs/relay.md', () => {
  it('has exactly the table of settings that the program has', () => {
    expect(read('docs/relay.md')).toContain(`\n${settingsTable()}\n`);
  });

  it('has every limit of a relay as a setting, once', () => {
    const settings: readonly Setting<unknown>[] = Object.values(RELAY_SETTINGS);
    expect(settings.flatMap(({ limit }) => limit?.key ?? []).sort()).toEqual(
      Object.keys(DEFAULT_LIMITS).sort(),
    );
  });

  it('has the options that the help has', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      path.join(root, 'dist/cli.js'),
      ...['relay', '--help'],
    ]);
    const helped = [...stdout.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option]) => option);
    const named = rowsOf(read('docs/relay.md')).flatMap(
      ([cell = '']) => /^`(--[a-z-]+)`$/.exec(cell)?.[1] ?? [],
    );
    expect(helped.sort()).toEqual(['--json', '--config', ...named].sort());
  });
});

describe('README.md', () => {
  const text = read('README.md');
  const run = promisify(execFile);

  it.each(['send', 'receive', 'check'])('has exactly the options of %s', async (verb) => {
    const { stdout } = await run(process.execPath, [
      path.join(root, 'dist/cli.js'),
      verb,
      '--help',
    ]);
    const helped = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option]) => option);
    const section = text.slice(text.indexOf('## Command line'));
    const synopsis =
      new RegExp(`^croc-share ${verb} .*(?:\\n {20,}.*)*`, 'm').exec(section)?.[0] ?? '';
    const named = [...synopsis.matchAll(/--[a-z-]+/g)].map(([option]) => option);
    expect(named.sort()).toEqual(helped.filter((option) => option !== '--help').sort());
    const explained = rowsOf(text).map(([cell = '']) => cell);
    for (const option of named) expect(explained.some((cell) => cell.includes(option))).toBe(true);
  });

  it('has exactly the settings that there are', () => {
    const manifest = v.parse(
      v.object({
        contributes: v.object({
          configuration: v.object({ properties: v.record(v.string(), v.unknown()) }),
        }),
      }),
      JSON.parse(read('package.json')),
    );
    const named = rowsOf(text).flatMap(([cell = '']) => /^`(croc\.\w+)`$/.exec(cell)?.[1] ?? []);
    expect(named.sort()).toEqual(Object.keys(manifest.contributes.configuration.properties).sort());
  });

  it('has exactly the environment variables that the program reads', () => {
    const known = new Set(
      below('src/cli').flatMap((file) =>
        [...read(file).matchAll(/env\.(CROC_\w+)/g)].map(([, n]) => n),
      ),
    );
    const named = rowsOf(text).flatMap(([cell = '']) => /^`(CROC_\w+)`$/.exec(cell)?.[1] ?? []);
    expect(named.sort()).toEqual([...known].sort());
  });

  it('quotes what errors say', () => {
    const section = text.slice(text.indexOf('## When it does not work'), text.indexOf('## More'));
    const sentences = Object.values(ERRORS).map(({ what }) => what);
    const rows = rowsOf(section).slice(2);
    expect(rows.length).toBeGreaterThan(4);
    for (const [said = ''] of rows)
      expect(
        sentences.some((sentence) => sentence.toLowerCase().includes(said.toLowerCase())),
      ).toBe(true);
  });
});

describe('links', () => {
  /** The anchors of a page's headings, as GitHub makes them. */
  const anchorsOf = (markdown: string): string[] =>
    [...markdown.replace(/```[^]*?```/g, '').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );

  it.each(DOCUMENTS)('of %s lead somewhere', (document) => {
    const prose = read(document).replace(/```[^]*?```|`[^`\n]*`/g, '');
    const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    const dead = links.filter((target) => {
      if (/^https:\/\//.test(target)) return false;
      const [file = '', anchor] = target.split('#');
      const full = file === '' ? document : path.join(path.dirname(document), file);
      if (!existsSync(path.join(root, full))) return true;
      return anchor !== undefined && !anchorsOf(read(full)).includes(anchor);
    });
    expect(dead).toEqual([]);
  });

  it.each(DOCUMENTS)('and paths of files that %s names are there', (document) => {
    const named = [...read(document).matchAll(/`((?:src|test|docs|scripts|media)\/[\w./-]*\w)`/g)];
    const missing = named.filter(
      // What a run makes need not be there.
      ([, file = '']) => !file.startsWith('test/out') && !existsSync(path.join(root, file)),
    );
    expect(missing.map(([, file]) => file)).toEqual([]);
  });
});

describe('docs/security.md', () => {
  const text = read('docs/security.md');

  it('names tests that there are, by file and title', () => {
    // Written as `unit/x.test.ts` “title”, and more titles of the same file after commas.
    const named = [
      ...text.matchAll(/`((?:unit|integration|vscode|e2e)\/[\w./-]+\.test\.ts)`((?:,? “[^”]+”)+)/g),
    ];
    const titles = named.flatMap(([, file = '', several = '']) =>
      [...several.matchAll(/“([^”]+)”/g)].map(([, title = '']) => ({ file, title })),
    );
    expect(titles.length).toBeGreaterThan(30);
    const gone = titles.filter(({ file, title }) => {
      const source = read(path.join('test', file)).replaceAll("\\'", "'").replace(/\s+/g, ' ');
      return (
        !source.includes(`'${title.replace(/\s+/g, ' ')}`) &&
        !source.includes(`"${title.replace(/\s+/g, ' ')}`)
      );
    });
    expect(gone).toEqual([]);
    // And none is written in a way that is not looked at.
    expect(text.match(/\.test\.ts`/g)?.length).toBe(named.length);
  });

  it('has each of the published weaknesses with a test', () => {
    const rows = rowsOf(text).filter(([cell = '']) => /^CVE-/.test(cell));
    expect(rows.map(([cell]) => cell)).toEqual([
      'CVE-2021-31603',
      ...[16, 17, 18, 19, 20, 21].map((last) => `CVE-2023-436${last}`),
    ]);
    for (const row of rows) expect(row.at(-1)).toContain('.test.ts');
  });
});
