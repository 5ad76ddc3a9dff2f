/**
 * What the panel and the extension say to each other: two discriminated unions, checked on both
 * ends. The extension sends a whole view each time, in the person's language; the page only draws
 * it. So nothing has to be kept in the page, and it can be thrown away whenever it is hidden.
 */
import * as v from 'valibot';

/** What the page can ask for. */
export const ACTIONS = [
  'copy-code',
  'copy-relay',
  'copy-command',
  'copy-link',
  'cancel',
  'send-again',
  'receive-again',
  'open',
  'reveal',
  'open-settings',
  'show-log',
  'close',
  'resume',
  'remove',
  'undo',
  'include-ignored',
] as const;
export type Action = (typeof ACTIONS)[number];

/**
 * Where a transfer is, as the panel shows it. `offer`: the person is asked what to take; `paused`: the
 * connection is lost and tried again; `interrupted`: its window was closed; `ended`: nothing is known.
 */
export const STAGES = [
  'waiting',
  'connecting',
  'offer',
  'running',
  'paused',
  'done',
  'failed',
  'cancelled',
  'interrupted',
  'ended',
] as const;
export type Stage = (typeof STAGES)[number];

const text = v.pipe(v.string(), v.maxLength(10_000));
const icon = v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,40}$/));
const button = v.strictObject({
  action: v.picklist(ACTIONS),
  label: text,
  icon,
  primary: v.boolean(),
});
/** Something to copy: the text, its label, what the button says before and after. */
const copyable = v.strictObject({
  label: text,
  text,
  copy: text,
  copied: text,
  note: v.optional(text),
});
const row = v.strictObject({ icon, name: text, detail: text });
const percent = v.pipe(v.number(), v.minValue(0), v.maxValue(100));
/** Most points of a graph, and most files under way. */
export const MOST_POINTS = 120;
export const MOST_ACTIVE = 8;
const progress = v.strictObject({
  label: text,
  /** 0 to 100; absent while nobody can say. */
  percent: v.optional(percent),
  left: text,
  right: text,
  /** More about it, a sentence a line. */
  notes: v.array(text),
  /** The files under way. */
  files: v.pipe(
    v.array(v.strictObject({ name: text, percent, detail: text })),
    v.maxLength(MOST_ACTIVE),
  ),
  /** Bytes a second over time, oldest first; the label tells the same in words. */
  graph: v.optional(
    v.strictObject({
      label: text,
      top: text,
      points: v.pipe(v.array(v.pipe(v.number(), v.minValue(0))), v.maxLength(MOST_POINTS)),
    }),
  ),
});

/** One picture of a transfer, complete. */
const view = v.strictObject({
  id: text,
  direction: v.picklist(['send', 'receive']),
  stage: v.picklist(STAGES),
  heading: text,
  /** The state, in words. */
  status: text,
  /** What to do about it, or what it means. */
  hint: v.optional(text),
  code: v.optional(copyable),
  relay: v.optional(copyable),
  /** A command line for somebody without the editor. */
  command: v.optional(copyable),
  /** A link to draw as a QR code, and what that is, in words. */
  qr: v.optional(
    v.strictObject({ link: v.pipe(v.string(), v.maxLength(1000)), label: text, note: text }),
  ),
  /** What to do on the other side, one sentence a step. */
  steps: v.optional(v.strictObject({ title: text, lines: v.array(text) })),
  progress: v.optional(progress),
  list: v.optional(
    v.strictObject({
      title: text,
      summary: text,
      rows: v.array(row),
      notes: v.array(text),
      /** What was left out, with what can be done about it. */
      ignored: v.optional(v.strictObject({ text, button })),
    }),
  ),
  buttons: v.array(button),
});
export type PanelView = v.InferOutput<typeof view>;
export type PanelButton = v.InferOutput<typeof button>;
export type PanelProgress = v.InferOutput<typeof progress>;
export type PanelCopyable = v.InferOutput<typeof copyable>;

const toPage = v.variant('type', [
  v.strictObject({ type: v.literal('view'), view }),
  v.strictObject({ type: v.literal('copied'), action: v.picklist(ACTIONS) }),
]);
/** Extension → page. */
export type ToPage = v.InferOutput<typeof toPage>;

const toExtension = v.variant('type', [
  v.strictObject({ type: v.literal('ready') }),
  v.strictObject({ type: v.literal('action'), action: v.picklist(ACTIONS) }),
]);
/** Page → extension. */
export type ToExtension = v.InferOutput<typeof toExtension>;

const saved = v.strictObject({
  version: v.literal(2),
  /** Of the transfer; the history knows the rest. */
  id: text,
  direction: v.picklist(['send', 'receive']),
  heading: text,
});
/** What the page keeps over a reload: never a code, nothing but a number and a heading. */
export type SavedPage = v.InferOutput<typeof saved>;

const parser =
  <T>(schema: v.GenericSchema<unknown, T>) =>
  (message: unknown): T | undefined => {
    const result = v.safeParse(schema, message);
    return result.success ? result.output : undefined;
  };

/** Reads a message that the page got; undefined when it is not one. */
export const parseToPage = parser<ToPage>(toPage);
/** Reads a message that the extension got; undefined when it is not one. */
export const parseToExtension = parser<ToExtension>(toExtension);
/** Reads what a page kept; undefined when it is not that. */
export const parseSavedPage = parser<SavedPage>(saved);
