/** Before the interop suite: in CI the real croc is built, or the run fails. */
import { crocPath, installCroc } from '../../scripts/install-croc.mjs';

export default function setup(): void {
  if (crocPath() !== undefined) return;
  const why = process.env['CI'] === 'true' ? installCroc() : undefined;
  if (why !== undefined) throw new Error(why);
  if (crocPath() === undefined)
    console.log('croc is not installed: its tests are skipped. `npm run croc:install` builds it.');
}
