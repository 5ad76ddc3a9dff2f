import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { limitsOf, readRelayConfig, setupOf } from '../../src/cli/relay/config.js';
import type { RelayFlags } from '../../src/cli/relay/config.js';
import { flagOf, variableOf } from '../../src/cli/relay/settingKinds.js';
import { CrocError, DEFAULT_RELAY_LIMITS } from '../../src/core/index.js';

async function file(text: string): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'croc-config-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const name = path.join(folder, 'relay.json');
  await writeFile(name, text);
  return name;
}

/** The detail of the usage error that a configuration gives. */
async function wrong(flags: RelayFlags, env: Record<string, string> = {}): Promise<string> {
  try {
    await readRelayConfig(flags, env);
  } catch (error) {
    if (error instanceof CrocError && error.code === 'usage') return error.detail ?? '';
    throw error;
  }
  return 'nothing is wrong';
}

describe('where a setting comes from', () => {
  test('a flag counts before the environment, that before the file, that before the default', async () => {
    const config = await file('{"channels": 3, "sockets": 3, "port": 3}');
    const env = { CROC_RELAY_CHANNELS: '2', CROC_RELAY_SOCKETS: '2' };
    const read = await readRelayConfig({ config, channels: '1' }, env);
    expect(read).toMatchObject({ channels: 1, sockets: 2, port: 3 });
    expect(read.heldPerParty).toBe(DEFAULT_RELAY_LIMITS.heldPerParty);
  });

  test('the environment may name the file, and a flag another one', async () => {
    const [one, other] = [await file('{"channels": 1}'), await file('{"channels": 2}')];
    const env = { CROC_RELAY_CONFIG: one };
    expect(await readRelayConfig({}, env)).toMatchObject({ channels: 1 });
    expect(await readRelayConfig({ config: other }, env)).toMatchObject({ channels: 2 });
  });

  test('names are made by one rule', () => {
    expect(flagOf('tcpPorts')).toBe('--tcp-ports');
    expect(variableOf('tcpPorts')).toBe('CROC_RELAY_TCP_PORTS');
  });
});

test('lists and seconds become what a relay takes; without any setting that is the default', async () => {
  const flags = { host: '127.0.0.1, ::1', tcpPorts: '0,0', idleSeconds: '1.5', port: '0' };
  const setup = await setupOf(await readRelayConfig(flags, {}));
  expect(setup).toMatchObject({ hosts: ['127.0.0.1', '::1'], tcpPorts: [0, 0], port: 0 });
  expect(setup.limits).toMatchObject({ idleMs: 1500 });
  expect(limitsOf(await readRelayConfig({}, {}))).toEqual(DEFAULT_RELAY_LIMITS);
});

describe('what cannot be is told with its place', () => {
  test.each([
    ['port', '65536', /^--port: a port is/],
    ['port', '-1', /^--port: a port is/],
    ['port', '1e3', /^--port: a port is/],
    ['port', '', /^--port: a port is/],
    ['tcpPorts', '', /^--tcp-ports: a port is/],
    ['tcpPorts', '1,2,x', /^--tcp-ports: a port is/],
    ['tcpPorts', '5,5', /named twice/],
    ['tcpPorts', Array(17).fill('0').join(), /at most 16/],
    ['host', 'example.org', /not an IP address/],
    ['channels', '0', /whole number, 1 or more/],
    ['channels', '1.5', /whole number/],
    ['holdSeconds', '26', /seconds, from 1 to 25/],
    ['identifySeconds', '0', /seconds, from 0.1/],
  ])('--%s %j', async (name, text, says) => {
    expect(await wrong({ [name]: text })).toMatch(says);
  });

  test('in the environment and in the file', async () => {
    expect(await wrong({}, { CROC_RELAY_PORT: 'http' })).toMatch(/^CROC_RELAY_PORT: a port is/);
    const config = await file('{"port": "8003"}');
    expect(await wrong({ config })).toMatch(/^"port" in .*relay\.json: a port is/);
  });

  test('a file that is not there, no JSON, no object, or has a setting that there is not', async () => {
    expect(await wrong({ config: '/nowhere/relay.json' })).toMatch(/cannot be read/);
    expect(await wrong({ config: await file('{') })).toMatch(/is not JSON/);
    expect(await wrong({ config: await file('[1]') })).toMatch(/not a JSON object/);
    expect(await wrong({ config: await file('{"prot": 1}') })).toMatch(/no setting "prot"/);
    expect(await wrong({ config: await file('{"toString": 1}') })).toMatch(/no setting "toString/);
  });
});
