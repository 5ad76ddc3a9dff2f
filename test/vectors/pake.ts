/** The key exchange vectors in pake.json, which the Go module of croc made (go/main.go). */
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { CURVE_NAMES } from '../../src/core/types.js';

const hexBytes = v.pipe(
  v.string(),
  v.regex(/^([0-9a-f]{2})*$/),
  v.transform((hex): Uint8Array => Buffer.from(hex, 'hex')),
);
const hexInteger = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]+$/),
  v.transform((hex) => BigInt(`0x${hex}`)),
);
const point = v.pipe(
  v.strictObject({ u: hexInteger, v: hexInteger }),
  v.transform(({ u, v }) => ({ x: u, y: v })),
);

const vectorSchema = v.strictObject({
  curve: v.picklist(CURVE_NAMES),
  case: v.string(),
  pw: hexBytes,
  idA: hexBytes,
  idB: hexBytes,
  alpha: hexBytes,
  beta: hexBytes,
  x: point,
  y: point,
  z: point,
  plainKey: hexBytes,
  boundKey: hexBytes,
  messageA: v.optional(v.string()),
  messageB: v.optional(v.string()),
});

const fileSchema = v.strictObject({
  madeBy: v.string(),
  howToMakeItAgain: v.string(),
  format: v.string(),
  vectors: v.array(vectorSchema),
});

/** One exchange of the Go module: inputs, points and both forms of the key. */
export type PakeVector = v.InferOutput<typeof vectorSchema>;

/** Reads and checks the file. */
export function readPakeVectors(): v.InferOutput<typeof fileSchema> {
  const text = readFileSync(new URL('pake.json', import.meta.url), 'utf8');
  return v.parse(fileSchema, JSON.parse(text));
}
