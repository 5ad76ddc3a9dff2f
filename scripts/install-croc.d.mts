/** The croc program in the cache, or undefined. */
export function crocPath(): string | undefined;
/** Its version as it says itself, like `10.7.0`. */
export function crocVersion(): string;
/** Builds it unless it is there; undefined, or one sentence why there is none. */
export function installCroc(): string | undefined;
