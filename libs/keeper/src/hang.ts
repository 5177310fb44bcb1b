import type { Milliseconds } from '@pgaf/core/durations';

/** For how long a Postgres that runs has not answered; a value, replaced at each probe. Instants are of the steady clock. */
export interface Hang {
  readonly lasted: Milliseconds;
  /** When the last probe ended that was not answered. */
  readonly lookedAt: Milliseconds;
}

export const NO_HANG: Hang = { lasted: 0, lookedAt: -Infinity };

/** A keeper that was held up for longer may not have read the answer yet, so that its probe tells nothing of Postgres. */
export const HELD_UP: Milliseconds = 700;
/** Between two probes that follow each other. */
const NEXT_PROBE: Milliseconds = 1500;

/** Postgres has said nothing to a probe, not even why it lets nobody in. */
export function notAnswered(
  before: Hang,
  probe: {
    readonly begunAt: Milliseconds;
    readonly endedAt: Milliseconds;
    /** The longest time within it for which this process did nothing. */
    readonly heldUpFor: Milliseconds;
  },
): Hang {
  const { begunAt, endedAt } = probe;
  if (probe.heldUpFor > HELD_UP) return before;
  const since = begunAt - before.lookedAt < NEXT_PROBE ? before.lookedAt : begunAt;
  return { lasted: before.lasted + endedAt - since, lookedAt: endedAt };
}
