/** Whether the real editor is on this machine, and what happens when it is not. */
import { install, isInstalled, unsupported } from '../../../scripts/install-vscode.mjs';

/**
 * Tells whether code-server and Chromium can be used. Where they are missing, says in one sentence that
 * `what` is skipped; with CI=true nothing is skipped: it installs them, or throws.
 */
export function ready(what: string): boolean {
  if (isInstalled()) return true;
  if (process.env['CI'] === 'true') {
    install();
    return true;
  }
  const reason =
    unsupported() ?? 'code-server or Chromium is missing: run `npm run vscode:install`.';
  console.log(`${what}: skipped. ${reason}`);
  return false;
}
