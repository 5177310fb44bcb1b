import { QUIET } from '@pgaf/fsm/at-rest';
import type { Milliseconds } from '@pgaf/core/durations';
import type { Client } from 'pg';
import { NEXT_KEYS, type GroupKey } from './group-store.js';

/** What one query over the rows of nodes shows of a group. It does not look at sessions, which costs the most. */
export interface Glance extends GroupKey {
  /** Each node is where it is to be, runs Postgres, is seen as good, and hears from its primary if it has one. */
  readonly well: boolean;
  readonly nodes: readonly GlancedNode[];
}

export interface GlancedNode {
  readonly id: number;
  /** How many reports have come of it. */
  readonly serial: number;
  /** Since the last one, by the clock of the tables. */
  readonly age: Milliseconds;
}

interface GlanceRow extends GroupKey {
  readonly well: boolean;
  readonly nodes: readonly (readonly [id: number, serial: number, age: Milliseconds])[];
}

/** What a report says may be of another type than it should be, which compares all the same. */
const GLANCES = `
WITH wanted AS MATERIALIZED (${NEXT_KEYS})
SELECT formationid AS formation, groupid AS "group",
       bool_and(coalesce(n.reportedstate = n.goalstate AND n.reportedpgisrunning AND n.health = 1 AND NOT n.healthrefused
                         AND coalesce(n.facts -> 'quietFor', '0') < '${QUIET}', false)) AS well,
       coalesce(json_agg(json_build_array(n.nodeid, n.reportserial,
                         extract(epoch FROM clock_timestamp() - n.reporttime)::float8 * 1000) ORDER BY n.nodeid)
                FILTER (WHERE n.nodeid IS NOT NULL), '[]') AS nodes
  FROM wanted LEFT JOIN pgautofailover.node n USING (formationid, groupid)
 GROUP BY formationid, groupid ORDER BY formationid, groupid`;

/** As `loadNextGroups`, but for how much is read of each. */
export async function loadNextGlances(
  client: Client,
  after: GroupKey | null,
  limit: number,
): Promise<readonly Glance[]> {
  const values = [after?.formation ?? null, after?.group ?? null, limit];
  const { rows } = await client.query<GlanceRow>({ name: 'next-glances', text: GLANCES, values });
  return rows.map(({ nodes, ...row }) => ({
    ...row,
    nodes: nodes.map(([id, serial, age]) => ({ id, serial, age })),
  }));
}
