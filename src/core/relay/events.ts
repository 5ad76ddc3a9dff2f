/** What a relay tells its operator. */
import type { RelayErrorCode } from '../errors.js';
import type { CountedLimit } from './limits.js';

/** Whose doing it was, where that is known: an address key. Only when the operator asked for it. */
interface Whose {
  address?: string;
}

/** What happened in a relay, for its operator: never a name or a capability. */
export type RelayEvent =
  | ({ readonly kind: 'channel-opened' } & Whose)
  /** A channel that had both parties has ended. */
  | { readonly kind: 'pair-ended' }
  /** The last connection of a channel that let data pass has gone. */
  | { readonly kind: 'lanes-ended'; readonly bytes: number }
  /** A limit slowed something down or put an end to it, without a refusal. */
  | { readonly kind: 'limited'; readonly limit: CountedLimit }
  | { readonly kind: 'draining' }
  | {
      readonly kind: 'channels-expired';
      readonly limit: 'idleMs' | 'lifeMs';
      readonly count: number;
    }
  | { readonly kind: 'stapled' }
  /** `limit`: the limit that was passed, if it was one. */
  | ({
      readonly kind: 'refused';
      readonly code: RelayErrorCode;
      readonly limit?: CountedLimit;
    } & Whose)
  | { readonly kind: 'accept-failed' };
