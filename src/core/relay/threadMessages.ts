/** What a relay in a worker thread and its owner say to each other. */
import * as v from 'valibot';
import { CrocError, isErrorCode } from '../errors.js';

const port = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535));
const error = v.object({ code: v.string(), detail: v.exactOptional(v.string()) });

const stats = v.object({ channels: v.number(), connections: v.number(), bytes: v.number() });

/** How a worker is started. A port out of range is let through: the relay itself says so. */
export const workerDataSchema = v.object({
  host: v.exactOptional(v.string()),
  store: v.exactOptional(v.string()),
  hostName: v.exactOptional(v.string()),
  port: v.exactOptional(v.number()),
  tcpPorts: v.exactOptional(v.array(v.number())),
  announce: v.exactOptional(v.boolean()),
  multicast: v.exactOptional(
    v.object({ interfaceAddress: v.exactOptional(v.string()), port: v.exactOptional(port) }),
  ),
  nameDigits: v.exactOptional(v.number()),
});

/** Owner to worker. */
export const orderSchema = v.variant('type', [
  v.object({ type: v.literal('stats'), id: v.number() }),
  v.object({ type: v.literal('close') }),
]);
export type Order = v.InferOutput<typeof orderSchema>;

/** Worker to owner. `closed` is the last word. */
export const reportSchema = v.variant('type', [
  v.object({
    type: v.literal('listening'),
    url: v.string(),
    localUrl: v.string(),
    port,
    ports: v.array(port),
    announced: v.boolean(),
  }),
  v.object({ type: v.literal('stats'), id: v.number(), stats }),
  v.object({ type: v.literal('changed'), stats }),
  v.object({ type: v.literal('failed'), error }),
  v.object({ type: v.literal('closed'), error: v.exactOptional(error) }),
]);
export type Report = v.InferOutput<typeof reportSchema>;
export type PlainError = v.InferOutput<typeof error>;

/** An error as plain data. */
export function toPlain(thrown: unknown): PlainError {
  const { code, detail } = CrocError.from(thrown);
  return detail === undefined ? { code } : { code, detail };
}

/** The error that plain data stands for. */
export function fromPlain({ code, detail }: PlainError): CrocError {
  return new CrocError(
    isErrorCode(code) ? code : 'internal',
    detail === undefined ? {} : { detail },
  );
}
