// Builds dist/: the library, the command line, the two workers, the extension and its panel.
const { existsSync } = require('node:fs');
const { cp, mkdir, rm } = require('node:fs/promises');
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
  outdir: 'dist',
};
const entries = {
  index: 'src/core/index.ts',
  worker: 'src/core/transfer/worker.ts',
  relayWorker: 'src/core/relay/worker.ts',
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
  outdir: 'dist',
};
// While the project grows, a part that is not there yet is left out of the build.
const present = (points) =>
  Object.fromEntries(Object.entries(points).filter(([, file]) => existsSync(file)));

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
const { extension, ...programs } = entries;

const jobs = [
  { ...node, entryPoints: present(programs) },
  { ...node, entryPoints: present({ extension }), plugins: [coreBeside] },
  { ...page, entryPoints: present({ webview: 'src/webview/main.ts' }) },
];

async function main() {
  if (!watch) await rm('dist', { recursive: true, force: true });
  await mkdir('dist', { recursive: true });
  for (const job of jobs) {
    if (watch) await (await context(job)).watch();
    else await build(job);
  }
  for (const file of ['codicon.css', 'codicon.ttf'])
    await cp(`node_modules/@vscode/codicons/dist/${file}`, `dist/${file}`);
}

main().catch(() => {
  process.exitCode = 1;
});
