/** A live region that does not chatter. Pure: clock and timer come in. */

/** The edges of an announcer. */
export interface AnnouncerEdges {
  readonly now: () => number;
  /** Calls `fire` once after `delayMs`. */
  readonly after: (delayMs: number, fire: () => void) => void;
  /** Puts the sentence where a screen reader hears it. */
  readonly say: (sentence: string) => void;
}

/**
 * Says the newest sentence at once when it has been quiet for `gapMs`, else when that has passed.
 *
 * @param gapMs - least time between two sentences; five seconds by default
 * @returns tell it every sentence; it forgets those that were overtaken
 */
export function announcer(edges: AnnouncerEdges, gapMs = 5000): (sentence: string) => void {
  let said = '';
  let saidAtMs = -Infinity;
  let waiting: string | undefined;
  const say = (sentence: string): void => {
    waiting = undefined;
    if (sentence === said) return;
    said = sentence;
    saidAtMs = edges.now();
    edges.say(sentence);
  };
  return (sentence) => {
    const quietMs = edges.now() - saidAtMs;
    if (waiting !== undefined) {
      waiting = sentence;
    } else if (quietMs >= gapMs) {
      say(sentence);
    } else if (sentence !== said) {
      waiting = sentence;
      edges.after(gapMs - quietMs, () => {
        if (waiting !== undefined) say(waiting);
      });
    }
  };
}
