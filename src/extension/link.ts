/** The link that opens the other side's editor with code and relay filled in. */
import * as vscode from 'vscode';
import { makeLink } from './links.js';

const EXTENSION = 'croc-share.croc-share';

/** @param relay - `http://host:port` @returns for the kind of editor that runs here */
export function receiveLink(code: string, relay: string): string {
  return makeLink({ scheme: vscode.env.uriScheme, extension: EXTENSION }, { code, relay });
}
