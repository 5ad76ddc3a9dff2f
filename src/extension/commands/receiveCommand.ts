/** A command line for somebody without VS Code. */
import { isPublicCrocRelay } from '../address.js';

/**
 * @param relay - `croc://host:port`; croc's public relays need not be named
 * @returns a line for the croc program; the secret stays out of the process list
 */
export function crocCommand(code: string, relay: string, shell: 'posix' | 'powershell'): string {
  const address = relay.replace(/^croc:\/\//, '');
  const command = isPublicCrocRelay(address) ? 'croc' : `croc --relay ${address}`;
  return shell === 'posix'
    ? `CROC_SECRET='${code}' ${command}`
    : `$env:CROC_SECRET='${code}'; ${command}`;
}

/**
 * @param relay - `http://host:port`
 * @returns a line in which the secret stays out of the process list
 */
export function receiveCommand(code: string, relay: string, shell: 'posix' | 'powershell'): string {
  const dash = code.indexOf('-');
  const channel = code.slice(0, dash);
  const secret = code.slice(dash + 1);
  const command = `croc-share receive ${channel} --relay ${relay}`;
  return shell === 'posix'
    ? `CROC_SECRET='${secret}' ${command}`
    : `$env:CROC_SECRET='${secret}'; ${command}`;
}
