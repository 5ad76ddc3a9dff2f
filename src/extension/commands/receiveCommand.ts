/** A command line for somebody without VS Code. */
import { shellQuoted } from '../../core/index.js';
import { isPublicCrocRelay } from '../address.js';

/**
 * @param relay - `croc://host:port`; croc's public relays need not be named
 * @returns a line for the croc program; the secret stays out of the process list
 */
export function crocCommand(code: string, relay: string, shell: 'posix' | 'powershell'): string {
  const address = relay.replace(/^croc:\/\//, '');
  const command = isPublicCrocRelay(address) ? 'croc' : `croc --relay ${address}`;
  return withSecret(code, command, shell);
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
  return withSecret(secret, command, shell);
}

/** A code of somebody's own may have quotes in it; PowerShell takes typographic ones for such, too. */
function withSecret(secret: string, command: string, shell: 'posix' | 'powershell'): string {
  return shell === 'posix'
    ? `CROC_SECRET=${shellQuoted(secret)} ${command}`
    : `$env:CROC_SECRET='${secret.replace(/['\u2018-\u201b]/g, '$&$&')}'; ${command}`;
}
