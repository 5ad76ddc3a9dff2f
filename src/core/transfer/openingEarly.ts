/**
 * Lanes that are used before the relay has admitted them: the first words on them are there a round trip sooner than the
 * relay's word is here. Should it refuse one, other connections take their place, and what was said is not said twice.
 */
import { deferred } from '../async.js';
import { CrocError } from '../errors.js';
import type { LaneConnection } from './laneConnection.js';
import { openLanes } from './opening.js';
import type { OpeningParts } from './opening.js';

/** Who uses the connections from when all of them have said who they are. */
export interface EarlyUser {
  /** What it comes to; that counts, whatever the relay says of the connections. */
  readonly over: Promise<unknown>;
  /** The relay has refused one, so all are closed; others follow, or it is the end. */
  suspend(): void;
  /** Others instead, one for each lane. What was sent on the first ones may have arrived all the same. */
  reopen(connections: readonly LaneConnection[]): void;
  /** The relay has admitted all. */
  opened(): void;
  /** There will be no others. */
  fail(error: CrocError): void;
}

/**
 * Opens every lane; all or none.
 *
 * @param begin - makes the user out of the first connections that have said who they are
 * @throws CrocError as `openLanes` does, or what the user came to
 */
export async function openEarly<User extends EarlyUser>(
  parts: Omit<OpeningParts, 'early'>,
  signal: AbortSignal,
  begin: (connections: readonly LaneConnection[]) => User,
): Promise<User> {
  const begun = deferred<User>();
  const over = deferred<User>();
  const stop = new AbortController();
  let user: User | undefined;
  const onEntered = (connections: readonly LaneConnection[]): void => {
    if (user) {
      user.reopen(connections);
      return;
    }
    const first = begin(connections);
    user = first;
    begun.resolve(first);
    first.over.then(
      () => over.resolve(first),
      (error: unknown) => over.reject(error),
    );
  };
  const early = { onEntered, onRefused: () => user?.suspend() };
  const opening = openLanes({ ...parts, early }, AbortSignal.any([signal, stop.signal])).then(
    async () => {
      const first = await begun.promise;
      first.opened();
      return first;
    },
  );
  try {
    return await Promise.race([opening, over.promise]);
  } catch (thrown) {
    const error = CrocError.from(thrown);
    user?.fail(error);
    stop.abort(error);
    throw error;
  }
}
