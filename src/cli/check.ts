/** The verb `check`. */
import { CrocError, checkRelay, findRelays, portsInWords } from '../core/index.js';
import type { Context } from './context.js';
import { chooseRelay, chooseRelayPassword, chooseSurroundings } from './options.js';

/** The options of `check` as they were typed. */
export interface CheckArguments {
  readonly relay?: string;
  readonly relayPassword?: string;
}

/**
 * Tells whether a relay can be used from here: the one that is named, else those on the local network.
 * @throws CrocError `no_relay`, `relay_port_blocked`, or why a relay cannot be asked
 */
export async function check(options: CheckArguments, context: Context): Promise<void> {
  const named = chooseRelay(options.relay, context.env);
  const urls = named === undefined ? await nearby(context) : [named];
  if (urls.length === 0)
    throw new CrocError('no_relay', { detail: 'and none was found on the local network' });
  let failure: CrocError | undefined;
  for (const url of urls) {
    const found = await checkRelay(url, {
      signal: context.signal,
      // One that was only found on the network is told no password.
      ...(named === undefined ? {} : chooseRelayPassword(options.relayPassword, context.env)),
    });
    context.report.checked(found);
    if (found.ports.some(({ reachable }) => !reachable))
      failure ??= new CrocError('relay_port_blocked', { detail: portsInWords(found) });
  }
  if (failure !== undefined) throw failure;
}

async function nearby({ env, signal }: Context): Promise<string[]> {
  const multicast = chooseSurroundings(env);
  if (multicast === 'nowhere') return [];
  const urls: string[] = [];
  for await (const { url } of findRelays({ multicast, signal })) urls.push(url);
  return urls;
}
