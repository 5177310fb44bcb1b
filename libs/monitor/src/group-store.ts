import { parseLsn } from '@pgaf/core/lsn';
import type { JsonObject } from '@pgaf/core/json';
import type { PartitionPolicy } from '@pgaf/core/partition-policy';
import type { GroupSnapshot, NodeSnapshot, Sighting, Timings } from '@pgaf/plugin-api/snapshot';
import type { Client, QueryConfig } from 'pg';
import { factsFromJson, lineageFromJson, settingsFromJson } from './json-shapes.js';

export interface GroupKey {
  readonly formation: string;
  readonly group: number;
}

/** A group as one query read it, with what a commit needs to know that it is still so. */
export interface StoredGroup {
  readonly snapshot: GroupSnapshot;
  readonly waiting: readonly string[];
  /** Reports counted, by node id. */
  readonly serials: ReadonlyMap<number, number>;
}

interface NodeJson extends Omit<NodeSnapshot, 'report' | 'seen'> {
  readonly serial: number;
  readonly at: number;
  readonly postgresRunning: boolean | null;
  readonly tli: number;
  readonly lsn: string;
  readonly facts: unknown;
  readonly health: number;
  readonly healthSince: number;
  readonly refused: boolean;
  readonly session: Sighting['session'];
}

interface GroupRow {
  readonly now: number;
  readonly formationid: string;
  readonly groupid: number;
  readonly kind: string;
  readonly dbname: string;
  readonly number_sync_standbys: number;
  readonly partition_policy: PartitionPolicy;
  readonly opt_secondary: boolean;
  readonly epoch: number;
  readonly leader: number | null;
  readonly switchover_target: number | null;
  readonly switchover_forced: boolean;
  readonly wal_source: number | null;
  readonly restored: boolean;
  readonly settings_in_force: unknown;
  readonly lineage: unknown;
  readonly memory: JsonObject;
  readonly waiting: readonly string[];
  readonly nodes: readonly NodeJson[];
}

/**
 * The state of a keeper's session, of `node n` joined to its row `a` of `sessions`. A session from before
 * this postmaster started, or from before it ended all sessions because one of its processes had crashed, was not
 * ended by the keeper. A crash starts the checkpointer anew.
 */
const SESSION = `CASE
  WHEN n.sessionpid IS NULL THEN 'unknown'
  WHEN a.pid IS NOT NULL AND n.reportserial = n.sessionserial THEN 'begun'
  WHEN a.pid IS NOT NULL THEN 'open'
  WHEN n.sessionstart > (SELECT backend_start FROM pg_stat_activity WHERE backend_type = 'checkpointer') THEN 'closed'
  ELSE 'unknown' END`;

/**
 * One look at all sessions, at two of their columns: the function for all columns writes each session's address out, and
 * for one session it looks through all of them once more.
 */
const SESSIONS = `sessions AS MATERIALIZED (
  SELECT pg_stat_get_backend_pid(backend) AS pid, pg_stat_get_backend_start(backend) AS backend_start
    FROM pg_stat_get_backend_idset() AS backend
)`;
const OWN_SESSION = `LEFT JOIN sessions a ON a.pid = n.sessionpid AND a.backend_start = n.sessionstart`;

const MS = (instant: string) => `(extract(epoch FROM ${instant}) * 1000)::float8`;

/** As json, not as jsonb: what is built is only printed. */
const groupsQuery = (wanted: string) => `
WITH wanted AS MATERIALIZED (${wanted}),
${SESSIONS},
members AS (
  SELECT n.formationid, n.groupid, json_agg(json_build_object(
    'id', n.nodeid, 'name', n.nodename, 'host', n.nodehost, 'port', n.nodeport, 'role', n.role,
    'cluster', n.nodecluster, 'reported', n.reportedstate, 'goal', n.goalstate,
    'candidatePriority', n.candidatepriority, 'quorum', n.replicationquorum, 'paused', n.paused,
    'changedAt', ${MS('n.statechangetime')}, 'serial', n.reportserial,
    'at', ${MS('n.reporttime')}, 'postgresRunning', n.reportedpgisrunning, 'tli', n.reportedtli,
    'lsn', n.reportedlsn, 'facts', n.facts, 'health', n.health, 'healthSince', ${MS('n.healthsince')},
    'refused', n.healthrefused, 'session', ${SESSION}
  ) ORDER BY n.nodeid) AS nodes
  FROM wanted JOIN pgautofailover.node n USING (formationid, groupid) ${OWN_SESSION}
  GROUP BY n.formationid, n.groupid
)
SELECT ${MS('clock_timestamp()')} AS now, f.formationid, g.groupid, f.kind, f.dbname::text, f.number_sync_standbys,
       f.partition_policy, f.opt_secondary, g.epoch::float8, g.leader::float8, g.switchover_target::float8,
       g.switchover_forced, g.wal_source::float8, g.believed_in_term < s.doubted_in_term AS restored, g.settings_in_force,
       g.lineage, g.memory, g.waiting, coalesce(members.nodes, '[]') AS nodes
FROM wanted JOIN pgautofailover.group_state g USING (formationid, groupid)
JOIN pgautofailover.formation f USING (formationid)
CROSS JOIN pgautofailover.service s
LEFT JOIN members USING (formationid, groupid)
ORDER BY g.formationid, g.groupid`;

const SOME_GROUPS = groupsQuery(`
  SELECT formationid, groupid FROM unnest($1::text[], $2::int[]) AS key (formationid, groupid)`);
const GROUPS_OF_FORMATION = groupsQuery(`
  SELECT formationid, groupid FROM pgautofailover.group_state WHERE formationid = $1`);
/** The groups behind this one, by formation and number; the first ones when it is NULL. At most so many. */
export const NEXT_KEYS = `
  SELECT formationid, groupid FROM pgautofailover.group_state
   WHERE $1::text IS NULL OR (formationid, groupid) > ($1, $2)
   ORDER BY formationid, groupid LIMIT $3`;
const NEXT_GROUPS = groupsQuery(NEXT_KEYS);

export function keyOf({ snapshot: { formation, group } }: StoredGroup): GroupKey {
  return { formation: formation.id, group };
}

/** Groups with all their nodes, in one query. */
export async function loadGroups(
  client: Client,
  timings: Timings,
  keys: readonly GroupKey[],
): Promise<readonly StoredGroup[]> {
  const values = [keys.map(({ formation }) => formation), keys.map(({ group }) => group)];
  return load(client, timings, { name: 'groups', text: SOME_GROUPS, values });
}

export async function loadGroupsOf(
  client: Client,
  timings: Timings,
  formation: string,
): Promise<readonly StoredGroup[]> {
  return load(client, timings, { name: 'groups-of', text: GROUPS_OF_FORMATION, values: [formation] });
}

/** The groups behind this one, by formation and number; the first ones when it is null. At most so many. */
export async function loadNextGroups(
  client: Client,
  timings: Timings,
  after: GroupKey | null,
  limit: number,
): Promise<readonly StoredGroup[]> {
  const values = [after?.formation ?? null, after?.group ?? null, limit];
  return load(client, timings, { name: 'next-groups', text: NEXT_GROUPS, values });
}

async function load(client: Client, timings: Timings, query: QueryConfig): Promise<readonly StoredGroup[]> {
  const { rows } = await client.query<GroupRow>(query);
  return rows.map((row) => storedGroup(row, timings));
}

/** The groups of a formation that have nodes. */
export async function groupsOf(client: Client, formation: string): Promise<readonly GroupKey[]> {
  const { rows } = await client.query<GroupKey>(
    `SELECT DISTINCT formationid AS formation, groupid AS "group" FROM pgautofailover.node
     WHERE formationid = $1 ORDER BY groupid`,
    [formation],
  );
  return rows;
}

/**
 * Another text when a session began or ended: of those that are there, how many, the newest, and the sum of their pids. It
 * costs less than to find the session of each node.
 */
export async function markOfSessions(client: Client): Promise<string> {
  const { rows } = await client.query<{ mark: string }>({
    name: 'mark-of-sessions',
    text: `WITH ${SESSIONS} SELECT concat_ws(' ', count(*), max(backend_start), sum(pid)) AS mark FROM sessions`,
  });
  return rows[0]?.mark ?? '';
}

/** The nodes whose keeper has no session, by node id: how it stands, and the group it belongs to. */
export async function loadAbsent(
  client: Client,
): Promise<ReadonlyMap<number, GroupKey & { readonly session: Sighting['session'] }>> {
  const { rows } = await client.query<{
    id: number;
    formation: string;
    group: number;
    session: Sighting['session'];
  }>({
    name: 'absent',
    text: `WITH ${SESSIONS}
           SELECT n.nodeid::float8 AS id, n.formationid AS formation, n.groupid AS group, ${SESSION} AS session
           FROM pgautofailover.node n ${OWN_SESSION} WHERE a.pid IS NULL`,
  });
  return new Map(rows.map(({ id, ...rest }) => [id, rest]));
}

function storedGroup(row: GroupRow, timings: Timings): StoredGroup {
  return {
    waiting: row.waiting,
    serials: new Map(row.nodes.map((node) => [node.id, node.serial])),
    snapshot: {
      now: row.now,
      timings,
      formation: {
        id: row.formationid,
        kind: row.kind,
        dbname: row.dbname,
        numberSyncStandbys: row.number_sync_standbys,
        partitionPolicy: row.partition_policy,
        secondary: row.opt_secondary,
      },
      group: row.groupid,
      epoch: row.epoch,
      leader: row.leader,
      settingsInForce: settingsFromJson(row.settings_in_force),
      lineage: lineageFromJson(row.lineage),
      switchoverTarget: row.switchover_target,
      switchoverForced: row.switchover_forced,
      walSource: row.wal_source,
      restored: row.restored,
      memory: row.memory,
      nodes: row.nodes.map(nodeSnapshot),
    },
  };
}

function nodeSnapshot(json: NodeJson): NodeSnapshot {
  const { serial, at, postgresRunning, tli, lsn, facts, health, healthSince, refused, session, ...node } =
    json;
  return {
    ...node,
    report: {
      at: serial === 0 ? null : at,
      postgresRunning: postgresRunning === true,
      tli,
      lsn: parseLsn(lsn),
      facts: factsFromJson(facts),
    },
    seen: {
      health: health === 1 ? 'good' : health === 0 ? 'bad' : 'unknown',
      healthSince,
      refused,
      session,
    },
  };
}
