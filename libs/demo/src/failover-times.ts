import type { Milliseconds } from '@pgaf/core/durations';

/** A failover that comes later than this before the end would not be seen whole. */
const TO_RECOVER: Milliseconds = 5000;

export interface FailoverRhythm {
  readonly first: Milliseconds;
  /** From one to the next. */
  readonly every: Milliseconds;
}

/** When failovers are ordered, counted from the beginning; none where the first one comes too late. */
export function failoverTimes(duration: Milliseconds, { first, every }: FailoverRhythm): Milliseconds[] {
  const times: Milliseconds[] = [];
  for (let at = first; at + TO_RECOVER <= duration; at += every) times.push(at);
  return times;
}
