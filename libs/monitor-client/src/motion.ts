import type { Milliseconds } from '@pgaf/core/durations';
import type { AssignmentJson, NodeActiveRow } from './reports.js';

/** How often a node of a group in motion reports to a monitor that announces late. */
export const REPORT_IN_MOTION_EVERY: Milliseconds = 20;
/** As many times as an answer took: when many groups are in motion at once, most of their nodes must not wait for one. */
const ANSWERS_APART = 3;
/** After a change: longer than the monitor counts on it. */
const AFTER_CHANGE: Milliseconds = 500;
/** While somebody is not where it is to be: what takes longer is announced when it is done. */
const ON_THE_WAY: Milliseconds = 2000;

/** How often a node of a group in motion reports: as seldom as answers are slow. */
export class PaceInMotion {
  #before: Milliseconds = Infinity;

  /**
   * Takes how long an answer took. One that is slow says nothing yet: an announcement keeps a monitor of many nodes busy for
   * as long as all of them wake.
   * @returns how long after the report the next one of a node of a group in motion follows
   */
  next(answerTook: Milliseconds, atLeast = REPORT_IN_MOTION_EVERY): Milliseconds {
    const taken = Math.min(this.#before, answerTook);
    this.#before = answerTook;
    return Math.max(atLeast, ANSWERS_APART * taken);
  }
}

/**
 * Whether the group of a node has just changed, so that what it is told next may follow at once. A monitor of many nodes
 * announces only the first of such changes at once: whoever heard of that asks for those that follow.
 */
export class Motion {
  #seen: string | null = null;
  #changedAt: Milliseconds = -Infinity;

  /** Takes an answer. @returns whether to report again soon */
  note(
    goal: NodeActiveRow['goal'],
    assignment: AssignmentJson,
    now: Milliseconds = performance.now(),
  ): boolean {
    const { epoch, leader, setting, nodes } = assignment;
    const states = nodes.map(({ id, reported, goal: assigned }) => [id, reported, assigned]);
    const seen = JSON.stringify([goal, epoch, leader, setting?.version ?? null, states]);
    // The first answer is no change: all keepers may have begun at once.
    if (this.#seen !== null && this.#seen !== seen) this.#changedAt = now;
    this.#seen = seen;
    if (assignment.announcesLate !== true) return false;
    const isUnderWay = nodes.some(({ reported, goal: assigned }) => reported !== assigned);
    return now - this.#changedAt < (isUnderWay ? ON_THE_WAY : AFTER_CHANGE);
  }
}
