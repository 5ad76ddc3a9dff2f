/** Text that comes from the other side, made safe for every place of the editor that shows text. */
import { printable } from '../core/index.js';

/**
 * Escapes control and direction characters, and takes away what the editor would make of the rest: a
 * message turns `[words](command:…)` into a link that runs a command, a label turns `$(name)` into an icon.
 */
export function foreignText(text: string): string {
  return printable(text).replaceAll('](', '] (').replaceAll('$(', '$ (');
}
