/** The link that opens the other side's editor with code and relay filled in. */
import * as vscode from 'vscode';

const EXTENSION = 'croc-share.croc-share';

/** @param relay - `http://host:port` @returns for the kind of editor that runs here */
export function receiveLink(code: string, relay: string): string {
  const query = new URLSearchParams({ code, relay });
  return `${vscode.env.uriScheme}://${EXTENSION}/receive?${query.toString()}`;
}
