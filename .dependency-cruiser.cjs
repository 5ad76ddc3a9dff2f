// The direction of imports (docs/architecture.md, "Which way imports point").
const only = (name, from, allowed, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from },
  to: { path: '^src/', pathNot: [from, ...allowed] },
});
// Words that everybody shares: errors, plain types, injected edges.
const WORDS =
  '^src/core/(errors|types|api|edges|async|timing)\\.ts$|^src/core/channel/states\\.ts$';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'core-never-imports-vscode',
      severity: 'error',
      comment: 'The core is a library for plain Node; only src/extension knows the editor.',
      from: { path: '^src/(core|cli|webview)/' },
      to: { path: '^vscode$' },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    only(
      'core-stands-alone',
      '^src/core/',
      [],
      'Extension, cli and webview import the core, never the other way round.',
    ),
    only(
      'cli-uses-the-public-api',
      '^src/cli/',
      ['^src/core/(index|early)\\.ts$'],
      'Only the public API, and what begins before it is loaded.',
    ),
    only(
      'extension-uses-the-public-api',
      '^src/extension/',
      ['^src/core/index\\.ts$', '^src/webview/messages\\.ts$'],
      'Only the public API, and the messages of the panel.',
    ),
    only('webview-stands-alone', '^src/webview/', [], 'The page knows nothing but its messages.'),
    only(
      'pake-knows-only-wire',
      '^src/core/pake/',
      [WORDS, '^src/core/wire/'],
      'Key exchange is pure.',
    ),
    only('wire-is-a-leaf', '^src/core/wire/', [WORDS], 'Codecs are pure.'),
    only('files-is-a-leaf', '^src/core/files/', [WORDS], 'Disk access knows no network.'),
    only('discovery-is-a-leaf', '^src/core/discovery/', [WORDS], 'It knows names and ports only.'),
    only(
      'relay-knows-no-client',
      '^src/core/relay/',
      [WORDS, '^src/core/(wire|pake)/', '^src/core/discovery/announced\\.ts$'],
      'The relay shares words, codecs and the exchange of croc clients; its worker announces it.',
    ),
    only(
      'transfer-knows-no-channel',
      '^src/core/transfer/',
      [WORDS, '^src/core/(wire|files)/'],
      'The data plane gets keys and addresses handed in.',
    ),
    only(
      'croc11-knows-no-channel',
      '^src/core/croc11/',
      [WORDS, '^src/core/(wire|pake|files|transfer)/', '^src/core/code\\.ts$'],
      "croc's own network is another way beside the channel protocol.",
    ),
    only(
      'channel-knows-no-data',
      '^src/core/channel/',
      [WORDS, '^src/core/(wire|pake)/', '^src/core/code\\.ts$'],
      'Rendezvous knows no files.',
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    builtInModules: { add: ['vscode'] },
  },
};
