/** Reads fields out of JSON by hand: the only parser that this client has. */

/** What went wrong, by a code: the relay's, or one of docs/protocol.md. */
export class PeerError extends Error {
  override readonly name = 'PeerError';

  /** @param code - a code from the document @param detail - a fact about this case */
  constructor(
    readonly code: string,
    detail = '',
  ) {
    super(`${code}: ${detail}`);
  }
}

/** A JSON object of which nothing else is known. */
export type Fields = Readonly<Record<string, unknown>>;

/** Tells whether a value is a JSON object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Parses text that has to be one JSON object. @throws PeerError `protocol_error` */
export function parseFields(text: string): Fields {
  const value: unknown = JSON.parse(text);
  if (!isFields(value)) throw new PeerError('protocol_error', `not an object: ${text}`);
  return value;
}

/** A field that has to be text. */
export function textOf(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new PeerError('protocol_error', `${name} is not text`);
  return value;
}

/** A field that has to be an integer from 0 to 2^53 - 1. */
export function integerOf(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new PeerError('protocol_error', `${name} is not a count`);
  return value;
}

/** A field that has to be a finite number. */
export function numberOf(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number') throw new PeerError('protocol_error', `${name} is not a number`);
  return value;
}

/** A field that has to be true or false. */
export function booleanOf(fields: Fields, name: string): boolean {
  const value = fields[name];
  if (typeof value !== 'boolean') throw new PeerError('protocol_error', `${name} is not boolean`);
  return value;
}

/** A field that has to be a list. */
export function listOf(fields: Fields, name: string): readonly unknown[] {
  const value: unknown = fields[name];
  if (!Array.isArray(value)) throw new PeerError('protocol_error', `${name} is not a list`);
  return value;
}

/** A byte string as the relay spells it, or nothing. */
export function bytesOf(fields: Fields, name: string): Buffer | undefined {
  if (fields[name] === undefined) return undefined;
  const text = textOf(fields, name);
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw new PeerError('protocol_error', `${name}: base64`);
  return bytes;
}
