import type { StateNews } from '../output/notification-table.js';
import type { Meaning } from './group-news.js';

/** States in which a node takes writes for good, and is not on its way to hand over. */
const WRITABLE: ReadonlySet<string> = new Set(['primary', 'wait_primary', 'single']);

/**
 * How far another node must be. Where the old primary is given up there may be no standby left for `primary`, and
 * the new one stays `wait_primary`.
 */
export type TakeOver = 'primary' | 'wait_primary';

/**
 * Tells from the news of a group, in their order, when a switchover away from `old` is over: another node has taken
 * over, or the old one was on its way down and takes writes again.
 */
export function switchoverEnd(old: number | undefined, enough: TakeOver): (news: StateNews) => Meaning {
  let oldSteppedDown = false;
  return ({ nodeId, reportedState, goalState }) => {
    if (nodeId !== old) {
      const stands = reportedState === 'primary' || reportedState === enough;
      return stands && goalState === reportedState ? 'done' : 'under-way';
    }
    if (!WRITABLE.has(goalState)) oldSteppedDown = true;
    else if (oldSteppedDown && reportedState === goalState) return 'given-up';
    return 'under-way';
  };
}
