/** Addresses of relays as people read them. Pure. */

/** @param relay - with or without `croc://` @returns whether it is one of the croc program's public relays */
export const isPublicCrocRelay = (relay: string): boolean =>
  /^(?:croc:\/\/)?[1-4]\.getcroc\.com:/.test(relay);

/** @param url - `http://host:port` @returns `host:port`, as people type it; https stays */
export const shortAddress = (url: string): string => url.replace(/^http:\/\//, '');
