import type { FormationView, KeeperContext } from '@pgaf/plugin-api';
import { DIST_NODES, type DistNode } from './dist-node.js';
import { answerTo, leavingGroups, LET_GO, type LeavingGroup, type LettingGo } from './letting-go.js';
import { countOf } from './removal.js';
import { countShards } from './said.js';

/** Tells groups that are to leave whether Citus has let them go, after `pg_dist_node` was brought in line. */
export async function answerLeaving(
  { sql, say }: Pick<KeeperContext, 'sql' | 'say'>,
  formation: FormationView,
  failure: string | null,
): Promise<void> {
  const leaving = leavingGroups(formation);
  if (leaving.length === 0) return say(LET_GO, null);
  const rows = await sql.query<DistNode>(DIST_NODES);
  const shards = await countShards(sql);
  say(
    LET_GO,
    leaving.map((one) => answerTo(one.token, answerOf(one, rows, shards.get(one.group) ?? 0, failure))),
  );
}

function answerOf(
  { group, node }: LeavingGroup,
  rows: readonly DistNode[],
  shards: number,
  failure: string | null,
): LettingGo {
  if (!rows.some((row) => row.group === group)) return { tag: 'gone' };
  const { host, port } = node;
  if (shards > 0) {
    return {
      tag: 'stays',
      reason: `group ${group} alone has ${countOf(shards)}; move them first, on the coordinator: SELECT citus_drain_node('${host}', ${port}); or use --force: the shards are lost`,
    };
  }
  return {
    tag: 'stays',
    reason: `Citus does not let group ${group} go: ${failure ?? 'its row is still in pg_dist_node'}`,
  };
}
