/** What the operator of a relay process sees: metrics, logs, readiness, and its end. */
import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { RelayLog } from '../../src/cli/relay/log.js';
import { startRelayProcess } from '../support/cli.js';

const lines = (stderr: string): Record<string, unknown>[] =>
  stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('a relay process', () => {
  it('counts in metrics what it holds, what it did, and each limit that refused', async () => {
    const settings = ['--metrics-port', '0', '--channels-per-address', '1'];
    const { cli, url } = await startRelayProcess(1, settings);
    while (!cli.stderr.includes('\n')) await new Promise((resolve) => setImmediate(resolve));
    const metrics = String(lines(cli.stderr)[0]?.['metrics']);
    expect(metrics).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    const join = (): Promise<Response> =>
      fetch(`${url}/join`, { method: 'POST', body: '{"role":"sender"}' });
    expect([(await join()).status, (await join()).status]).toEqual([200, 429]);
    const text = await (await fetch(metrics)).text();
    for (const line of [
      'croc_relay_channels 1',
      'croc_relay_channels_opened_total 1',
      'croc_relay_ready 1',
      'croc_relay_refused_total{code="rate_limited"} 1',
      'croc_relay_limited_total{limit="channelsPerAddress"} 1',
      'croc_relay_limit{limit="channelsPerAddress"} 1',
    ])
      expect(text.split('\n')).toContain(line);
    expect(text).toContain('nodejs_eventloop_lag');
    expect((await fetch(metrics.replace('/metrics', '/'))).status).toBe(404);
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
    cli.child.kill('SIGTERM');
    expect(await cli.exit).toBe(0);
    expect(lines(cli.stderr).map(({ message }) => message)).toEqual([
      'listening',
      'channel opened',
      'request refused',
      'draining: no new channels',
      'stopped',
    ]);
    expect(cli.stderr).not.toContain('address":"127');
  });

  it('ends at once by the second signal', async () => {
    const { cli, url } = await startRelayProcess(1);
    const opened = await fetch(`${url}/join`, {
      method: 'POST',
      body: '{"role":"sender","channel":"1"}',
    });
    expect(opened.status).toBe(200);
    await fetch(`${url}/join`, { method: 'POST', body: '{"role":"recipient","channel":"1"}' });
    cli.child.kill('SIGTERM'); // and a pair keeps it busy
    while (!cli.stderr.includes('draining')) await new Promise((resolve) => setImmediate(resolve));
    expect((await fetch(`${url}/healthz/ready`)).status).toBe(503);
    const again = setInterval(() => cli.child.kill('SIGTERM'), 200);
    expect(await cli.exit).toBe(130);
    clearInterval(again);
  });
});

describe('a log', () => {
  function written(level: 'off' | 'warn' | 'debug', text: boolean): string {
    let out = '';
    const sink = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        out += chunk.toString();
        done();
      },
    });
    const log = new RelayLog(sink, level, text, () => new Date(0));
    log.event({ kind: 'accept-failed' });
    log.event({ kind: 'refused', code: 'bad_request' });
    log.write('error', 'odd', { what: 'a\u001b[31m\nb' });
    return out;
  }

  it('has what its level asks for, a line each', () => {
    expect(written('off', false)).toBe('');
    expect(lines(written('warn', false)).map(({ level }) => level)).toEqual(['warn', 'error']);
    expect(lines(written('debug', false)).map(({ level }) => level)).toEqual([
      ...['warn', 'debug', 'error'],
    ]);
  });

  it('for people shows no control character', () => {
    const text = written('debug', true);
    expect(text.split('\n')).toHaveLength(4);
    expect(text).toContain('1970-01-01T00:00:00.000Z error odd what=a\\u{1b}[31m\\u{a}b');
  });
});
