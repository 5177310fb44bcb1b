import type { Milliseconds } from '@pgaf/core/durations';
import type { State } from '@pgaf/core/states';
import type { GroupSnapshot, NodeSnapshot, Timings } from './vocabulary.js';

/** The states of a group in which nobody is about to go anywhere. */
const RESTING: ReadonlySet<State> = new Set(['single', 'primary', 'secondary']);

/** A report that is older than this share of what is silence is late: one was missed. */
const LATE = 0.6;

/** A standby that has heard nothing for longer may be on its way to be apart from its primary (apart.ts). */
export const QUIET: Milliseconds = 3000;

/** From when on a report is missed, well before its node is silent. */
export function lateAfter({ silentAfter }: Pick<Timings, 'silentAfter'>): Milliseconds {
  return LATE * silentAfter;
}

/**
 * Every node is where it is to be, and all that keepers and checks say of it is good; nothing is about to change by the
 * passing of time alone. What ends that is a report, a session that ends, a check that fails, or a report that does not
 * come.
 */
export function isAtRest(group: GroupSnapshot): boolean {
  return (
    !group.restored &&
    group.switchoverTarget === null &&
    group.nodes.length > 0 &&
    group.nodes.every((node) => rests(group, node))
  );
}

function rests(
  { now, timings }: GroupSnapshot,
  { reported, goal, paused, report, seen }: NodeSnapshot,
): boolean {
  const { leaving = false, hangs = false, doomed = false, quietFor = 0 } = report.facts;
  return (
    RESTING.has(reported) &&
    goal === reported &&
    !paused &&
    report.at !== null &&
    now - report.at < lateAfter(timings) &&
    report.postgresRunning &&
    !(leaving || hangs || doomed) &&
    quietFor < QUIET &&
    seen.health === 'good' &&
    !seen.refused &&
    seen.session === 'open'
  );
}
