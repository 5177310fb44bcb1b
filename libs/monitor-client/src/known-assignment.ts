import type { Milliseconds } from '@pgaf/core/durations';
import { EXIT, PgafError } from '@pgaf/core/errors';
import type { AssignmentJson, NodeActiveRow } from './reports.js';

/** Positions of other nodes are not news, so they are asked for this often. */
const ASK_FOR_ALL_EVERY: Milliseconds = 30_000;

/** Keeps the last assignment that was sent in full, so that the monitor need not send it with each answer. */
export class KnownAssignment {
  #known: { readonly version: string; readonly assignment: AssignmentJson } | null = null;
  #askedAt: Milliseconds = -Infinity;

  /** What other nodes report changes no version: after news of the group, everything is asked for. */
  outdate(): void {
    this.#askedAt = -Infinity;
  }

  /** The version to report now; null asks for everything. */
  toReport(now: Milliseconds = performance.now()): string | null {
    if (this.#known && now - this.#askedAt < ASK_FOR_ALL_EVERY) return this.#known.version;
    this.#askedAt = now;
    return null;
  }

  /** Answers come in the order of their reports. @throws PgafError when it is of a version that was never sent. */
  complete({ assignment, version }: NodeActiveRow): AssignmentJson {
    if (assignment) {
      this.#known = version === null ? null : { version, assignment };
      return assignment;
    }
    if (version !== null && this.#known?.version === version) return this.#known.assignment;
    throw new PgafError('The monitor answered with no assignment.', {
      code: 'monitor-answer',
      exit: EXIT.monitor,
      hint: 'Keeper and monitor may be of different versions.',
    });
  }
}
