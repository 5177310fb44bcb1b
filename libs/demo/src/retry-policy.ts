import type { Milliseconds } from '@pgaf/core/durations';

/** How long a client sleeps between two attempts to connect: at first, and at most. */
export interface RetryPolicy {
  readonly initial: Milliseconds;
  readonly cap: Milliseconds;
}

/** From 0 up to 1, as `Math.random`. */
export type Random = () => number;

function between(low: number, high: number, random: Random): number {
  return Math.round(low + random() * (high - low));
}

/** Each client has one of its own, so that they do not come back all at once. */
export function drawPolicy(random: Random): RetryPolicy {
  return { initial: between(10, 100, random), cap: between(200, 1000, random) };
}

/** The sleep after so many failed attempts, from 1: it doubles up to the cap, and is cut at random by up to a half. */
export function sleepAfter(failures: number, { initial, cap }: RetryPolicy, random: Random): Milliseconds {
  const full = Math.min(cap, initial * 2 ** (failures - 1));
  return between(full / 2, full, random);
}

/** The sleep between two connections. */
export function sleepBetween(random: Random): Milliseconds {
  return between(10, 200, random);
}
