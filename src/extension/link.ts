/** The link that opens the other side's editor with code and relay filled in. */
import * as vscode from 'vscode';
import { isCrocRelay } from '../core/index.js';
import { makeLink } from './links.js';

const EXTENSION = 'croc-share.croc-share';

/**
 * @param relay - `http://host:port`; one of croc's own network is left out, for the code leads there
 * @returns for the kind of editor that runs here
 */
export function receiveLink(code: string, relay: string): string {
  const where = isCrocRelay(relay) ? { code } : { code, relay };
  return makeLink({ scheme: vscode.env.uriScheme, extension: EXTENSION }, where);
}
