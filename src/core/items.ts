/** What a caller names to be sent, sorted into what the worker understands. */
import path from 'node:path';
import { CrocError } from './errors.js';
import { checkEntryPath } from './files/safePath.js';
import type { WalkSource } from './files/walk.js';
import { toTextContent } from './transfer/text.js';
import type { TextContent } from './transfer/text.js';
import type { SendItem } from './types.js';

/** Either things for the walk, or a text. */
export interface SortedItems {
  /** Absolute paths, and files in memory. */
  readonly sources: readonly WalkSource[];
  readonly text: TextContent | undefined;
}

/**
 * @throws CrocError `nothing_to_send`; `usage` when a text is not alone; `unsafe_path` for the name of
 *   a file in memory that no recipient would take; for a text as `toTextContent`
 */
export function sortItems(items: readonly SendItem[]): SortedItems {
  if (items.length === 0) throw new CrocError('nothing_to_send');
  const sources: WalkSource[] = [];
  for (const item of items) {
    if (typeof item === 'string') {
      sources.push(path.resolve(item));
    } else if ('content' in item) {
      checkEntryPath(item.name);
      if (item.name.includes('/')) throw new CrocError('unsafe_path', { detail: item.name });
      const content = typeof item.content === 'string' ? Buffer.from(item.content) : item.content;
      sources.push({ name: item.name, content, mtimeMs: Date.now() });
    } else {
      if (items.length > 1)
        throw new CrocError('usage', { detail: 'a text can only be sent alone' });
      return { sources: [], text: toTextContent(item) };
    }
  }
  return { sources, text: undefined };
}
