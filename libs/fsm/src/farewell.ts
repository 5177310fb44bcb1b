import type { Milliseconds } from '@pgaf/core/durations';
import { canTakeWrites, handsOver, type State } from '@pgaf/core/states';

/** How long a keeper that leaves waits for the monitor to decide what becomes of its node. */
const DECISION: Milliseconds = 1500;
/** How long it waits for a stop that was ordered, before it stops Postgres itself. */
const HANDOVER: Milliseconds = 3500;
/** Reports that failed for so long: the monitor is away, and does not just change its Postgres or its service. */
const AWAY: Milliseconds = 500;
/** For how long Postgres may send standbys what they lack, so that all takes 5 s at most. */
const STREAMS: Milliseconds = 4000;
/** After a long wait for the monitor at least so long. */
const STREAMS_AT_LEAST: Milliseconds = 300;

/** A keeper that was told to stop in an orderly way, as it sees its group. */
export interface Leaver {
  readonly nodeId: number;
  readonly current: State;
  readonly goal: State;
  readonly group: PeersOfLeaver | null;
  /** For how long it has been leaving. */
  readonly since: Milliseconds;
  /** The monitor has answered a report that said so. */
  readonly heard: boolean;
  /** Between the first and the last of the reports that failed since one was answered; 0 with fewer than two. */
  readonly failedFor: Milliseconds;
}

export interface PeersOfLeaver {
  readonly leader: number | null;
  readonly nodes: readonly {
    readonly id: number;
    readonly reported: State;
    readonly goal: State;
    readonly paused: boolean;
  }[];
}

/** What the keeper still waits for, in a phrase; null when it may stop Postgres and end. */
export function farewellWaitsFor(leaver: Leaver): string | null {
  const { current, goal, group, since, heard, failedFor, nodeId } = leaver;
  if (since > HANDOVER || !group) return null;
  // That needs no monitor any more.
  if (canTakeWrites(current) && STOP_ORDERED.has(goal)) return 'the stop that the monitor has ordered';
  if (since > DECISION || monitorIsAway(failedFor)) return null;
  if (canTakeWrites(current)) {
    return canBeHandedOver(nodeId, group) ? 'the monitor to decide who takes over' : null;
  }
  if (!STANDBY.has(current)) return null;
  if (!heard) return 'the monitor to hear that this node leaves';
  return primaryNeeds(nodeId, group) ? 'the primary to do without this node' : null;
}

const STOP_ORDERED: ReadonlySet<State> = new Set([
  'draining',
  'prepare_maintenance',
  'demote_timeout',
  'demoted',
  'dropped',
]);
const STANDBY: ReadonlySet<State> = new Set(['catchingup', 'secondary']);

/** One report that fails is none: its session may just have been closed, and the next one opens another. */
export function monitorIsAway(failedFor: Milliseconds): boolean {
  return failedFor >= AWAY;
}

/** For how long the stop that follows waits for standbys; one that hangs lets nothing through. */
export function standbysMayTake(since: Milliseconds): Milliseconds {
  return Math.max(STREAMS - since, STREAMS_AT_LEAST);
}

/** Other nodes stay, and nobody works on the group by hand. */
export function canBeHandedOver(nodeId: number, { nodes }: PeersOfLeaver): boolean {
  return (
    nodes.some(({ id, goal }) => id !== nodeId && goal !== 'dropped') && !nodes.some(({ paused }) => paused)
  );
}

/** Its commits may wait for this standby, or it is stopping and has not sent its last WAL. */
function primaryNeeds(nodeId: number, { leader, nodes }: PeersOfLeaver): boolean {
  const primary = nodes.find(({ id }) => id === leader && id !== nodeId);
  if (!primary) return false;
  if (handsOver(primary.goal)) return primary.reported !== primary.goal;
  return (
    canTakeWrites(primary.goal) && (primary.goal !== 'wait_primary' || primary.reported !== 'wait_primary')
  );
}
