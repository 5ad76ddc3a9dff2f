/** The documented front of a relay, by a real nginx, and the documented unit, by systemd's own check. */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { Cli, startRelayProcess, temporaryFolder } from '../support/cli.js';

const run = promisify(execFile);
const NGINX = ['/usr/sbin/nginx', '/usr/bin/nginx'].find((file) => existsSync(file));
const ANALYZE = ['/usr/bin/systemd-analyze', '/bin/systemd-analyze'].find((f) => existsSync(f));
const operate = path.resolve(import.meta.dirname, '../../docs/operate');

if (NGINX === undefined) console.warn('The front of a relay is not tried: there is no nginx here.');
if (ANALYZE === undefined)
  console.warn('The unit of a relay is not checked: there is no systemd-analyze here.');

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Starts nginx with the documented server, on a free port, with a certificate of its own. */
async function startFront(relayUrl: string): Promise<{ url: string; certificate: string }> {
  const folder = await temporaryFolder();
  const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await run('openssl', [
    ...['req', '-x509', '-days', '2', ...curve, ...subject],
    ...['-keyout', key, '-out', certificate],
  ]);
  const port = await freePort();
  const server = (await readFile(path.join(operate, 'nginx.conf'), 'utf8'))
    .replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)
    .replace('/etc/ssl/relay.example.org.pem', certificate)
    .replace('/etc/ssl/private/relay.example.org.key', key)
    .replace('http://127.0.0.1:8003', relayUrl);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  const config = path.join(folder, 'nginx.conf');
  await writeFile(
    config,
    `daemon off; pid ${folder}/pid; error_log stderr; events {} http { access_log off; ${temporary.join(' ')}
${server} }`,
  );
  const nginx = spawn(NGINX ?? '', ['-c', config, '-p', folder, '-e', 'stderr'], {
    stdio: 'ignore',
  });
  const gone = new Promise((resolve) => nginx.once('exit', resolve));
  onTestFinished(async () => {
    nginx.kill('SIGQUIT');
    nginx.kill('SIGTERM');
    await gone;
  });
  return { url: `https://127.0.0.1:${port}`, certificate };
}

it.skipIf(NGINX === undefined)(
  'serves a transfer with a password over TLS, the lanes going directly',
  async () => {
    const env = { CROC_RELAY_PASSWORD: 'through the front' };
    const settings = ['--trusted-proxies', '127.0.0.1', '--channels-per-address', '2'];
    const { url: inner } = await startRelayProcess(2, settings, env);
    const { url, certificate } = await startFront(inner);
    const client = { env: { ...env, NODE_EXTRA_CA_CERTS: certificate } };
    const [from, to] = [await temporaryFolder(), await temporaryFolder()];
    const content = Buffer.alloc(3_000_000, 'front');
    await writeFile(path.join(from, 'big'), content);
    const ready = async (): Promise<boolean> => {
      const asked = ['-e', `fetch('${url}/healthz/ready').then((a) => process.exit(a.ok ? 0 : 1))`];
      const environment = { ...process.env, NODE_EXTRA_CA_CERTS: certificate };
      return run(process.execPath, asked, { env: environment }).then(
        () => true,
        () => false,
      );
    };
    while (!(await ready())); // until nginx listens

    const sender = Cli.json(['send', path.join(from, 'big'), '--relay', url], client);
    const { code } = await sender.event('code');
    const args = ['receive', code, '--relay', url, '--out', to, '--yes'];
    const distrustful = Cli.json(args, { env });
    await distrustful.exit;
    expect(distrustful.errors).toEqual(['relay_unreachable']);
    const recipient = Cli.json(args, client);
    expect([await sender.exit, await recipient.exit]).toEqual([0, 0]);
    expect((await readFile(path.join(to, 'big'))).equals(content)).toBe(true);
  },
);

it.skipIf(ANALYZE === undefined)('the unit is one that systemd takes', async () => {
  const { stderr } = await run(ANALYZE ?? '', [
    'verify',
    path.join(operate, 'croc-relay.service'),
  ]).catch((error: unknown) => {
    throw new Error(String(error));
  });
  expect(stderr).not.toMatch(/croc-relay\.service:\d+:/);
});
