import type { Milliseconds } from './durations.js';

/** A fast stop of Postgres that takes longer hangs on a client or a standby that does not let go: it becomes an immediate one. */
export const FAST_STOP: Milliseconds = 10_000;
/** The same on the way to a goal, where nobody waits for the end of a process: what an immediate stop leaves may cost a copy. */
export const FAST_STOP_ON_THE_WAY: Milliseconds = 30_000;
