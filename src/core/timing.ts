/** How long things may take (docs/protocol.md, "The two clients"). All in milliseconds. */

/** Deadlines of the state machines. */
export interface ChannelTiming {
  /** Until the relay has let us in. */
  readonly initializeMs: number;
  /** Until somebody uses the code. */
  readonly waitMs: number;
  /** Every other step, once both have met, while the relay answers and the other side does not miss its own. */
  readonly stepMs: number;
  /** For how long what was lost is tried again. */
  readonly reconnectMs: number;
}

/** Deadlines of the data plane. */
export interface DataTiming {
  /** Connecting and being admitted, per lane. */
  readonly connectMs: number;
  /** Between two pings of a party that says nothing else. */
  readonly pingMs: number;
  /** Without any sign from the peer, where a lane cannot come back. */
  readonly silenceMs: number;
  /** Without any sign on one lane, until it is taken for lost and dialled again. */
  readonly laneSilenceMs: number;
  /** For how long what was lost is tried again, since it was last heard: lanes and requests. */
  readonly reconnectMs: number;
  /** Before a lane is dialled again: at first about this long, doubling to twelve times as long. */
  readonly redialMs: number;
}

/** Every deadline of a transfer. */
export interface Timing extends ChannelTiming, DataTiming {
  /** Until the relay has answered a request that it does not hold. */
  readonly answerMs: number;
}
