import type { JsonObject } from '@pgaf/core/json';
import { formatLsn, parseLsn, type Lsn } from '@pgaf/core/lsn';
import type { State } from '@pgaf/core/states';
import type { Promotion } from '@pgaf/core/timeline';
import type { NodeView } from '@pgaf/core/formation-view';

/** What a keeper says in one heartbeat. */
export interface Report {
  readonly formation: string;
  readonly nodeId: number;
  readonly group: number;
  readonly reported: State;
  readonly postgresRunning: boolean;
  /** 0 when not known, and so is `lsn`: the monitor keeps what it had. */
  readonly tli: number;
  readonly lsn: Lsn;
  /** Of `pg_stat_replication`: `sync`, `async`, `quorum`, `potential`, or '' when not known. */
  readonly syncState: string;
  /** The KeeperFacts; every LSN in it is a bigint. */
  readonly facts: object;
}

/** A node of the group as the monitor has it; its state and position may have changed since the last complete answer. */
export interface Peer extends NodeView {
  readonly tli: number;
  readonly lsn: Lsn;
  readonly candidatePriority: number;
  readonly quorum: boolean;
  /** An operator works on it by hand. */
  readonly paused: boolean;
}

export interface SyncSetting {
  readonly version: number;
  readonly required: number;
  readonly members: readonly number[];
}

/** The monitor's answer to a heartbeat. */
export interface Assignment {
  readonly goal: State;
  readonly candidatePriority: number;
  readonly quorum: boolean;
  readonly epoch: number;
  readonly leader: number | null;
  /** The monitor comes from a backup and does not believe it yet: nothing here is an order. */
  readonly restored: boolean;
  readonly switchoverTarget: number | null;
  /** What would have that switchover given up may be ended for it. */
  readonly switchoverForced: boolean;
  /** Whom this node receives from in `fast_forward`. */
  readonly walSource: number | null;
  /** The newest setting in force; null when there is none yet. */
  readonly setting: SyncSetting | null;
  /** All nodes of the group, this one and those that leave included. */
  readonly nodes: readonly Peer[];
  readonly lineage: readonly Promotion[];
  readonly memory: JsonObject;
  readonly formation: { readonly id: string; readonly kind: string; readonly dbname: string };
  /** More may follow soon, which the monitor does not announce at once: it is to be asked for. */
  readonly inMotion?: boolean;
}

export const NODE_ACTIVE = `
SELECT assigned_group_state AS goal, assigned_candidate_priority AS priority, assigned_replication_quorum AS quorum,
       assignment, version::text
FROM pgautofailover.node_active($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`;

/** A row of `NODE_ACTIVE`, as pg reads it. */
export interface NodeActiveRow {
  readonly goal: State;
  readonly priority: number;
  readonly quorum: boolean;
  /** Null when it is of the version that the report said is known. */
  readonly assignment: AssignmentJson | null;
  readonly version: string | null;
}

/** An assignment as it stands in jsonb: LSNs are text. */
export interface AssignmentJson extends Omit<
  Assignment,
  'goal' | 'candidatePriority' | 'quorum' | 'nodes' | 'lineage' | 'inMotion'
> {
  /** The monitor makes one announcement of many; absent in the answers of older ones. */
  readonly announcesLate?: boolean;
  readonly nodes: readonly (Omit<Peer, 'lsn'> & { readonly lsn: string })[];
  readonly lineage: readonly {
    readonly epoch: number;
    readonly tli: number;
    readonly switchpoint: string | null;
  }[];
}

/** @param known The version of the assignment that need not be sent again; null for all of it. */
export function nodeActiveValues(report: Report, known: string | null = null): unknown[] {
  return [
    report.formation,
    report.nodeId,
    report.group,
    report.reported,
    report.postgresRunning,
    report.tli,
    formatLsn(report.lsn),
    report.syncState,
    JSON.stringify(report.facts, (_, value: unknown) =>
      typeof value === 'bigint' ? formatLsn(value) : value,
    ),
    known,
  ];
}

export function assignmentOf(
  { goal, priority, quorum }: NodeActiveRow,
  assignment: AssignmentJson,
): Assignment {
  return {
    ...assignment,
    goal,
    candidatePriority: priority,
    quorum,
    nodes: assignment.nodes.map((node) => ({ ...node, lsn: parseLsn(node.lsn) })),
    lineage: assignment.lineage.map((promotion) => ({
      ...promotion,
      switchpoint: promotion.switchpoint === null ? null : parseLsn(promotion.switchpoint),
    })),
  };
}
