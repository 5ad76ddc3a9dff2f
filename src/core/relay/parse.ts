/** Reads JSON from strangers. */
import * as v from 'valibot';
import { channelNameSchema } from '../wire/http.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });
const named = v.object({ channel: channelNameSchema });

/** Reads JSON in strict UTF-8. @returns nothing when it is anything else */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes));
    return value;
  } catch {
    return undefined;
  }
}

/** The channel that a request names, even when nothing else in it is sound. */
export function channelOf(request: unknown): string | undefined {
  const parsed = v.safeParse(named, request);
  return parsed.success ? parsed.output.channel : undefined;
}
