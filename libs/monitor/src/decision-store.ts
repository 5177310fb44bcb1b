import type { Settled } from '@pgaf/fsm/settle';
import { mustBeUnheard } from '@pgaf/fsm/unheard';
import type { GroupSnapshot } from '@pgaf/plugin-api/snapshot';
import pg, { type Client } from 'pg';
import type { StoredGroup } from './group-store.js';
import { toJsonText } from './json-shapes.js';
import { TermLostError } from './term.js';

/** A node of the group was heard of since the snapshot; the caller reads the group again and decides again. */
export class SnapshotOutdatedError extends Error {}

export interface Decision {
  readonly before: StoredGroup;
  readonly settled: Settled;
  /** What `show state` says the group waits for. */
  readonly waiting: readonly string[];
}

/** SQLSTATEs of `write_decision`. */
const TERM_IS_OVER = 'PA002';
const NODE_HAS_REPORTED = 'PA003';

/** True when committing the decision would change no row. */
export function changesNothing({ before, settled, waiting }: Decision): boolean {
  return (
    settled.transitions.length === 0 &&
    settled.removed.length === 0 &&
    settled.group.formation.numberSyncStandbys === before.snapshot.formation.numberSyncStandbys &&
    isSameRow(before, settled.group, waiting)
  );
}

/**
 * Writes a decision in one statement: goals with their events and notifications, removed nodes, the group's own row.
 * @throws TermLostError, SnapshotOutdatedError; nothing is written then, and a transaction of the caller has failed.
 */
export async function writeDecision(client: Client, term: number, decision: Decision): Promise<void> {
  const { formation, group } = decision.before.snapshot;
  try {
    await client.query({
      name: 'write-decision',
      text: 'SELECT pgautofailover_private.write_decision($1, $2, $3, $4)',
      values: [term, formation.id, group, toJsonText(changesOf(decision))],
    });
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    if (error.code === TERM_IS_OVER) throw new TermLostError(term);
    if (error.code === NODE_HAS_REPORTED) throw new SnapshotOutdatedError(error.message);
    throw error;
  }
}

/** As `write_decision` in the schema reads it; what stays is absent. */
function changesOf({ before, settled, waiting }: Decision): object {
  const { snapshot, serials } = before;
  const { numberSyncStandbys } = settled.group.formation;
  return {
    ...(settled.epochRaised && {
      unheard: mustBeUnheard(snapshot, settled.group).map((id) => ({ id, serial: serials.get(id) ?? null })),
    }),
    nodeSettings: changedSettings(snapshot, settled.group),
    transitions: settled.transitions.map(({ node, goal, because, rule }) => ({ node, goal, because, rule })),
    ...(settled.removed.length > 0 && { removed: settled.removed }),
    ...(numberSyncStandbys !== snapshot.formation.numberSyncStandbys && { numberSyncStandbys }),
    ...(!isSameRow(before, settled.group, waiting) && { row: rowOf(settled.group, waiting) }),
  };
}

/** What an operator changed of single nodes; no rule does. */
function changedSettings(before: GroupSnapshot, after: GroupSnapshot): object[] {
  return after.nodes.flatMap(({ id, candidatePriority, quorum }) => {
    const was = before.nodes.find((node) => node.id === id);
    if (!was || (was.candidatePriority === candidatePriority && was.quorum === quorum)) return [];
    return [{ id, priority: candidatePriority, quorum }];
  });
}

/** The group's own row; made when it is not there yet. */
export async function writeGroup(
  client: Client,
  group: GroupSnapshot,
  waiting: readonly string[],
): Promise<void> {
  await client.query('SELECT pgautofailover_private.write_group($1, $2, $3)', [
    group.formation.id,
    group.group,
    toJsonText(rowOf(group, waiting)),
  ]);
}

/** Its columns by their names. */
function rowOf(group: GroupSnapshot, waiting: readonly string[]): object {
  return {
    epoch: group.epoch,
    leader: group.leader,
    settings_in_force: group.settingsInForce,
    lineage: group.lineage,
    switchover_target: group.switchoverTarget,
    switchover_forced: group.switchoverForced,
    wal_source: group.walSource,
    restored: group.restored,
    memory: group.memory,
    waiting,
  };
}

/** Most decisions leave the very snapshot that they began with. */
function isSameRow(before: StoredGroup, after: GroupSnapshot, waiting: readonly string[]): boolean {
  const sameWaiting = waiting.length === 0 && before.waiting.length === 0;
  if (after === before.snapshot && sameWaiting) return true;
  return toJsonText(rowOf(before.snapshot, before.waiting)) === toJsonText(rowOf(after, waiting));
}
