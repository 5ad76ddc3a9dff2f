/** Holds the tests and the code together: every error code and every limit has a test. (States: see below.) */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../src/core/errors.js';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const below = (folder: string, ending: string): string[] =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => path.posix.join(folder, file.replaceAll(path.sep, '/')));

/** Those that hold documents and lists together meet every code without making it happen. */
const NO_EVIDENCE = ['test/unit/tested.test.ts', 'test/unit/docs.test.ts'];
const tests = ['test/unit', 'test/integration', 'test/vscode', 'test/e2e']
  .flatMap((folder) => below(folder, '.test.ts'))
  .filter((file) => !NO_EVIDENCE.includes(file));

/** Every text in a file that may be what a test expects: none of a type, a comparison or a `case`. */
function textsOf(file: string): Set<string> {
  const texts = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node)) {
      const { parent } = node;
      const asks =
        ts.isBinaryExpression(parent) || ts.isCaseClause(parent) || ts.isLiteralTypeNode(parent);
      if (!asks) texts.add(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, read(file), ts.ScriptTarget.ES2023, true));
  return texts;
}

describe('every error code', () => {
  it('is expected by a test', () => {
    const expected = new Set<string>();
    for (const file of tests)
      for (const text of textsOf(file)) {
        // What a relay answers is also expected together with its status: `503 relay_draining`.
        expected.add(text.replace(/^\d{3} /, ''));
      }
    expect(Object.keys(ERRORS).filter((code) => !expected.has(code))).toEqual([]);
  });
});

// States have theirs where they are entered: leaving.test.ts and outages.test.ts take them from the lists of states.
// The limits of a relay are in relay-limit-events.test.ts, which does not compile without a case for each.

/** Which test goes beyond a limit: its file, and a part of its title. Who adds a limit adds where it is tested. */
const LIMITS: Readonly<Record<string, readonly (readonly [file: string, title: string])[]>> = {
  MAX_ADDRESSES: [['integration/rendezvous-faults', 'cannot be used by a third address']],
  MAX_CROC_MESSAGE_BYTES: [['unit/croc-peer', 'is refused when it inflates beyond its bound']],
  MAX_CROC_PAKE_BYTES: [['unit/croc-wire', 'a long message']],
  MAX_CROC_TEXT_BYTES: [['unit/croc-peer', 'is no longer than croc takes']],
  MAX_ENTRIES: [['unit/files-safe-path', 'refuses more than a million entries']],
  MAX_HOLD_MS: [['integration/independent-relay', 'the same state when the time is over']],
  MAX_LANES: [
    ['integration/relay-life', 'length: 17'],
    ['integration/relay-lanes', 'with a number beyond 16'],
  ],
  MAX_LANE_LINE_BYTES: [['integration/relay-lanes', 'may be 512 bytes long with its end']],
  MAX_NAME_BYTES: [['unit/files-safe-path', 'a name that is too long']],
  MAX_OFFER_BYTES: [['integration/hostile-peer', 'an offer without end']],
  MAX_PATH_BYTES: [['unit/files-safe-path', 'a path too long']],
  MAX_PATH_PARTS: [['unit/files-safe-path', 'a path too deep']],
  MAX_PAYLOAD_BYTES: [['unit/wire-messages', 'more than a record may hold']],
  MAX_PIECES: [
    ['unit/wire-messages', 'too many pieces'],
    ['unit/files-coverage', 'bounds the number of pieces'],
  ],
  MAX_PLAINTEXT_BYTES: [['unit/wire-record', 'an empty or too long plaintext']],
  MAX_REQUEST_BYTES: [['integration/relay-http', 'larger than 16 KiB is too_large']],
  MAX_RUNS: [['unit/wire-messages', 'too many runs']],
  MAX_TEXT_BYTES: [['integration/hostile-peer', 'offers a text without end']],
  MAX_UNCONFIRMED_BYTES: [['unit/transfer-sent-records', 'hold so many bytes at most']],
  MAX_UNCONFIRMED_RECORDS: [['unit/transfer-sent-records', 'are so many at most']],
  MAX_UNJUDGED_BLOCKS: [['integration/hostile-peer', 'hashes more blocks than may be']],
  MAX_WINDOW_BITS: [['unit/wire-compressed', 'a larger window than agreed']],
};

describe('every limit of the protocol', () => {
  it('is one of those whose test is named', () => {
    const limits = below('src/core', '.ts').flatMap((file) =>
      [...read(file).matchAll(/^export const (MAX_\w+)/gm)].map(([, name = '']) => name),
    );
    expect([...new Set(limits)].sort()).toEqual(Object.keys(LIMITS).sort());
  });

  it.each(Object.entries(LIMITS))('has a test that goes beyond it: %s', (_, named) => {
    for (const [file, title] of named) expect(read(`test/${file}.test.ts`)).toContain(title);
  });
});
