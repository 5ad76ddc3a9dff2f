/** Which network a code belongs to. Its form decides; nobody has to know. */
import type { Network } from './api.js';
import { isCrocCode, parseCode } from './code.js';
import { parseCrocCode } from './croc11/code.js';

/**
 * Checks a typed code and tells where it leads: `croc` for one without a digit before its first dash.
 *
 * @throws CrocError `invalid_code`, whose detail says what is wrong with it
 */
export function networkOf(code: string): Network {
  if (isCrocCode(code)) {
    parseCrocCode(code);
    return 'croc';
  }
  parseCode(code);
  return 'relay';
}
