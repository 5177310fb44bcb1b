import type { Milliseconds } from '@pgaf/core/durations';

/** Who ends when it is told to does so in much less. */
const DEAF_AFTER: Milliseconds = 1500;

/** Processes that are told to end again and again, and stay; by when they were seen first without a break. */
export class DeafProcesses {
  #since: ReadonlyMap<number, Milliseconds> = new Map();

  /** Takes those that are there now, and returns who of them has been for too long. */
  look(pids: readonly number[], now: Milliseconds): readonly number[] {
    this.#since = new Map(pids.map((pid) => [pid, this.#since.get(pid) ?? now]));
    return pids.filter((pid) => now - (this.#since.get(pid) ?? now) >= DEAF_AFTER);
  }
}
