/** The states of the two clients, in their order (docs/protocol.md, "The two clients"). */

/** States of a sender. */
export const SENDER_STATES = [
  'initialize',
  'awaiting-y',
  'verifying',
  'connecting',
  'awaiting-staple',
  'sending',
  'closed',
] as const;
export type SenderState = (typeof SENDER_STATES)[number];

/** States of a recipient. */
export const RECIPIENT_STATES = [
  'initialize',
  'awaiting-x',
  'awaiting-h_k',
  'connecting',
  'receiving',
  'closed',
] as const;
export type RecipientState = (typeof RECIPIENT_STATES)[number];

/** Tells whether a text is a state of a sender. */
export function isSenderState(text: string): text is SenderState {
  return SENDER_STATES.some((state) => state === text);
}

/** Tells whether a text is a state of a recipient. */
export function isRecipientState(text: string): text is RecipientState {
  return RECIPIENT_STATES.some((state) => state === text);
}
