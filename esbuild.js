// Builds dist/: the library, the command line, the workers, the extension and its panel.
const { readFileSync, readdirSync } = require('node:fs');
const { cp, mkdir, rm, writeFile } = require('node:fs/promises');
const path = require('node:path');
const { build, context } = require('esbuild');

const watch = process.argv.includes('--watch');
const node = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  external: ['vscode'],
  minify: true,
  keepNames: true,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  outdir: 'dist',
};
const entries = {
  index: 'src/core/index.ts',
  worker: 'src/core/transfer/worker.ts',
  publisher: 'src/core/files/publisherThread.ts',
  crocWorker: 'src/core/croc11/worker.ts',
  relayWorker: 'src/core/relay/worker.ts',
  redisClient: 'src/core/relay/redisClient.ts',
  cli: 'src/cli/main.ts',
  extension: 'src/extension/extension.ts',
};
const page = {
  bundle: true,
  platform: 'browser',
  format: 'iife',
  target: 'chrome128',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  outdir: 'dist',
};
// The extension uses the built library beside it instead of carrying a second copy, and requires it
// only when a command needs it: so activation reads one small file.
const coreBeside = {
  name: 'core-beside',
  setup: (build) =>
    build.onResolve({ filter: /\/core\/index\.js$/ }, () => ({
      path: './index.js',
      external: true,
    })),
};
// Only a relay that shares its channels loads the client of Redis, from a file of its own.
const redisBeside = {
  name: 'redis-beside',
  setup: (build) =>
    build.onResolve({ filter: /^\.\/redisClient\.js$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './redisClient.js', external: true } : undefined,
    ),
};
const { extension, ...programs } = entries;

const jobs = [
  { ...node, entryPoints: programs, plugins: [redisBeside] },
  { ...node, entryPoints: { extension }, plugins: [coreBeside] },
  { ...page, entryPoints: { webview: 'src/webview/main.ts' } },
];

/** The licences of every package that went into dist/, as those ask for. */
function notices(inputs) {
  const packages = new Set(['@vscode/codicons']);
  for (const input of inputs) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
    if (name !== undefined) packages.add(name);
  }
  const texts = [...packages].sort().map((name) => {
    const folder = path.join('node_modules', name);
    const { version, license } = JSON.parse(
      readFileSync(path.join(folder, 'package.json'), 'utf8'),
    );
    const files = readdirSync(folder).filter((file) => /^licen[cs]e/i.test(file));
    const words = files.map((file) => readFileSync(path.join(folder, file), 'utf8').trim());
    return `${name} ${version} (${license})\n\n${words.join('\n\n')}\n`;
  });
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}

/** The types of what the extension gives to others: a file of types, so it is its own declaration. */
async function writeApiTypes() {
  const source = readFileSync('src/extension/api.ts', 'utf8');
  await mkdir('dist/types', { recursive: true });
  const declared = source.replace("'../core/index.js'", "'./index.js'");
  await writeFile('dist/types/extension-api.d.ts', declared);
}

/** The README of the .vsix: the animation and docs/ are not in there, so a still and plain words are. */
async function writeReadme() {
  const readme = readFileSync('README.md', 'utf8')
    .replace(/^!\[.*\]\(docs\/images\/croc\.gif\)\n\n/m, '')
    .replace(/\[([^\]]+)\]\(docs\/[^)]+\)/g, '$1');
  await writeFile('dist/extension-readme.md', readme);
}

async function main() {
  if (!watch) await rm('dist', { recursive: true, force: true });
  await mkdir('dist', { recursive: true });
  const inputs = [];
  for (const job of jobs) {
    if (watch) await (await context(job)).watch();
    else inputs.push(...Object.keys((await build(job)).metafile.inputs));
  }
  if (!watch) await writeFile('dist/THIRD-PARTY.txt', notices(inputs));
  await writeApiTypes();
  await writeReadme();
  for (const file of ['codicon.css', 'codicon.ttf'])
    await cp(`node_modules/@vscode/codicons/dist/${file}`, `dist/${file}`);
}

main().catch(() => {
  process.exitCode = 1;
});
