/** An offer that is a text: it comes whole in control messages before `offer` (docs/protocol.md, "Text"). */
import { isUtf8 } from 'node:buffer';
import { CrocError } from '../errors.js';
import { checkEntryPath } from '../files/safePath.js';
import type { TextItem, TextKind } from '../types.js';
import { textBytes, textMessages } from '../wire/control.js';
import type { ControlOf } from '../wire/control.js';
import { MAX_TEXT_BYTES } from '../wire/limits.js';
import type { Session } from './session.js';

/** A text as bytes, and what it is. */
export interface TextContent {
  readonly kind: TextKind;
  readonly name?: string;
  /** Of kind `text`: UTF-8. Not empty, at most 16 MiB. */
  readonly content: Uint8Array;
}

/** What `offer` says of a text: there are no files. */
const NO_FILES = { count: 0, files: 0, folders: 0, bytes: 0 };

/**
 * Reads a text that is to be sent.
 *
 * @throws CrocError `nothing_to_send` when it is empty, `limit_exceeded` when it has over 16 MiB,
 *   `unsafe_path` when its name is no plain file name, `usage` when it is a text that is not UTF-8
 */
export function toTextContent({ text, kind, name }: TextItem): TextContent {
  const content = typeof text === 'string' ? Buffer.from(text) : text;
  if (content.length === 0) throw new CrocError('nothing_to_send', { detail: 'an empty text' });
  if (content.length > MAX_TEXT_BYTES)
    throw new CrocError('limit_exceeded', {
      detail: 'a text has at most 16 MiB; send it as a file',
    });
  if (kind === 'text' && !isUtf8(content))
    throw new CrocError('usage', { detail: 'the text is not UTF-8; send it as a file' });
  checkName(name);
  return name === undefined ? { kind, content } : { kind, name, content };
}

/**
 * Offers a text.
 *
 * @param packs - whether it goes smaller where the recipient can take that
 * @throws CrocError `incompatible_version` when the recipient cannot take one
 */
export async function offerText(session: Session, text: TextContent, packs = true): Promise<void> {
  const features = await session.features;
  if (!features.has('text'))
    throw new CrocError('incompatible_version', {
      detail:
        "the recipient's Croc is older and takes no texts; send it as a file, or update there",
    });
  for (const message of textMessages(text.content))
    await (packs ? session.sendPacked(message) : session.send(message));
  const { kind, name, content } = text;
  const about = { kind, size: content.length, ...(name === undefined ? {} : { name }) };
  await session.send({ t: 'offer', ...NO_FILES, text: about });
}

/** Collects an offered text. */
export class TextInbox {
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  /** Whether nothing of a text has come. */
  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  /** Takes one message. @throws CrocError `protocol_error`, `limit_exceeded` */
  add(message: ControlOf<'text'>): void {
    const chunk = textBytes(message);
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_TEXT_BYTES)
      throw new CrocError('limit_exceeded', { detail: 'a text over 16 MiB' });
    this.#chunks.push(chunk);
  }

  /**
   * The whole text.
   *
   * @throws CrocError `protocol_error` when it is not what `offer` says, `unsafe_path`
   */
  finish(offer: ControlOf<'offer'>): TextContent {
    const { text, count, files, folders, bytes } = offer;
    const none = count === 0 && files === 0 && folders === 0 && bytes === 0;
    if (!text || !none || this.isEmpty || text.size !== this.#bytes)
      throw new CrocError('protocol_error', { detail: 'the offered text does not add up' });
    checkName(text.name);
    const content = Buffer.concat(this.#chunks);
    if (text.kind === 'text' && !isUtf8(content))
      throw new CrocError('protocol_error', { detail: 'a text that is not UTF-8' });
    const { kind, name } = text;
    return name === undefined ? { kind, content } : { kind, name, content };
  }
}

function checkName(name: string | undefined): void {
  if (name === undefined) return;
  checkEntryPath(name);
  if (name.includes('/')) throw new CrocError('unsafe_path', { detail: name });
}
