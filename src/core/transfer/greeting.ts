/** What both sides can do: each says it once, by its `hello`. */
import { deferred } from '../async.js';
import { CrocError } from '../errors.js';
import type { ControlOf } from '../wire/control.js';
import { DATA_VERSION, FEATURES, OLDEST_DATA_VERSION } from '../wire/limits.js';
import type { Feature } from '../wire/limits.js';

/** Our hello. */
export const HELLO: ControlOf<'hello'> = {
  t: 'hello',
  version: DATA_VERSION,
  oldest: OLDEST_DATA_VERSION,
  features: [...FEATURES],
};

/** The peer's hello, and what follows from it. */
export class Greeting {
  #shared: ReadonlySet<Feature> | undefined;
  readonly #features = deferred<ReadonlySet<Feature>>();

  /** Whether the peer has said it. */
  get heard(): boolean {
    return this.#shared !== undefined;
  }

  /** The abilities that both sides have; known once it was heard. */
  get features(): Promise<ReadonlySet<Feature>> {
    return this.#features.promise;
  }

  /** Whether both sides have an ability; no, as long as nothing was heard. */
  uses(feature: Feature): boolean {
    return this.#shared?.has(feature) === true;
  }

  /** Takes the peer's. @throws CrocError `protocol_error` the second time, `incompatible_version` */
  take(hello: ControlOf<'hello'>): void {
    if (this.heard) throw new CrocError('protocol_error', { detail: 'hello twice' });
    if (hello.version < OLDEST_DATA_VERSION)
      throw new CrocError('incompatible_version', { detail: 'the other side is older' });
    if (hello.oldest > DATA_VERSION)
      throw new CrocError('incompatible_version', { detail: 'this side is older' });
    this.#shared = new Set(FEATURES.filter((one) => hello.features.includes(one)));
    this.#features.resolve(this.#shared);
  }
}
