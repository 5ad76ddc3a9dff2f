/** A text on croc's own network: a file in memory with a name of its own kind. */
import { isUtf8 } from 'node:buffer';
import type { RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import type { WalkEntry } from '../files/walk.js';
import type { Walked } from '../transfer/outbound.js';
import { totalsOf } from '../transfer/selection.js';
import type { TextContent } from '../transfer/text.js';
import { MAX_CROC_TEXT_BYTES, TEXT_NAME } from '../wire/crocOffer.js';

/** A text as what is walked. @throws CrocError `limit_exceeded` when it is longer than croc takes */
export function textAsFile({ content }: TextContent, random: RandomBytes): Walked {
  const { length: size } = content;
  if (size > MAX_CROC_TEXT_BYTES)
    throw new CrocError('limit_exceeded', { detail: 'croc takes texts of up to 1 MiB' });
  const path = `${TEXT_NAME}${Buffer.from(random(4)).readUInt32BE()}`;
  const about = { kind: 'file', mtimeMs: Date.now(), executable: false, source: '' } as const;
  const entry: WalkEntry = { path, size, ...about, content };
  return { entries: [entry], totals: totalsOf([entry]) };
}

/** What came as a text's file. @throws CrocError `protocol_error` when it is no text */
export function fileAsText(content: Buffer): TextContent {
  if (content.length === 0 || !isUtf8(content))
    throw new CrocError('protocol_error', { detail: 'a text that is not UTF-8' });
  return { kind: 'text', content };
}
