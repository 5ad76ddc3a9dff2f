/** Addresses of relays as people read them. Pure. */

/** @param url - `http://host:port` @returns `host:port`, as people type it; https stays */
export const shortAddress = (url: string): string => url.replace(/^http:\/\//, '');
