/** What a relay tells its operator. */
import type { RelayErrorCode } from '../errors.js';

/** What happened in a relay, for its operator: never a name, an address or a capability. */
export type RelayEvent =
  | { readonly kind: 'channel-opened' }
  | { readonly kind: 'channels-expired'; readonly count: number }
  | { readonly kind: 'stapled' }
  | { readonly kind: 'refused'; readonly code: RelayErrorCode }
  | { readonly kind: 'accept-failed' };
